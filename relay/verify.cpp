#include "relay/commands.hpp"

namespace availability::relay {

int verify(const Settings&, bool) { return kExitFailure; }

} // namespace availability::relay

// The log: standard error, a line an entry, as text or as JSON.
#pragma once

#include "relay/settings.hpp"

namespace availability::relay {

void set_up_log(const Settings& settings);

} // namespace availability::relay

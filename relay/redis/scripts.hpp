// The scripts of relay/layout.hpp by the names under which Redis runs them.
#pragma once

#include <string>
#include <vector>

#include "relay/layout.hpp"

namespace availability::relay::redis {

// SHA-1 in hexadecimal, for EVALSHA.
const std::string& name_of(layout::Script script);
// The sources of all.
std::vector<std::string> script_sources();

} // namespace availability::relay::redis

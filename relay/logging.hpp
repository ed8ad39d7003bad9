// The log: standard error, a line an entry, as text or as JSON.
#pragma once

#include <string>

namespace availability::relay {

// A level of log.level and a format of log.format.
void set_up_log(const std::string& level, const std::string& format);

} // namespace availability::relay

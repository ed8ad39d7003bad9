// The version of a calendar.
#pragma once

#include "extension/server/boundary.hpp"

namespace availability {

// The version of a calendar that follows `old_version`: microseconds of the clock since 1970, or the next number.
int64 next_version(int64 old_version);

} // namespace availability

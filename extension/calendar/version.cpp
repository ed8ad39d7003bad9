// The version of a calendar.

#include "extension/calendar/version.hpp"

#include <algorithm>

#include "extension/core/epoch.hpp"

extern "C" {
#include <utils/timestamp.h>
}

namespace availability {

int64 next_version(int64 old_version) {
    return std::max<int64>(old_version + 1, GetCurrentTimestamp() + kPostgresEpochMicroseconds);
}

} // namespace availability

using namespace availability;

// The version that follows a given one: see next_version().
AVAILABILITY_FUNCTION(availability_next_version) {
    PG_RETURN_INT64(next_version(PG_GETARG_INT64(0)));
}

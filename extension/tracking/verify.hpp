// The comparison of a tracked table with its companions, for verify and repair.
#pragma once

#include "extension/server/boundary.hpp"
#include "extension/tracking/settings.hpp"

namespace availability {

// The query that returns every discrepancy as (kind, listing, day, reservation, detail).
const char* verify_sql(const TrackedRow& row);

} // namespace availability

// Estimates from what ANALYZE keeps of a column of calendars.
#pragma once

#include "extension/server/boundary.hpp"

extern "C" {
#include <nodes/pathnodes.h>
}

namespace availability {

// Our kind of slot of pg_statistic: its numbers are the first day of the horizon and then, for each day of the horizon,
// the share of all rows that have it booked. Kinds from 10,000 on are for private use (pg_statistic.h).
inline constexpr int kSlotKind = 21149;

// The share of rows for which `calendar operator right` holds. `args` are the two operands; the operator has a dayset
// on its left. A range that is not known yet is taken for a usual stay. Negative if there is nothing to estimate from.
double estimate_share(PlannerInfo* root, List* args, int var_relid, Oid operator_oid);

} // namespace availability

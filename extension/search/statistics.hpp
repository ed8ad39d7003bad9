// Estimates from what ANALYZE keeps of a column of calendars.
#pragma once

#include "extension/server/boundary.hpp"

extern "C" {
#include <nodes/pathnodes.h>
}

namespace availability {

// The share of rows for which `calendar operator right` holds, `args` being those two and the operator one of dayset on
// the left. A range that is not known yet is taken for a usual stay. Negative if there is nothing to estimate from.
double estimate_share(PlannerInfo* root, List* args, int var_relid, Oid operator_oid);

} // namespace availability

extern "C" Datum availability_checked_stay(PG_FUNCTION_ARGS);

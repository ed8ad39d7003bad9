// What an earlier tracking left beside a table that is not tracked.
//
// Settings are rows, companions and triggers are schema: whoever restores a schema alone, or a table alone, has the one
// without the other, and no row can be written. track and retrack take what is left as their own, untrack clears it.
#pragma once

#include "extension/claim/expressions.hpp"
#include "extension/tracking/settings.hpp"

namespace availability {

// Finds, by the names that track gives them and, where the table was renamed since, by what reads it, the objects that
// are what track makes for this table and belong to its owner: *row has those alone, and the name of the claim
// function, from which all are named. False, with none in *row, if nothing shows that the table was tracked: its row
// trigger, a view of its claims, or a calendar.
bool find_leftovers(Relation reservations, TrackedRow* row);

// Raises 55000 if what is left is not just what track makes for this claim.
void require_adoptable(const TrackedRow& left, const ClaimExpressions& claim);

} // namespace availability

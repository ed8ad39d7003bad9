// What a session keeps of the tracked tables whose row triggers it ran, ready to use.
#pragma once

#include "extension/claim/evaluate.hpp"
#include "extension/server/companion.hpp"
#include "extension/server/kept_plans.hpp"
#include "extension/tracking/settings.hpp"

extern "C" {
#include <access/attmap.h>
}

namespace availability {

struct ClaimColumns;

// What a session keeps for a relation whose row triggers it ran: the tracked table's row, and all that the
// triggers need, ready to use.
struct Tracked {
    TrackedRow row;
    Oid owner; // of the view of claims: that of the tracked table, or, where only that one got a new owner, the old one
    CompiledClaim claim;
    CompanionTypes types;
    mutable FmgrInfo compare_listings; // btree comparison of the listing's type
    mutable FmgrInfo equal_keys;
    Oid key_collation;
    TupleDesc row_type;                        // of the tracked table
    AttrMap* row_map;                          // from the trigger's relation to row_type; NULL if they are alike
    mutable const ClaimColumns* claim_columns; // NULL until a booking function asked
    mutable KeptPlans plans;
};

// What belongs to a row trigger's relation: the tracked table itself, or the partitioned one above it.
// Raises 55000 if there is none, or if its companions are not what track made. Locks the companions as their writers
// do. The result lives at least as long as the transaction.
const Tracked* find_tracked(Relation relation);

// The companions of a tracked table, opened and proved; see open_companion(). Where they are is asked again at each
// opening: code of their owner's may run between two.
Companion open_calendar(const Tracked& tracked, LOCKMODE mode);
Companion open_days(const Tracked& tracked, LOCKMODE mode);
Companion open_holds(const Tracked& tracked, LOCKMODE mode);
Companion open_requests(const Tracked& tracked, LOCKMODE mode);

int compare_listings(const Tracked& tracked, Datum a, Datum b);
bool same_key(const Tracked& tracked, const Claim& a, const Claim& b);

} // namespace availability

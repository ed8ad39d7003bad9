// All the companions of a tracked table at once.
#pragma once

#include "extension/claim/expressions.hpp"
#include "extension/server/companion.hpp"
#include "extension/tracking/settings.hpp"

namespace availability {

// OID of the type listing_set; InvalidOid while the extension is older than its library.
Oid listing_set_type();

// What a claim's expressions make of the companions' columns.
CompanionTypes companion_types(const ClaimExpressions& claim);

// Raises 55000 if a companion belongs to somebody else than the table: what its owner put into it, the expressions of
// the view of claims above all, would get the rights of the table's owner.
void require_one_owner(const TrackedRow& row);

// Locks the companions with rows against being dropped. They are those that the settings name once they are locked,
// whatever was made or dropped while we waited.
TrackedRow lock_companions(Oid reservations);

// Locks and proves the companions with rows, for functions of the owner whose statements touch several of them with the
// owner's rights. Raises 55000 if one is not what track makes, or belongs to somebody else than the table.
void prove_companions(const TrackedRow& row, LOCKMODE mode);

// The same while the claim is suspended or about to change: listings and keys are of the types that the calendar has.
void prove_companions_as_made(const TrackedRow& row, LOCKMODE mode);

} // namespace availability

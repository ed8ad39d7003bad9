// All the companions of a tracked table at once.
#pragma once

#include "extension/claim/expressions.hpp"
#include "extension/server/companion.hpp"
#include "extension/tracking/settings.hpp"

namespace availability {

// What a claim's expressions make of the companions' columns.
CompanionTypes companion_types(const ClaimExpressions& claim);

// Locks and proves the companions with rows, for functions of the owner whose statements touch several of them with the
// owner's rights. Raises 55000 if one is not what track makes, or belongs to somebody else than the table.
void prove_companions(const TrackedRow& row, LOCKMODE mode);

} // namespace availability

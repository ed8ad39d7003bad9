// Keeping writers out of a tracked table.
#pragma once

#include "extension/server/boundary.hpp"

namespace availability {

// Locks a tracked table and its partitions against writes until the end of the transaction. Raises 25001 under
// REPEATABLE READ and above, whose snapshot may be older than the lock.
void lock_against_writes(Oid reservations, const char* function);

} // namespace availability

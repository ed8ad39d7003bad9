// Keeping writers out of a tracked table.

#include "extension/tracking/write_lock.hpp"

extern "C" {
#include <access/xact.h>
#include <catalog/pg_inherits.h>
#include <storage/lmgr.h>
#include <utils/lsyscache.h>
}

namespace availability {

void lock_against_writes(Oid reservations, const char* function) {
    if (IsolationUsesXactSnapshot())
        ereport(ERROR,
                (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION), errmsg("%s needs isolation level READ COMMITTED", function),
                 errdetail("The snapshot of this transaction may be older than its lock.")));
    LockRelationOid(reservations, ShareRowExclusiveLock);
    if (get_rel_name(reservations) == nullptr)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", reservations)));
    // A statement that names a partition locks that partition alone.
    list_free(find_all_inheritors(reservations, ShareRowExclusiveLock, nullptr));
}

} // namespace availability

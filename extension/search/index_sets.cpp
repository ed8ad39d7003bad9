// availability.index_sets, unindex_sets and fold.

#include "extension/search/fold.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/tracking/prove.hpp"
#include "extension/tracking/write_lock.hpp"

extern "C" {
#include <catalog/pg_class.h>
#include <storage/lmgr.h>
#include <utils/lsyscache.h>
}

namespace availability {

namespace {

void make_sets(Oid reservations, bool fill) {
    create_set_companions(require_tracked_row(reservations));
    CommandCounterIncrement();
    if (fill)
        refill_sets(require_tracked_row(reservations));
}

} // namespace

} // namespace availability

using namespace availability;

namespace {

// Changes of calendars that come from the table of listings wait too.
TrackedRow lock_tracked(Oid reservations, const char* function, LOCKMODE mode) {
    require_owner(reservations);
    require_tracked_row(reservations);
    lock_against_writes(reservations, function);
    const TrackedRow row = require_tracked_row(reservations);
    LockRelationOid(row.calendar, mode);
    return row;
}

} // namespace

AVAILABILITY_FUNCTION(availability_index_sets) {
    const Oid reservations = PG_GETARG_OID(0);
    const bool fill = PG_GETARG_BOOL(1);
    const TrackedRow row = lock_tracked(reservations, "availability.index_sets", ShareRowExclusiveLock);
    if (OidIsValid(row.sets))
        ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT),
                        errmsg("table \"%s\" has sets already", get_rel_name(reservations))));
    require_one_owner(row);
    as_owner(reservations, [&] { make_sets(reservations, fill); });
    PG_RETURN_VOID();
}

AVAILABILITY_FUNCTION(availability_unindex_sets) {
    const Oid reservations = PG_GETARG_OID(0);
    // Searches open the calendar first: whoever has it alone meets none on the way.
    const TrackedRow row = lock_tracked(reservations, "availability.unindex_sets", AccessExclusiveLock);
    if (OidIsValid(row.sets))
        as_owner(reservations, [&] { drop_set_companions(row); });
    PG_RETURN_VOID();
}

AVAILABILITY_FUNCTION(availability_fold) {
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    const Oid reservations = PG_GETARG_OID(0);
    const int64 most = PG_ARGISNULL(1) ? PG_INT64_MAX : PG_GETARG_INT32(1);
    if (most < 1)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("most must be at least 1")));
    require_owner(reservations);
    const TrackedRow row = require_tracked_row(reservations);
    require_one_owner(row);
    PG_RETURN_INT64(as_owner(reservations, [&] { return fold_sets(row, most); }));
}

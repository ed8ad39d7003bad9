// availability.expire_keys: deleting expired idempotency keys, of one table or of all.
//
// Who walks over all tables meets those of strangers, who may hold locks on them for as long as they like, or have made
// their companions into what runs code of theirs. So the walk leaves out what it would have to wait for or to trust,
// says so, and goes on.

#include "extension/booking/arguments.hpp"
#include "extension/booking/idempotency.hpp"
#include "extension/booking/roles.hpp"
#include "extension/server/companion.hpp"
#include "extension/server/subtransaction.hpp"

extern "C" {
#include <access/genam.h>
#include <access/htup_details.h>
#include <catalog/pg_index.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/relcache.h>
#include <utils/syscache.h>
}

namespace availability {

namespace {

// That to any booking function is enough.
constexpr AclMode kAnyBookingRight = ACL_INSERT | ACL_UPDATE | ACL_DELETE;

bool has_expressions(Oid index) {
    HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
    const bool found = !HeapTupleIsValid(tuple) || !heap_attisnull(tuple, Anum_pg_index_indexprs, nullptr) ||
                       !heap_attisnull(tuple, Anum_pg_index_indpred, nullptr);
    if (HeapTupleIsValid(tuple))
        ReleaseSysCache(tuple);
    return found;
}

// Whether deleting a row runs, or planning to, what somebody wrote himself.
bool runs_own_code(const Companion& requests) {
    if (!requests.plain)
        return true;
    bool found = false;
    List* indexes = RelationGetIndexList(requests.relation);
    ListCell* cell;
    foreach (cell, indexes)
        found = found || has_expressions(lfirst_oid(cell));
    list_free(indexes);
    return found;
}

void skip(const TrackedRow& row, const char* problem) {
    const char* name = qualified_name(row.reservations);
    ereport(WARNING,
            (errmsg("skipped the idempotency keys of table %s: %s", name, problem),
             errhint("To delete them all the same: SELECT availability.expire_keys(%s);", quote_literal_cstr(name))));
}

uint64 expire_in_passing(const TrackedRow& row) {
    Companion requests;
    const char* problem;
    if (!try_open_companion(CompanionKind::kRequest, row.request, CompanionTypes{}, RowExclusiveLock, &requests,
                            &problem)) {
        skip(row, problem);
        return 0;
    }
    if (!runs_own_code(requests))
        return expire_keys(requests);
    close_companion(requests);
    skip(row, "their companion has triggers, checks or expressions of its owner's");
    return 0;
}

uint64 expire_everywhere() {
    uint64 count = 0;
    int others = 0;
    ListCell* cell;
    foreach (cell, all_tracked_rows()) {
        const auto* row = static_cast<TrackedRow*>(lfirst(cell));
        if (get_rel_name(row->reservations) == nullptr || !OidIsValid(row->request) ||
            get_rel_name(row->request) == nullptr)
            continue;
        if (!has_right(row->reservations, kAnyBookingRight)) {
            others++;
            continue;
        }
        uint64 deleted = 0;
        ErrorData* error = in_subtransaction(Outcome::kKept, [&] { deleted = expire_in_passing(*row); });
        if (error != nullptr && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
            ReThrowError(error);
        if (error != nullptr)
            skip(*row, error->message);
        else
            count += deleted;
    }
    if (others > 0)
        ereport(NOTICE, (errmsg_plural("skipped %d tracked table that role \"%s\" may not write",
                                       "skipped %d tracked tables that role \"%s\" may not write", others, others,
                                       GetUserNameFromId(GetUserId(), false))));
    return count;
}

} // namespace

} // namespace availability

using namespace availability;

// (reservations)
AVAILABILITY_FUNCTION(availability_expire_keys) {
    if (PG_NARGS() == 0 || PG_ARGISNULL(0))
        PG_RETURN_INT64(static_cast<int64>(expire_everywhere()));
    const TrackedRow row = writable_row(PG_GETARG_OID(0), kAnyBookingRight);
    if (!OidIsValid(row.request))
        PG_RETURN_INT64(0);
    require_roles_in_companions(row);
    PG_RETURN_INT64(static_cast<int64>(
        expire_keys(open_companion(CompanionKind::kRequest, row.request, CompanionTypes{}, RowExclusiveLock))));
}

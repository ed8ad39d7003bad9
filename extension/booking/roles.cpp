// Whose holds and idempotency keys are.

#include "extension/booking/roles.hpp"

#include "extension/server/owner_scope.hpp"

extern "C" {
#include <access/relation.h>
#include <access/xact.h>
#include <catalog/pg_class.h>
#include <catalog/pg_type.h>
#include <miscadmin.h>
#include <storage/lmgr.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/relcache.h>
}

namespace availability {

namespace {

// Whatever else may be wrong with a companion, the door to it says so.
bool lacks(Oid companion, const char* column) {
    return get_attnum(companion, column) == InvalidAttrNumber && get_rel_relkind(companion) == RELKIND_RELATION;
}

bool lacks_roles(const TrackedRow& row) {
    return lacks(row.hold, "holder") || lacks(row.request, "booker");
}

void add_holder(Oid hold) {
    SqlNames names;
    names.set("hold", qualified_name(hold));
    as_owner(hold, [&] {
        run_sql("ALTER TABLE {hold} ADD COLUMN IF NOT EXISTS holder name NOT NULL DEFAULT name ''", names);
    });
}

void add_booker(Oid request) {
    Relation relation = try_relation_open(request, AccessExclusiveLock);
    if (relation == nullptr)
        return;
    list_free(RelationGetIndexList(relation));
    const char* key = OidIsValid(relation->rd_pkindex) ? get_rel_name(relation->rd_pkindex) : nullptr;
    relation_close(relation, NoLock);
    if (key == nullptr)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("companion \"%s\" has not the primary key that track made", get_rel_name(request)),
                        errhint("Use availability.untrack and availability.track to make it again.")));
    SqlNames names;
    names.set("request", qualified_name(request));
    names.set("request_pkey", quote_identifier(key));
    as_owner(request, [&] {
        run_sql("ALTER TABLE {request} ADD COLUMN booker name NOT NULL DEFAULT name '',"
                " DROP CONSTRAINT {request_pkey}, ADD CONSTRAINT {request_pkey} PRIMARY KEY (booker, key)",
                names);
    });
}

} // namespace

SqlParameter role_parameter() {
    auto* role = static_cast<Name>(palloc(sizeof(NameData)));
    namestrcpy(role, GetUserNameFromId(GetUserId(), false));
    return {NAMEOID, NameGetDatum(role)};
}

void require_roles_in_companions(const TrackedRow& row) {
    if (!lacks_roles(row))
        return;
    // One session alters them; whoever waited for it finds them altered.
    LockRelationOid(row.reservations, ShareUpdateExclusiveLock);
    if (!lacks_roles(row))
        return;
    if (lacks(row.hold, "holder"))
        add_holder(row.hold);
    if (lacks(row.request, "booker"))
        add_booker(row.request);
    CommandCounterIncrement();
}

} // namespace availability

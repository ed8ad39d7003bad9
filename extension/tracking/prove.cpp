// All the companions of a tracked table at once.

#include "extension/tracking/prove.hpp"

#include "extension/dayset/type.hpp"
#include "extension/server/owner_scope.hpp"

extern "C" {
#include <catalog/namespace.h>
#include <catalog/pg_type.h>
#include <miscadmin.h>
#include <nodes/nodeFuncs.h>
#include <storage/lmgr.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/syscache.h>
}

namespace availability {

namespace {

void require_owner_of_table(Oid companion, const TrackedRow& row) {
    const Oid owner = relation_owner(row.reservations);
    if (relation_owner(companion) != owner)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("companion \"%s\" belongs to another role than table \"%s\"", get_rel_name(companion),
                               get_rel_name(row.reservations)),
                        errhint("ALTER TABLE %s OWNER TO %s;", qualified_name(companion),
                                quote_identifier(GetUserNameFromId(owner, false)))));
}

} // namespace

Oid listing_set_type() {
    return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("listing_set"),
                           ObjectIdGetDatum(get_namespace_oid("availability", false)));
}

CompanionTypes companion_types(const ClaimExpressions& claim) {
    return {dayset_type(), getBaseType(exprType(claim.listing)), exprCollation(claim.listing),
            getBaseType(exprType(claim.key)), listing_set_type()};
}

void require_one_owner(const TrackedRow& row) {
    for (const Oid companion :
         {row.claims, row.calendar, row.day, row.hold, row.request, row.sets, row.delta, row.month_view, row.open_view})
        if (OidIsValid(companion) && get_rel_name(companion) != nullptr)
            require_owner_of_table(companion, row);
}

namespace {

void prove_all(const TrackedRow& row, const CompanionTypes& types, LOCKMODE mode) {
    require_owner_of_table(row.claims, row);
    const auto prove = [&](CompanionKind kind, Oid companion) {
        if (!OidIsValid(companion))
            return;
        close_companion(open_companion(kind, companion, types, mode));
        require_owner_of_table(companion, row);
    };
    prove(CompanionKind::kCalendar, row.calendar);
    prove(CompanionKind::kDay, row.day);
    prove(CompanionKind::kHold, row.hold);
    prove(CompanionKind::kSet, row.sets);
    prove(CompanionKind::kDelta, row.delta);
}

Oid column_type(Oid relation, const char* name, Oid* collation) {
    const AttrNumber column = get_attnum(relation, name);
    if (column <= 0)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("companion \"%s\" has no column \"%s\"", get_rel_name(relation), name),
                        errhint("Undo what was done to it, or use availability.untrack and availability.track to make "
                                "it again.")));
    Oid type;
    int32 typmod;
    get_atttypetypmodcoll(relation, column, &type, &typmod, collation);
    return type;
}

} // namespace

TrackedRow lock_companions(Oid reservations) {
    constexpr Oid TrackedRow::*kCompanions[] = {&TrackedRow::calendar, &TrackedRow::day,  &TrackedRow::claims,
                                                &TrackedRow::hold,     &TrackedRow::sets, &TrackedRow::delta};
    TrackedRow row = require_tracked_row(reservations);
    for (bool same = false; !same;) {
        for (const auto companion : kCompanions)
            if (OidIsValid(row.*companion))
                LockRelationOid(row.*companion, AccessShareLock);
        const TrackedRow now = require_tracked_row(reservations);
        same = true;
        for (const auto companion : kCompanions)
            same = same && now.*companion == row.*companion;
        row = now;
    }
    return row;
}

void prove_companions(const TrackedRow& row, LOCKMODE mode) {
    prove_all(row, companion_types(load_claim_expressions(row.reservations, row.claims)), mode);
}

void prove_companions_as_made(const TrackedRow& row, LOCKMODE mode) {
    Oid key_collation;
    CompanionTypes types{};
    types.dayset = dayset_type();
    types.listing_set = listing_set_type();
    types.listing = column_type(row.calendar, "listing_id", &types.listing_collation);
    types.key = column_type(row.calendar, "reservation_id", &key_collation);
    prove_all(row, types, mode);
}

} // namespace availability

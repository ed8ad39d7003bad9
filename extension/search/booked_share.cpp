// availability.booked_share: what ANALYZE keeps of a table's calendars, for people.

#include "extension/search/statistics.hpp"

#include "extension/dayset/type.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/tracking/settings.hpp"

extern "C" {
#include <access/relation.h>
#include <catalog/pg_statistic.h>
#include <funcapi.h>
#include <miscadmin.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/rls.h>
#include <utils/syscache.h>
#include <utils/tuplestore.h>
}

namespace availability {

namespace {

// The column that booked_share() is about.
AttrNumber calendar_column(Relation relation, Oid dayset) {
    AttrNumber found = InvalidAttrNumber;
    for (int i = 0; i < RelationGetNumberOfAttributes(relation); i++) {
        const Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), i);
        if (column->attisdropped || getBaseType(column->atttypid) != dayset)
            continue;
        if (found != InvalidAttrNumber)
            ereport(ERROR,
                    (errcode(ERRCODE_AMBIGUOUS_COLUMN),
                     errmsg("table \"%s\" has more than one column of calendars", RelationGetRelationName(relation))));
        found = column->attnum;
    }
    if (found == InvalidAttrNumber)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                        errmsg("table \"%s\" has no column of calendars", RelationGetRelationName(relation))));
    return found;
}

// As the view pg_stats shows statistics: to those who may read the column, all its rows.
void require_rights(Relation relation, AttrNumber column) {
    const Oid oid = RelationGetRelid(relation);
    if (pg_class_aclcheck(oid, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
        pg_attribute_aclcheck(oid, column, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
        aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(relation->rd_rel->relkind),
                       RelationGetRelationName(relation));
    if (check_enable_rls(oid, InvalidOid, true) == RLS_ENABLED)
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("row-level security may hide rows of table \"%s\"", RelationGetRelationName(relation))));
}

} // namespace

} // namespace availability

using namespace availability;

AVAILABILITY_FUNCTION(availability_booked_share) {
    const Oid given = PG_GETARG_OID(0);
    TrackedRow row;
    const Oid table = read_tracked_row(given, &row) ? row.calendar : given;
    InitMaterializedSRF(fcinfo, 0);
    auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);

    require_relation(table);
    Relation relation = relation_open(table, AccessShareLock);
    const AttrNumber column = calendar_column(relation, dayset_type());
    require_rights(relation, column);
    HeapTuple statistics =
        SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(table), Int16GetDatum(column), BoolGetDatum(true));
    if (!HeapTupleIsValid(statistics))
        statistics =
            SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(table), Int16GetDatum(column), BoolGetDatum(false));
    AttStatsSlot slot;
    if (HeapTupleIsValid(statistics)) {
        if (get_attstatsslot(&slot, statistics, kSlotKind, InvalidOid, ATTSTATSSLOT_NUMBERS)) {
            for (int i = 1; i < slot.nnumbers; i++) {
                Datum values[] = {DateADTGetDatum(date_from_day(static_cast<Day>(slot.numbers[0]) + i - 1)),
                                  Float4GetDatum(slot.numbers[i])};
                bool nulls[] = {false, false};
                tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
            }
            free_attstatsslot(&slot);
        }
        ReleaseSysCache(statistics);
    }
    relation_close(relation, AccessShareLock);
    PG_RETURN_NULL();
}

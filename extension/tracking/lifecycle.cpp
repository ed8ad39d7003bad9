// The life of a row of availability.tracked: what is recorded when it is written, and what goes when its table does.

#include "extension/server/owner_scope.hpp"
#include "extension/tracking/companions.hpp"
#include "extension/tracking/provenance.hpp"
#include "extension/tracking/triggers.hpp"

extern "C" {
#include <catalog/pg_type.h>
#include <commands/trigger.h>
#include <utils/array.h>
#include <utils/inval.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/syscache.h>
}

namespace availability {

namespace {

void delete_tracked(const TrackedRow& row) {
    SqlNames names;
    names.set("oid", psprintf("%u", row.reservations));
    write_tracked(row.reservations, "DELETE FROM availability.tracked WHERE reservations = {oid}::oid", names);
}

// The relations that a command dropped.
struct Dropped {
    const Oid* relations;
    int count;

    bool contains(Oid relation) const {
        for (int i = 0; i < count; i++)
            if (relations[i] == relation)
                return get_rel_name(relation) == nullptr;
        return false;
    }
};

// The view of claims goes with its table by CASCADE alone.
DropBehavior behavior_of(const Dropped& dropped, const TrackedRow& row) {
    return dropped.contains(row.claims) ? DROP_CASCADE : DROP_RESTRICT;
}

void follow_table(const TrackedRow& row, const Dropped& dropped) {
    drop_triggers(row);
    if (get_rel_name(row.calendar) != nullptr) {
        const Oid owner = relation_owner(row.calendar);
        drop_companions(row, owner, owner, behavior_of(dropped, row));
    }
    delete_tracked(row);
}

// DROP COLUMN … CASCADE, or a view of claims dropped with all that depends on it: nothing says any more what a row
// holds.
void follow_claims(const TrackedRow& row) {
    const Oid owner = relation_owner(row.reservations);
    drop_triggers(row);
    drop_companions(row, owner, owner, DROP_CASCADE);
    delete_tracked(row);
    ereport(WARNING, (errmsg("table \"%s\" is not tracked any more", get_rel_name(row.reservations)),
                      errdetail("What its claims were made of was dropped with CASCADE, and its companions with it."),
                      errhint("Use availability.track to track it again.")));
}

void forget_listings(const TrackedRow& row) {
    SqlNames names;
    names.set("oid", psprintf("%u", row.reservations));
    write_tracked(row.reservations,
                  "UPDATE availability.tracked SET listings = NULL, listings_trigger = NULL"
                  " WHERE reservations = {oid}::oid",
                  names);
}

} // namespace

} // namespace availability

using namespace availability;

// Trigger of availability.tracked, for track, restores, updates of the extension and hands alike: ties the companions,
// and lets every session forget what it knew of the table.
AVAILABILITY_FUNCTION(availability_tracked_written) {
    const auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
    if (!CALLED_AS_TRIGGER(fcinfo) || !is_tracked_table(RelationGetRelid(trigger->tg_relation)) ||
        !TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || !TRIGGER_FIRED_BEFORE(trigger->tg_event))
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("availability.tracked_written is the trigger of availability.tracked")));
    HeapTuple tuple = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
    const TrackedRow row = tracked_row_of_tuple(tuple, RelationGetDescr(trigger->tg_relation));
    if (!TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
        tie_companions(row);
    if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(row.reservations)))
        CacheInvalidateRelcacheByRelid(row.reservations);
    return PointerGetDatum(tuple);
}

// What the event trigger calls with the relations that a command dropped, if any belongs to a tracked table. Nobody
// else may: it drops companions whoever dropped the table.
AVAILABILITY_FUNCTION(availability_follow_drop) {
    ArrayType* relations = PG_GETARG_ARRAYTYPE_P(0);
    if (ARR_NDIM(relations) > 1 || ARR_HASNULL(relations) || ARR_ELEMTYPE(relations) != OIDOID)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("not an array of relations")));
    const Dropped dropped = {reinterpret_cast<const Oid*>(ARR_DATA_PTR(relations)),
                             ArrayGetNItems(ARR_NDIM(relations), ARR_DIMS(relations))};
    ListCell* cell;
    foreach (cell, all_tracked_rows()) {
        const auto* row = static_cast<TrackedRow*>(lfirst(cell));
        SPI_connect();
        if (dropped.contains(row->reservations))
            follow_table(*row, dropped);
        else if (dropped.contains(row->claims) && get_rel_name(row->reservations) != nullptr)
            follow_claims(*row);
        else if (dropped.contains(row->listings))
            forget_listings(*row);
        SPI_finish();
    }
    PG_RETURN_VOID();
}

// The triggers on a table of listings: a listing has a calendar as long as it lives.
//
// One trigger for each tracked table, AFTER INSERT OR DELETE OR UPDATE OF <key>: the trigger's column list is where the
// key column is remembered, since it survives renames, dumps and upgrades.

#include "extension/claim/expressions.hpp"
#include "extension/server/companion.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/tracking/companions.hpp"
#include "extension/tracking/listings.hpp"
#include "extension/tracking/triggers.hpp"

extern "C" {
#include <access/table.h>
#include <catalog/partition.h>
#include <commands/trigger.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/typcache.h>
}

namespace availability {

namespace {

TrackedRow row_of_trigger(const TriggerData* trigger) {
    const char* name = TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event) ? listing_row_trigger(trigger->tg_trigger->tgname)
                                                                    : trigger->tg_trigger->tgname;
    TrackedRow row;
    const Oid relation = RelationGetRelid(trigger->tg_relation);
    if (tracked_row_of_listings(relation, name, &row))
        return row;
    if (trigger->tg_relation->rd_rel->relispartition) {
        ListCell* cell;
        foreach (cell, get_partition_ancestors(relation))
            if (tracked_row_of_listings(lfirst_oid(cell), name, &row))
                return row;
    }
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("trigger \"%s\" of table \"%s\" serves no tracked table", trigger->tg_trigger->tgname,
                           RelationGetRelationName(trigger->tg_relation)),
                    errhint("Triggers of availability are made by availability.track alone.")));
}

struct ListingKey {
    Datum value;
    bool is_null;
};

// Runs a statement of one parameter, the listing.
void run_for_listing(const char* statement, const SqlNames& names, Oid type, ListingKey key) {
    run_sql(statement, names, {{type, key.value, key.is_null}});
}

void add_listing(const SqlNames& names, Oid type, ListingKey key) {
    if (key.is_null)
        return;
    run_for_listing("INSERT INTO {calendar} AS c (listing_id, booked, version, change)"
                    " VALUES ($1, '{}', availability.next_version(0), 'reset')"
                    " ON CONFLICT (listing_id) DO UPDATE SET {reset}",
                    names, type, key);
}

// What else goes with a listing's calendar.
struct Drops {
    bool days;
    bool holds;
};

// The update comes first: it is what tells consumers, since a deleted row can't say what it was.
void drop_listing(const SqlNames& names, Drops drops, Oid type, ListingKey key) {
    if (key.is_null)
        return;
    run_for_listing("UPDATE {calendar} AS c SET booked = '{}', {dropped} WHERE listing_id = $1 AND {droppable}", names,
                    type, key);
    run_for_listing("DELETE FROM {calendar} WHERE listing_id = $1 AND {droppable}", names, type, key);
    if (drops.days)
        run_for_listing("DELETE FROM {day} WHERE listing_id = $1", names, type, key);
    if (drops.holds)
        run_for_listing("DELETE FROM {hold} WHERE listing_id = $1", names, type, key);
}

void drop_all_listings(const SqlNames& names, Drops drops) {
    run_sql("UPDATE {calendar} AS c SET booked = '{}', {dropped} WHERE {droppable}", names);
    run_sql("DELETE FROM {calendar} WHERE {droppable}", names);
    if (drops.days)
        run_sql("TRUNCATE {day}", names);
    if (drops.holds)
        run_sql("TRUNCATE {hold}", names);
}

Leaving how_listings_leave(TriggerEvent event) {
    return TRIGGER_FIRED_BY_TRUNCATE(event) ? Leaving::kTruncate
           : TRIGGER_FIRED_BY_DELETE(event) ? Leaving::kDelete
                                            : Leaving::kKeyChange;
}

bool reservations_follow(const TrackedRow& row, Leaving leaving) {
    Relation reservations = table_open(row.reservations, AccessShareLock);
    const ClaimExpressions claim = load_claim_expressions(row.reservations, row.claims);
    const bool follow = reservations_follow(reservations, claim.listing, row.listings, leaving);
    table_close(reservations, AccessShareLock);
    return follow;
}

void row_changed(const TriggerData* trigger, const SqlNames& names, Drops drops) {
    if (trigger->tg_trigger->tgnattr != 1)
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("trigger \"%s\" names no key column", trigger->tg_trigger->tgname)));
    const AttrNumber column = trigger->tg_trigger->tgattr[0];
    const Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(trigger->tg_relation), column - 1);
    const Oid type = getBaseType(attribute->atttypid);
    const auto key_of = [&](TupleTableSlot* slot) {
        ListingKey key;
        key.value = slot_getattr(slot, column, &key.is_null);
        return key;
    };

    const ListingKey key = key_of(trigger->tg_trigslot);
    if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event)) {
        add_listing(names, type, key);
    } else if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event)) {
        drop_listing(names, drops, type, key);
    } else {
        const ListingKey new_key = key_of(trigger->tg_newslot);
        TypeCacheEntry* equality = lookup_type_cache(type, TYPECACHE_EQ_OPR_FINFO);
        if (!key.is_null && !new_key.is_null &&
            DatumGetBool(FunctionCall2Coll(&equality->eq_opr_finfo, attribute->attcollation, key.value, new_key.value)))
            return;
        drop_listing(names, drops, type, key);
        add_listing(names, type, new_key);
    }
}

} // namespace

} // namespace availability

using namespace availability;

// AFTER INSERT OR DELETE OR UPDATE OF <key> FOR EACH ROW, and AFTER TRUNCATE, of a table of listings.
AVAILABILITY_FUNCTION(availability_listing_changed) {
    const auto* trigger = reinterpret_cast<const TriggerData*>(fcinfo->context);
    if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event))
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("not called as the trigger that availability.track makes")));
    Relation calendar = open_companion(row_of_trigger(trigger).calendar, RowExclusiveLock);
    // As it is once nobody can change it any more.
    const TrackedRow row = row_of_trigger(trigger);
    // Days that reservations still claim stay booked: then only empty calendars go, and those have no day rows.
    const bool follow =
        TRIGGER_FIRED_BY_INSERT(trigger->tg_event) || reservations_follow(row, how_listings_leave(trigger->tg_event));
    const Drops drops = {follow && OidIsValid(row.day), follow && OidIsValid(row.hold)};
    as_owner(row.calendar, [&] {
        SqlNames names = companion_names(row);
        names.set("droppable", follow ? "true" : "availability.is_empty(booked)");
        if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
            drop_all_listings(names, drops);
        else
            row_changed(trigger, names, drops);
    });
    table_close(calendar, NoLock);
    return PointerGetDatum(nullptr);
}

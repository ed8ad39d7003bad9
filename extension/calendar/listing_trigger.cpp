// The triggers on a table of listings: a listing has a calendar as long as it lives.
//
// Three triggers for each tracked table. The first, AFTER INSERT OR DELETE OR UPDATE OF <key>, remembers the key column
// in its list of columns, which survives renames, dumps and upgrades; see tracking/triggers.hpp.

#include <cstring>

#include "extension/calendar/change.hpp"
#include "extension/calendar/dropped.hpp"
#include "extension/calendar/hold_rows.hpp"
#include "extension/claim/expressions.hpp"
#include "extension/tracking/companions.hpp"
#include "extension/tracking/listings.hpp"
#include "extension/tracking/triggers.hpp"

extern "C" {
#include <access/sysattr.h>
#include <access/table.h>
#include <catalog/partition.h>
#include <commands/trigger.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/typcache.h>
}

namespace availability {

namespace {

TrackedRow row_of_trigger(const TriggerData* trigger) {
    const char* name = listing_row_trigger(trigger->tg_trigger->tgname);
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
    Oid type;
    Datum value;
    bool is_null;
};

// What the trigger works on.
struct Listings {
    const Tracked& tracked;
    bool reservations_follow;
};

BookedDays booked_days(const Listings& listings) {
    return listings.reservations_follow ? BookedDays::kGo : BookedDays::kKeepIt;
}

void add_listing(const Listings& listings, ListingKey key) {
    if (key.is_null)
        return;
    if (get_typlen(key.type) == -1)
        key.value = PointerGetDatum(PG_DETOAST_DATUM(key.value));
    require_readable(key.value, key.type, "the key of a listing");
    const Tracked& tracked = listings.tracked;
    with_companion(open_calendar(tracked, RowExclusiveLock), [&] {
        run_sql("INSERT INTO {calendar} AS c (listing_id, booked, version, change)"
                " VALUES ($1, '{}', availability.next_version(0), 'reset')"
                " ON CONFLICT (listing_id) DO UPDATE SET booked = {booked_anew}, {reset}",
                companion_names(tracked.row), {{key.type, key.value}});
    });
}

void delete_rows_of(const Companion& companion, ListingKey key) {
    with_companion(companion, [&] {
        SqlNames names;
        names.set("companion", qualified_name(companion.oid()));
        run_sql("DELETE FROM {companion} WHERE listing_id = $1", names, {{key.type, key.value}});
    });
}

// What becomes of the holds of a listing that goes.
enum class Holds { kGo, kStay };

void drop_listing(const Listings& listings, ListingKey key, Holds holds) {
    if (key.is_null)
        return;
    const Tracked& tracked = listings.tracked;
    drop_calendar(tracked, key.type, key.value, booked_days(listings));
    if (listings.reservations_follow && OidIsValid(tracked.row.day))
        delete_rows_of(open_days(tracked, RowExclusiveLock), key);
    if (holds == Holds::kGo && listings.reservations_follow && OidIsValid(tracked.row.hold))
        delete_rows_of(open_holds(tracked, RowExclusiveLock), key);
}

// Holds stay with a listing that gets another key, as far as its reservations do.
void rename_listing(const Listings& listings, ListingKey from, ListingKey to) {
    const bool holds_move = listings.reservations_follow && !from.is_null && !to.is_null;
    drop_listing(listings, from, holds_move ? Holds::kStay : Holds::kGo);
    add_listing(listings, to);
    if (!holds_move)
        return;
    ListCell* cell;
    foreach (cell, move_holds(listings.tracked, {from.type, from.value}, {to.type, to.value})) {
        const auto* claim = static_cast<const Claim*>(lfirst(cell));
        if (claim->held())
            change_calendar(listings.tracked, {Change::kCreated, claim->listing, 0, true, false, {0, 0}, claim->stay});
    }
}

void drop_all_listings(const Listings& listings) {
    const Tracked& tracked = listings.tracked;
    drop_all_calendars(tracked, booked_days(listings));
    if (listings.reservations_follow && OidIsValid(tracked.row.day))
        truncate_companion(open_days(tracked, RowExclusiveLock));
    if (listings.reservations_follow && OidIsValid(tracked.row.hold))
        truncate_companion(open_holds(tracked, RowExclusiveLock));
}

Leaving how_listings_leave(TriggerEvent event) {
    return TRIGGER_FIRED_BY_TRUNCATE(event) ? Leaving::kTruncate
           : TRIGGER_FIRED_BY_DELETE(event) ? Leaving::kDelete
                                            : Leaving::kKeyChange;
}

// The user's own code may keep a referential action away from a row. Referential triggers fire before ours, so what is
// left then stays (but in a listing that moves between partitions, whose reservations follow later).
bool follow_from(const Listings& listings, Relation reservations, ListingKey key) {
    return listings.reservations_follow && (key.is_null || !may_keep_actions_away(reservations) ||
                                            !has_reservations(reservations, listings.tracked.row, key.type, key.value));
}

void row_changed(const TriggerData* trigger, Relation reservations, Listings listings) {
    const char* first_trigger = listing_row_trigger(trigger->tg_trigger->tgname);
    const AttrNumber column = remembered_key_column(trigger->tg_relation, first_trigger);
    if (column == InvalidAttrNumber)
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("trigger \"%s\" names no key column", first_trigger)));
    // An update that names the key is the first trigger's.
    const bool is_first = std::strcmp(trigger->tg_trigger->tgname, first_trigger) == 0;
    if (!is_first && bms_is_member(column - FirstLowInvalidHeapAttributeNumber, trigger->tg_updatedcols))
        return;
    const Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(trigger->tg_relation), column - 1);
    const Oid type = getBaseType(attribute->atttypid);
    // A cast from another type would run as the calendars' owner, whosever it is.
    if (!is_supported_key_type(type))
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("key of table \"%s\" has type %s, which listings can't have",
                               RelationGetRelationName(trigger->tg_relation), format_type_be(type))));
    const auto key_of = [&](TupleTableSlot* slot) {
        ListingKey key{};
        key.type = type;
        key.value = slot_getattr(slot, column, &key.is_null);
        return key;
    };

    const ListingKey key = key_of(trigger->tg_trigslot);
    if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event)) {
        add_listing(listings, key);
    } else if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event)) {
        listings.reservations_follow = follow_from(listings, reservations, key);
        drop_listing(listings, key, Holds::kGo);
    } else {
        const ListingKey new_key = key_of(trigger->tg_newslot);
        TypeCacheEntry* equality = lookup_type_cache(type, TYPECACHE_EQ_OPR_FINFO);
        if (!key.is_null && !new_key.is_null &&
            DatumGetBool(FunctionCall2Coll(&equality->eq_opr_finfo, attribute->attcollation, key.value, new_key.value)))
            return;
        listings.reservations_follow = follow_from(listings, reservations, key);
        rename_listing(listings, key, new_key);
    }
}

} // namespace

} // namespace availability

using namespace availability;

// AFTER INSERT OR DELETE OR UPDATE FOR EACH ROW, and AFTER TRUNCATE, of a table of listings.
AVAILABILITY_FUNCTION(availability_listing_changed) {
    const auto* trigger = reinterpret_cast<const TriggerData*>(fcinfo->context);
    if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event))
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("not called as the trigger that availability.track makes")));
    // The tracked table first: who untracks it goes the same way.
    Relation reservations = try_table_open(row_of_trigger(trigger).reservations, AccessShareLock);
    // Dropped with CASCADE: there is nothing left that the calendars are of.
    if (reservations == nullptr)
        return PointerGetDatum(nullptr);
    // As it is once nobody can change it any more.
    const TrackedRow row = row_of_trigger(trigger);
    const Tracked& tracked = *find_tracked(reservations);
    // Days that reservations still claim stay booked: then only empty calendars go, and those have no day rows.
    const Listings listings = {
        tracked, TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ||
                     reservations_follow(reservations, load_claim_expressions(row.reservations, row.claims).listing,
                                         row.listings, how_listings_leave(trigger->tg_event))};
    if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
        drop_all_listings(listings);
    else
        row_changed(trigger, reservations, listings);
    table_close(reservations, NoLock);
    return PointerGetDatum(nullptr);
}

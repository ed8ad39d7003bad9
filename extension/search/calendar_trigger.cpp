// The triggers on a calendar companion with set search: whatever changes a calendar, the delta learns of it. Bookings
// append to it themselves, without the trigger.

#include "extension/search/delta.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/server/spi.hpp"

extern "C" {
#include <catalog/pg_type.h>
#include <commands/trigger.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
}

namespace availability {

namespace {

// What one statement's trigger keeps.
struct KnownCalendar {
    DeltaTarget target;
    AttrNumber ordinal;
    AttrNumber version;
    AttrNumber booked;
};

// False where nobody searches: a restore without the extension's data brings the triggers, and no settings.
bool find_row(Relation calendar, TrackedRow* row) {
    return tracked_row_of_calendar(RelationGetRelid(calendar), row) && OidIsValid(row->delta);
}

// By its shape, as whoever fires a trigger has it locked.
AttrNumber column_of(Relation calendar, const char* name, Oid type) {
    const AttrNumber column = get_attnum(RelationGetRelid(calendar), name);
    if (column <= 0 || TupleDescAttr(RelationGetDescr(calendar), column - 1)->atttypid != type)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("companion \"%s\" has no column \"%s\" of type %s", RelationGetRelationName(calendar),
                               name, format_type_be(type))));
    return column;
}

const KnownCalendar* known_calendar(FunctionCallInfo fcinfo, Relation calendar) {
    auto* known = static_cast<KnownCalendar*>(fcinfo->flinfo->fn_extra);
    if (known == nullptr) {
        TrackedRow row;
        if (!find_row(calendar, &row))
            return nullptr;
        known = static_cast<KnownCalendar*>(MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(KnownCalendar)));
        *known = {{row.delta, calendar->rd_rel->relowner, dayset_type()},
                  column_of(calendar, "ordinal", INT4OID),
                  column_of(calendar, "version", INT8OID),
                  column_of(calendar, "booked", dayset_type())};
        fcinfo->flinfo->fn_extra = known;
    }
    return known;
}

// A calendar row, as far as the delta is concerned.
struct CalendarState {
    int32 ordinal;
    int64 version;
    Datum booked;
};

CalendarState state_of(TupleTableSlot* slot, const KnownCalendar& known) {
    bool nulls[3];
    CalendarState state;
    state.ordinal = DatumGetInt32(slot_getattr(slot, known.ordinal, &nulls[0]));
    state.version = DatumGetInt64(slot_getattr(slot, known.version, &nulls[1]));
    state.booked = slot_getattr(slot, known.booked, &nulls[2]);
    if (nulls[0] || nulls[1] || nulls[2])
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                        errmsg("a calendar has no nulls in its ordinal, version and booked days")));
    return state;
}

// A copy is as good as the calendar only where versions grow, as all but the owner's hand makes them.
void row_changed(const TriggerData* trigger, const KnownCalendar& known) {
    const CalendarState first = state_of(trigger->tg_trigslot, known);
    if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event)) {
        append_to_delta(known.target, first.ordinal, first.version, first.booked);
    } else if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event)) {
        append_lookup(known.target, first.ordinal);
    } else {
        const CalendarState now = state_of(trigger->tg_newslot, known);
        if (now.ordinal == first.ordinal && now.version > first.version) {
            append_to_delta(known.target, now.ordinal, now.version, now.booked);
            return;
        }
        append_lookup(known.target, first.ordinal);
        append_lookup(known.target, now.ordinal);
    }
}

// Who truncates calendars empties the sets too, which makes every search go through the calendars until they are filled
// again.
void truncated(Relation calendar) {
    TrackedRow row;
    if (!find_row(calendar, &row))
        return;
    // Each as its own owner, whose triggers may fire.
    for (const Oid companion : {row.sets, row.delta})
        as_owner(companion, [&] {
            SqlNames names;
            names.set("companion", qualified_name(companion));
            run_sql("TRUNCATE {companion}", names);
        });
}

} // namespace

} // namespace availability

using namespace availability;

// AFTER INSERT OR DELETE OR UPDATE FOR EACH ROW, and AFTER TRUNCATE, of a calendar companion.
AVAILABILITY_FUNCTION(availability_calendar_changed) {
    const auto* trigger = reinterpret_cast<const TriggerData*>(fcinfo->context);
    if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event))
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("not called as the trigger that availability.index_sets makes")));
    if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
        truncated(trigger->tg_relation);
    else if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("not called as the trigger that availability.index_sets makes")));
    else if (const KnownCalendar* known = known_calendar(fcinfo, trigger->tg_relation))
        row_changed(trigger, *known);
    return PointerGetDatum(nullptr);
}

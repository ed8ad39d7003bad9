// The triggers on a tracked table: each row change becomes a change of one calendar or two.

#include "extension/calendar/booking_note.hpp"
#include "extension/calendar/change.hpp"
#include "extension/calendar/dropped.hpp"
#include "extension/calendar/row_history.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/tracking/backfill.hpp"
#include "extension/tracking/companions.hpp"

extern "C" {
#include <access/table.h>
#include <commands/trigger.h>
#include <utils/rel.h>
}

namespace availability {

namespace {

const TriggerData* require_trigger(FunctionCallInfo fcinfo, bool per_row, bool on_truncate) {
    const auto* trigger = reinterpret_cast<const TriggerData*>(fcinfo->context);
    if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
        (TRIGGER_FIRED_FOR_ROW(trigger->tg_event) != 0) != per_row ||
        (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event) != 0) != on_truncate)
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("not called as the trigger that availability.track makes")));
    return trigger;
}

// Attached since track, which refuses it: its rows change without us.
void refuse_foreign_table(Relation relation) {
    if (relation->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                 errmsg("foreign table \"%s\" can't be part of a tracked table", RelationGetRelationName(relation)),
                 errhint("Detach it.")));
}

Claim claim_of(const Tracked& tracked, TupleTableSlot* slot, UnsupportedStay unsupported) {
    if (tracked.row_map == nullptr)
        return evaluate_claim(tracked.claim, slot, tracked.owner, tracked.row.since, unsupported);
    TupleTableSlot* mapped = MakeSingleTupleTableSlot(tracked.row_type, &TTSOpsVirtual);
    execute_attr_map_slot(tracked.row_map, slot, mapped);
    const Claim claim = evaluate_claim(tracked.claim, mapped, tracked.owner, tracked.row.since, unsupported);
    ExecDropSingleTupleTableSlot(mapped);
    return claim;
}

bool same_listing(const Tracked& tracked, const Claim& a, const Claim& b) {
    return compare_listings(tracked, a.listing, b.listing) == 0;
}

bool same_claim(const Tracked& tracked, const Claim& a, const Claim& b) {
    if (a.held() != b.held())
        return false;
    return !a.held() || (a.stay == b.stay && same_listing(tracked, a, b) && same_key(tracked, a, b));
}

// Each of these returns the new version of the calendar of the wanted listing, or of the held one when none is wanted.
int64 release(const Tracked& tracked, Change change, const Claim& held) {
    return change_calendar(tracked, {change, held.listing, held.key, held.key_is_null, false, held.stay, {0, 0}});
}

int64 take(const Tracked& tracked, Change change, const Claim& wanted) {
    return change_calendar(tracked,
                           {change, wanted.listing, wanted.key, wanted.key_is_null, false, {0, 0}, wanted.stay});
}

// Both sides of a move are locked in the order of listings, so that a move and the reverse move can't deadlock.
int64 move(const Tracked& tracked, const Claim& held, const Claim& wanted) {
    const bool release_first = compare_listings(tracked, held.listing, wanted.listing) < 0;
    if (release_first)
        release(tracked, Change::kUpdated, held);
    const int64 version = take(tracked, Change::kUpdated, wanted);
    if (!release_first)
        release(tracked, Change::kUpdated, held);
    return version;
}

int64 apply(const Tracked& tracked, const Claim& held, const Claim& wanted) {
    if (!wanted.held())
        return release(tracked, Change::kCancelled, held);
    if (!held.held())
        return take(tracked, Change::kCreated, wanted);
    if (same_listing(tracked, held, wanted))
        return change_calendar(tracked, {Change::kUpdated, wanted.listing, wanted.key, wanted.key_is_null,
                                         !same_key(tracked, held, wanted), held.stay, wanted.stay});
    return move(tracked, held, wanted);
}

} // namespace

} // namespace availability

using namespace availability;

// AFTER INSERT OR UPDATE OR DELETE FOR EACH ROW of a tracked table or a partition of one.
AVAILABILITY_FUNCTION(availability_claim_changed) {
    const TriggerData* trigger = require_trigger(fcinfo, true, false);
    refuse_foreign_table(trigger->tg_relation);
    const Tracked& tracked = *find_tracked(trigger->tg_relation);

    TupleTableSlot* before = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? nullptr : trigger->tg_trigslot;
    TupleTableSlot* after = TRIGGER_FIRED_BY_INSERT(trigger->tg_event)   ? trigger->tg_trigslot
                            : TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newslot
                                                                         : nullptr;
    Claim held = before != nullptr ? claim_of(tracked, before, UnsupportedStay::kHoldsNothing) : Claim{};
    if (before != nullptr)
        find_held(trigger->tg_relation, before, tracked.claim, &held);
    const Claim wanted = after != nullptr ? claim_of(tracked, after, UnsupportedStay::kRefused) : Claim{};
    BookingContext* booking = booking_of_trigger(tracked.row.reservations);
    // A row that confirms a hold has the hold's days already.
    if (booking != nullptr && before == nullptr && booking->hold != nullptr) {
        held = *booking->hold;
        booking->hold = nullptr;
    }
    int64 version = 0;
    if (!same_claim(tracked, held, wanted) &&
        (after == nullptr || !put_off(trigger->tg_relation, after, tracked.claim, held)))
        version = apply(tracked, held, wanted);
    if (booking != nullptr)
        note_row(booking, tracked, held, wanted, version);
    return PointerGetDatum(nullptr);
}

// AFTER TRUNCATE of a tracked table: every calendar becomes {}, and holds go.
AVAILABILITY_FUNCTION(availability_reservations_truncated) {
    const TriggerData* trigger = require_trigger(fcinfo, false, true);
    // Not the table that a partition belongs to: its other rows stay.
    require_tracked_row(RelationGetRelid(trigger->tg_relation));
    const Tracked& tracked = *find_tracked(trigger->tg_relation);
    with_companion(open_calendar(tracked, RowExclusiveLock), [&] {
        run_sql("UPDATE {calendar} AS c SET booked = '{}', {reset} WHERE NOT availability.is_empty(booked)",
                companion_names(tracked.row));
        drop_gone_calendars(tracked.row);
    });
    require_no_newer_calendar(tracked, "NOT availability.is_empty(booked)");
    if (OidIsValid(tracked.row.day))
        truncate_companion(open_days(tracked, RowExclusiveLock));
    if (OidIsValid(tracked.row.hold))
        truncate_companion(open_holds(tracked, RowExclusiveLock));
    return PointerGetDatum(nullptr);
}

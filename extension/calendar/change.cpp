// One change of one listing's calendar, with its day rows.
//
// The calendar row is the lock. The optimistic way costs one WAL record: read the newest version, check the bitmap,
// update it; if somebody was faster, the update waits for them, says so, and all is done again on what they left. A
// conflict is certain only once the row that shows it is locked and known to be the newest: a cancellation may be under
// way. Then is the time to look for holds that have expired. Under REPEATABLE READ the snapshot decides which version
// is read, and a newer one is 40001.

#include "extension/calendar/change.hpp"

#include <algorithm>

#include "extension/calendar/day_rows.hpp"
#include "extension/calendar/dropped.hpp"
#include "extension/calendar/hold_rows.hpp"
#include "extension/calendar/version.hpp"
#include "extension/server/companion.hpp"
#include "extension/server/primary_key.hpp"
#include "extension/server/type_io.hpp"

extern "C" {
#include <access/genam.h>
#include <access/table.h>
#include <access/tableam.h>
#include <access/xact.h>
#include <executor/tuptable.h>
#include <lib/stringinfo.h>
#include <miscadmin.h>
#include <utils/rel.h>
#include <utils/snapmgr.h>
}

namespace availability {

namespace {

// The parts of the stay that the reservation does not hold yet: before and after what it held.
struct TakenSpans {
    DaySpan before;
    DaySpan after;
};

TakenSpans difference(DaySpan a, DaySpan b) {
    if (intersection(a, b).empty())
        return {a, {0, 0}};
    return {{a.first_day, std::max(a.first_day, b.first_day)}, {std::min(a.end_day, b.end_day), a.end_day}};
}

void append_taken_days(StringInfo detail, const DaysetView& booked, DaySpan span) {
    for (DaySpan run = booked.next_run(span.first_day); !run.empty() && run.first_day < span.end_day;
         run = booked.next_run(run.end_day)) {
        run = intersection(run, span);
        char first_day[16] = {};
        char end_day[16] = {};
        format_day(run.first_day, first_day);
        format_day(run.end_day, end_day);
        appendStringInfo(detail, "%s[%s,%s)", detail->len > 0 ? ", " : "", first_day, end_day);
    }
}

// Says which days of the request are taken, and nothing of who took them. The message has the server's own words for a
// violation, since some ORMs find the constraint by them.
[[noreturn]] void report_conflict(const Tracked& tracked, const CalendarChange& change, const DaysetView& booked,
                                  TakenSpans wanted) {
    StringInfoData taken;
    initStringInfo(&taken);
    append_taken_days(&taken, booked, wanted.before);
    append_taken_days(&taken, booked, wanted.after);

    const bool has_day_rows = OidIsValid(tracked.row.day);
    const Companion companion =
        has_day_rows ? open_days(tracked, AccessShareLock) : open_calendar(tracked, AccessShareLock);
    Relation index = open_primary_key(companion, AccessShareLock);
    ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
                    errmsg("listing %s is already booked: the stay violates unique constraint \"%s\"",
                           output_text(tracked.claim.listing_type, change.listing), RelationGetRelationName(index)),
                    errdetail("Taken days: %s.", taken.data),
                    errtableconstraint(companion.relation, RelationGetRelationName(index))));
    pg_unreachable();
}

// Another transaction changed the calendar: begin again, or give up if the snapshot is to last.
void calendar_moved_on() {
    if (IsolationUsesXactSnapshot())
        ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                        errmsg("could not serialize access due to concurrent update")));
}

// What came of an attempt on the calendar row.
enum class Attempt {
    kDone,
    kAgain,     // on what this transaction changed itself
    kOvertaken, // by somebody else
};

Attempt done_unless_overtaken(bool done) {
    return done ? Attempt::kDone : Attempt::kOvertaken;
}

// What came of a change.
struct Changed {
    int64 version; // 0 if there is no calendar
    bool emptied;  // no day is booked any more
};

Attempt try_change(const Tracked& tracked, const Companion& calendar, const CalendarChange& change,
                   TupleTableSlot* slot, Changed* result) {
    if (!fetch_calendar(tracked, calendar, change.listing, slot)) {
        *result = {change.stay.empty() ? 0 : next_version(0), false};
        return done_unless_overtaken(change.stay.empty()
                                         ? !is_newer_than_snapshot(tracked, calendar, change.listing, slot)
                                         : insert_calendar(tracked, calendar, change, result->version));
    }

    bool is_null;
    result->version = next_version(DatumGetInt64(slot_getattr(slot, calendar.columns[kCalendarVersion], &is_null)));
    const Datum stored = slot_getattr(slot, calendar.columns[kCalendarBooked], &is_null);
    if (is_null)
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                        errmsg("companion \"%s\" holds a null calendar", RelationGetRelationName(calendar.relation))));
    const DaysetView booked = view_dayset(PG_DETOAST_DATUM_PACKED(stored));
    const TakenSpans wanted = difference(change.stay, change.was);
    if (booked.overlaps(wanted.before) || booked.overlaps(wanted.after)) {
        if (!lock_if_newest(calendar, &slot->tts_tid))
            return Attempt::kOvertaken;
        if (release_expired_holds(tracked, change.listing, change.stay) > 0)
            return Attempt::kAgain;
        report_conflict(tracked, change, booked, wanted);
    }
    result->emptied = change.stay.empty() && booked.count(change.was) == booked.count();
    return done_unless_overtaken(update_calendar(tracked, calendar, change, slot, booked, result->version));
}

// Calls attempt(calendar, slot) under a snapshot of now until nobody overtakes it. Each attempt opens the calendar
// anew: code of its owner's may have run in the one before.
template <typename Try>
void until_newest(const Tracked& tracked, Try attempt) {
    for (Attempt result = Attempt::kAgain; result != Attempt::kDone;) {
        CHECK_FOR_INTERRUPTS();
        const Companion calendar = open_calendar(tracked, RowExclusiveLock);
        TupleTableSlot* slot = table_slot_create(calendar.relation, nullptr);
        // What this transaction did before must be seen; under READ COMMITTED, what others committed too.
        CommandCounterIncrement();
        PushActiveSnapshot(GetTransactionSnapshot());
        result = attempt(calendar, slot);
        ExecDropSingleTupleTableSlot(slot);
        PopActiveSnapshot();
        close_companion(calendar);
        if (result == Attempt::kOvertaken)
            calendar_moved_on();
    }
}

void change_day_rows(const Tracked& tracked, const CalendarChange& change) {
    if (change.key_changed) {
        delete_day_rows(tracked, change.listing, change.was);
        insert_day_rows(tracked, change.listing, change.key, change.key_is_null, change.stay);
        return;
    }
    const TakenSpans released = difference(change.was, change.stay);
    const TakenSpans taken = difference(change.stay, change.was);
    delete_day_rows(tracked, change.listing, released.before);
    delete_day_rows(tracked, change.listing, released.after);
    insert_day_rows(tracked, change.listing, change.key, change.key_is_null, taken.before);
    insert_day_rows(tracked, change.listing, change.key, change.key_is_null, taken.after);
}

} // namespace

int64 change_calendar(const Tracked& tracked, const CalendarChange& change) {
    Changed result{};
    until_newest(tracked, [&](const Companion& calendar, TupleTableSlot* slot) {
        return try_change(tracked, calendar, change, slot, &result);
    });
    if (OidIsValid(tracked.row.day))
        change_day_rows(tracked, change);
    if (result.emptied)
        drop_if_gone(tracked, change.listing);
    return result.version;
}

bool lock_calendar(const Tracked& tracked, Datum listing) {
    bool found = false;
    until_newest(tracked, [&](const Companion& calendar, TupleTableSlot* slot) {
        found = fetch_calendar(tracked, calendar, listing, slot);
        return done_unless_overtaken(found ? lock_if_newest(calendar, &slot->tts_tid)
                                           : !is_newer_than_snapshot(tracked, calendar, listing, slot));
    });
    return found;
}

int64 calendar_version(const Tracked& tracked, Datum listing) {
    const Companion calendar = open_calendar(tracked, AccessShareLock);
    TupleTableSlot* slot = table_slot_create(calendar.relation, nullptr);
    CommandCounterIncrement();
    PushActiveSnapshot(GetLatestSnapshot());
    bool is_null;
    const int64 version = fetch_calendar(tracked, calendar, listing, slot)
                              ? DatumGetInt64(slot_getattr(slot, calendar.columns[kCalendarVersion], &is_null))
                              : 0;
    ExecDropSingleTupleTableSlot(slot);
    PopActiveSnapshot();
    close_companion(calendar);
    return version;
}

void free_hold(const Tracked& tracked, const Claim& claim) {
    if (claim.held())
        change_calendar(tracked, {Change::kCancelled, claim.listing, 0, true, false, claim.stay, {0, 0}});
}

uint64 release_expired_holds(const Tracked& tracked, Datum listing, DaySpan span) {
    List* claims = delete_expired_holds(tracked, listing, span);
    ListCell* cell;
    foreach (cell, claims)
        free_hold(tracked, *static_cast<const Claim*>(lfirst(cell)));
    return static_cast<uint64>(list_length(claims));
}

} // namespace availability

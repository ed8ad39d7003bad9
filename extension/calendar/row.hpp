// The row of one calendar: fetched, locked and written.
#pragma once

#include "extension/calendar/session.hpp"
#include "extension/core/change.hpp"
#include "extension/core/dayset_view.hpp"
#include "extension/dayset/type.hpp"

extern "C" {
#include <executor/tuptable.h>
}

namespace availability {

// Days that a reservation releases and takes on one listing. An empty span is none.
struct CalendarChange {
    Change change;
    Datum listing;
    Datum key;
    bool key_is_null;
    bool key_changed; // the day rows of days that are kept need a new key
    DaySpan was;
    DaySpan stay;
};
static_assert(std::is_trivially_destructible_v<CalendarChange>);

// Finds the calendar row that the active snapshot sees.
bool fetch_calendar(const Tracked& tracked, const Companion& calendar, Datum listing, TupleTableSlot* slot);

// Whether a calendar exists although the active snapshot does not see it: track, repair or a new listing made it after
// this transaction took its lasting snapshot. If it were taken for missing, days would not be released.
bool is_newer_than_snapshot(const Tracked& tracked, const Companion& calendar, Datum listing, TupleTableSlot* slot);

// Whether this version of the row is the newest; waits for whoever is changing it, and keeps it locked if it is.
bool lock_if_newest(const Companion& calendar, ItemPointer tid);

// Makes the calendar of a listing that has none yet; false if somebody else just did.
bool insert_calendar(const Tracked& tracked, const Companion& calendar, const CalendarChange& change, int64 version);

// Writes the version that follows `current`, which holds `booked`; false if somebody else was faster.
bool update_calendar(const Tracked& tracked, const Companion& calendar, const CalendarChange& change,
                     TupleTableSlot* current, const DaysetView& booked, int64 version);

} // namespace availability

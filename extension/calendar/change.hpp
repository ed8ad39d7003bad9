// One change of one listing's calendar, with its day rows: the place where double booking is made impossible.
#pragma once

#include "extension/server/boundary.hpp"
#include "extension/tracking/settings.hpp"

namespace availability {

// What happened to a calendar, as its row and its event say it.
enum class Change { kCreated, kUpdated, kCancelled };

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

// Checks the stay against the calendar and writes calendar and day rows. Whatever session comes first holds the listing
// until it commits; others wait. Raises
//   23505  a day of the stay is taken (constraint <table>_day_pkey, or <table>_calendar_pkey without day rows)
//   40001  the calendar changed since the snapshot of a REPEATABLE READ or SERIALIZABLE transaction
// Releasing days of a listing without a calendar does nothing. Days that only expired holds have are free: the holds
// go. Returns the new version of the calendar, 0 if there is none.
int64 change_calendar(const Tracked& tracked, const CalendarChange& change);

// Locks a listing's calendar as a change does; false if there is none. Raises 40001 as a change does.
bool lock_calendar(const Tracked& tracked, Datum listing);

// The version of a listing's calendar as it is now, 0 if there is none.
int64 calendar_version(const Tracked& tracked, Datum listing);

// The version of a calendar that follows `old_version`: microseconds of the clock since 1970, or the next number.
int64 next_version(int64 old_version);

} // namespace availability

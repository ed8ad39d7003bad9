// One change of one listing's calendar, with its day rows: the place where double booking is made impossible.
#pragma once

#include "extension/calendar/row.hpp"

namespace availability {

// Checks the stay against the calendar and writes calendar and day rows. The session that comes first holds the listing
// until it commits; others wait. Raises
//   23505  a day of the stay is taken (constraint <table>_day_pkey, or <table>_calendar_pkey without day rows)
//   40001  the calendar changed since the snapshot of a REPEATABLE READ or SERIALIZABLE transaction
// Releasing days of a listing without a calendar does nothing. Days that only expired holds have are free: those holds
// are removed. Returns the new version of the calendar, 0 if there is none.
int64 change_calendar(const Tracked& tracked, const CalendarChange& change);

// Locks a listing's calendar as a change does; false if there is none. Raises 40001 as a change does.
bool lock_calendar(const Tracked& tracked, Datum listing);

// The version of a listing's calendar as it is now, 0 if there is none.
int64 calendar_version(const Tracked& tracked, Datum listing);

// Frees the days of a hold whose row is gone. The calendar must be locked.
void free_hold(const Tracked& tracked, const Claim& claim);

// Removes the expired holds of a listing that share days with a span. The calendar must be locked. Returns how many.
uint64 release_expired_holds(const Tracked& tracked, Datum listing, DaySpan span);

} // namespace availability

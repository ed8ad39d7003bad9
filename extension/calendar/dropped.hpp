// Calendars that go.
#pragma once

#include "extension/calendar/session.hpp"

namespace availability {

// Whether a calendar goes with the days that it still has.
enum class BookedDays { kGo, kKeepIt };

// Drops the calendar of a listing: first updated, which is what tells consumers, since a deleted row can't say what it
// was.
void drop_calendar(const Tracked& tracked, Oid listing_type, Datum listing, BookedDays booked);

// As above, of all listings.
void drop_all_calendars(const Tracked& tracked, BookedDays booked);

// Drops the calendar of a listing that has become empty, if the listing is gone: it was kept for its last claims alone.
// The calendar must be locked.
void drop_if_gone(const Tracked& tracked, Datum listing);

// A statement about all calendars has seen those of the transaction's snapshot. Raises 40001 if there is a newer one
// that it was to change: one that meets the condition still.
void require_no_newer_calendar(const Tracked& tracked, const char* condition);

} // namespace availability

// Holds: days that are taken for a while, until a reservation is made of them.
//
// A hold is a row of the companion <table>_hold (hold_id, listing_id, stay, expires_at) and its days in the calendar, a
// claim without a key. Both change under the lock of the listing's calendar, calendar first. One that has expired holds
// its days until somebody wants them or sweep comes by; then it goes, with an event.
#pragma once

#include "extension/calendar/hold_rows.hpp"

extern "C" {
#include <datatype/timestamp.h>
#include <utils/uuid.h>
}

namespace availability {

// Takes the days of a stay for a listing for a while, and returns the new hold's id. Raises what change_calendar()
// raises, 23503 if there is a table of listings and the listing is not in it, and by the bounds that the table's owner
// set: 22023 for the time, which must be positive too, 22008 for the length of the stay, 53400 for the number of holds.
pg_uuid_t* make_hold(const Tracked& tracked, Datum listing, DaySpan stay, const Interval* ttl);

// The table that an id names, which need not be there or be tracked.
Oid table_of_hold(const pg_uuid_t& id);

// Raises RV002 for the id of a hold that has expired, else RV003.
[[noreturn]] void report_no_hold(const Tracked& tracked, const pg_uuid_t& id);

// Deletes the row of a hold whose days now are a reservation's. The calendar must be locked. Raises as
// report_no_hold().
void confirm_hold(const Tracked& tracked, const pg_uuid_t& id);

// Frees the days of a hold, expired or not; false if there is none.
bool release_hold(const Tracked& tracked, const pg_uuid_t& id);

// Frees the days of all expired holds, in the order of listings. Returns how many.
uint64 sweep_holds(const Tracked& tracked);

} // namespace availability

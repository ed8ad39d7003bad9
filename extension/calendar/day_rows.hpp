// The day rows of a reservation: (listing_id, day, reservation_id) under PRIMARY KEY (listing_id, day).
#pragma once

#include "extension/calendar/session.hpp"

namespace availability {

// Writes the rows of a span in ascending order, many in one WAL record. Raises 23505 by the primary key.
void insert_day_rows(const Tracked& tracked, Datum listing, Datum key, bool key_is_null, DaySpan span);

// Deletes the rows of a span.
void delete_day_rows(const Tracked& tracked, Datum listing, DaySpan span);

} // namespace availability

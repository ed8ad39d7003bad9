// The statements that fill companions from the reservations, and mend them. All take names of companion_names().
#pragma once

#include "extension/tracking/settings.hpp"

namespace availability {

// Adds {claims}, the query of all claims that days can be made of, {claimed_days}, that of their days,
// {unsupported_claims}, that of all other claims; and the conditions {listing_is_unreadable} and {key_is_unreadable}.
void add_claims(SqlNames* names, const TrackedRow& row);

// Raises 22008 with a stay that days can't be made of, if there is one.
void refuse_unsupported_stays(const SqlNames& names);

// Raises 54000 if a listing or a key is a text that the decoder could not read.
void refuse_unreadable_texts(const SqlNames& names);

// Raises 23505 with the days that more than one reservation claims, if there are any.
void refuse_double_bookings(const SqlNames& names);

// Fills the companions of a table that has just got them, and makes their primary keys.
void backfill(const SqlNames& names, const TrackedRow& row);

// Fills {day} by {claims}, and makes its primary key.
void fill_day_rows(const SqlNames& names);

// Makes them what the reservations and listings say. Calendars come before day rows, as everywhere.
void repair_calendars(const SqlNames& names);
void repair_listings(const SqlNames& names);
void repair_day_rows(const SqlNames& names);

// Drops the empty calendars of listings that are gone, which were kept for their last claims alone. Runs as the owner
// of the tracked table; does nothing if that one may not read all listings any more.
void drop_gone_calendars(const TrackedRow& row);

} // namespace availability

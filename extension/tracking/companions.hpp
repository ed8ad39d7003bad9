// What availability.track makes beside a tracked table: the names of companions and triggers, and the statements
// that make, fill and compare them. One place for each, used by track, verify, repair, forget and untrack.
#pragma once

#include "extension/server/boundary.hpp"
#include "extension/server/spi.hpp"
#include "extension/tracking/settings.hpp"

namespace availability {

// On the tracked table. AFTER triggers fire in the order of their names: behind the foreign keys' RI_…, so that every
// session locks the listing before its calendar, and before triggers with lower-case names, whose own
// statements then find the days taken.
inline constexpr char kClaimTrigger[] = "_availability_claim";
inline constexpr char kTruncateTrigger[] = "_availability_truncate";

// On the table of listings, <table> being the name of the tracked table when track ran. Behind the RI_… triggers too: a
// cascade then locks reservations before their calendar, as who changes a reservation does. The claim triggers of
// the rows that it changes are queued behind this one, and find no calendar left to change.
inline constexpr char kListingTriggerFormat[] = "_%s_listing";
inline constexpr char kListingTruncateFormat[] = "_%s_truncate";

// The longest name of a companion is <table>_calendar_pkey.
inline constexpr int kLongestTableName = NAMEDATALEN - 1 - 14;

// {reservations} {calendar} {day} {month} {open} {hold} {request}: the names of a tracked table's objects, those that
// exist; {since}, a date literal, the first supported day when there is no horizon.
SqlNames companion_names(const TrackedRow& row);

// Adds {claims}, the query of all claims that days can be made of, and {unsupported_claims}, that of all others; see
// claims_sql().
void add_claims(SqlNames* names, const TrackedRow& row);

// The names of the two triggers on a table of listings, each from the other.
char* listing_truncate_trigger(const char* listing_trigger);
char* listing_row_trigger(const char* truncate_trigger);

// Makes the row and truncate triggers on the tracked table, and those on the table of listings, where missing, and
// enables those that are disabled. Returns how many it made or enabled.
uint64 ensure_triggers(const TrackedRow& row, const char* listings_column);

// Makes the companions of the booking functions, which a table that was tracked under 0.1 has not, and puts them into
// `row`. Nothing is done if they are there. Raises 42P07 if something else has their names.
void require_booking_companions(TrackedRow* row);

// Adds {day} {day_pkey} {listing_type} {key_type} of a tracked table without day rows: what they will be.
void add_day_names(SqlNames* names, const TrackedRow& row);

// Makes {day}, empty and without its primary key.
void create_day_rows(const SqlNames& names);

// Fills {day} by {claims}, and makes {day_pkey}.
void fill_day_rows(const SqlNames& names);

// Raises 42P07 if a relation has the name of a companion to be.
void refuse_existing(Oid schema, const char* name);

// Raises 22008 with a stay that days can't be made of, if there is one.
void refuse_unsupported_stays(const SqlNames& names);

// Raises 23505 with the days that more than one reservation claims, if there are any.
void refuse_double_bookings(const SqlNames& names);

// Locks a tracked table and its partitions against writes until the end of the transaction. Raises 25001 under
// REPEATABLE READ and above, whose snapshot may be older than the lock.
void lock_against_writes(Oid reservations, const char* function);

} // namespace availability

// What availability.track makes beside a tracked table: all the DDL but that of triggers.
//
// Everything here runs as the owner of the tracked table, with SPI connected.
#pragma once

#include "extension/claim/expressions.hpp"
#include "extension/tracking/settings.hpp"

extern "C" {
#include <nodes/parsenodes.h>
}

namespace availability {

// The longest name of a companion is <table>_calendar_pkey.
inline constexpr int kLongestTableName = NAMEDATALEN - 1 - 14;

// {reservations} {calendar} {day} {month} {open} {hold} {request} {listings}: the names of a tracked table's objects,
// those that exist; {since}, a date literal, the first supported day when there is no horizon; {reset} and {dropped},
// what an UPDATE of {calendar} AS c sets beside `booked` when no reservation is the cause.
SqlNames companion_names(const TrackedRow& row);

// The names of what is about to be made, their types too. Raises 42P07 if something has one of them and is not among
// what is `left` of an earlier tracking; see leftovers.hpp.
SqlNames new_companion_names(Relation reservations, const ClaimExpressions& claim, const TrackedRow& left);

// Adds {listing_type} {listing_type_name} {key_type} {row_type}: what a claim makes of the companions' columns.
void add_type_names(SqlNames* names, Relation reservations, const ClaimExpressions& claim);

// Makes the companions that every tracked table has, without their primary keys: it is faster to make these once the
// rows are there.
// What is `left` of an earlier tracking is kept, and brought up to date where it is a query.
void create_companions(Relation reservations, const ClaimExpressions& claim, const SqlNames& names, bool day_rows,
                       const TrackedRow& left);

// One by one: `create` is CREATE or CREATE OR REPLACE.
void create_claims_view(Relation reservations, const ClaimExpressions& claim, SqlNames names);
void create_claim_function(SqlNames names, const char* create);
void create_calendar_views(const SqlNames& names);

// `cancel` is the analysed UPDATE of the reservation with key $1.
void create_cancel_function(SqlNames names, Query* cancel, const char* create);

void drop_cancel_function(const TrackedRow& row);

void add_calendar_key(const SqlNames& names);
void add_day_key(const SqlNames& names);

// Makes the companions of the booking functions, which a table that was tracked under 0.1 lacks, and puts them into
// `row`. Nothing is done if they are there. Raises 42P07 if something else has their names.
// What is `left` of an earlier tracking is taken as it is.
void require_booking_companions(TrackedRow* row, const TrackedRow* left = nullptr);

// Adds {day} {day_pkey} {listing_type} {key_type} of a tracked table without day rows: what they will be.
void add_day_names(SqlNames* names, const TrackedRow& row);

// Makes {day}, empty and without its primary key.
void create_day_rows(const SqlNames& names);

} // namespace availability

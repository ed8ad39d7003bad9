// The settings of tracked tables: one row each of availability.tracked.
#pragma once

#include <limits>

#include "extension/core/day.hpp"
#include "extension/server/spi.hpp"

extern "C" {
#include <datatype/timestamp.h>
#include <nodes/pg_list.h>
#include <utils/date.h>
}

namespace availability {

// The horizon of a table that was tracked without `since`.
inline constexpr Day kNoHorizon = std::numeric_limits<Day>::min();

// The day of a horizon given as a date. Raises 22008 if it is not a supported one.
Day require_horizon(DateADT date);

inline constexpr int32 kNoLimit = std::numeric_limits<int32>::max();

// What the owner of a tracked table lets a hold be; see availability.set_limits().
struct HoldLimits {
    bool has_ttl;
    Interval ttl;
    int32 stay;  // days
    int32 holds; // of one role and listing
};

// One row of availability.tracked.
struct TrackedRow {
    Oid reservations;
    Oid calendar;
    Oid day; // InvalidOid without day rows
    Oid month_view;
    Oid open_view;
    Oid claims;     // the view that the claim expressions stand in
    NameData claim; // the claim function, in the calendar's schema
    Oid listings;   // InvalidOid when no table of listings is known
    NameData listings_trigger;
    Day since;              // kNoHorizon when none
    Oid hold;               // InvalidOid until there is one; see require_booking_companions()
    Oid request;            // as hold
    bool cancels_by_update; // by the companion <table>_cancel; else by deleting
    HoldLimits hold_limits;
};
static_assert(std::is_trivially_destructible_v<TrackedRow>);

// Reads the row of a tracked table as it is now; false if the table is not tracked.
bool read_tracked_row(Oid reservations, TrackedRow* row);

// As read_tracked_row(); raises 42704 if the table is not tracked.
TrackedRow require_tracked_row(Oid reservations);

// Whether availability.tracked has the columns of booking companions: not while the extension is at 0.1 and its library
// is newer.
bool tracks_bookings();

// The rows of all tracked tables, as they are now: a list of TrackedRow*.
List* all_tracked_rows();

// The name of a companion, by that of the table when it was tracked.
char* companion_name(const TrackedRow& row, const char* companion);

// OID of the claim function; InvalidOid if it is missing. It is what track makes for this table: the function that is
// tied to it or, where none is (see provenance.hpp), the one of its name beside the calendar.
Oid claim_function(const TrackedRow& row);

// The same of the cancel function; InvalidOid if there is none.
Oid cancel_function(const TrackedRow& row);

// The tracked table that a trigger on a table of listings serves; false if there is none.
bool tracked_row_of_listings(Oid listings, const char* trigger, TrackedRow* row);

// A row of availability.tracked as it is about to be written.
TrackedRow tracked_row_of_tuple(HeapTuple tuple, TupleDesc descriptor);

// A column of text of a tracked table's row; NULL if it is null.
char* tracked_text(Oid reservations, const char* column);

// Whether a relation is availability.tracked.
bool is_tracked_table(Oid relation);

// Runs a statement on availability.tracked with the rights of the extension's owner, since nobody else may write
// it; the caller has checked that the current user may. Every session forgets what it knew of the table.
// SPI must be connected.
void write_tracked(Oid reservations, const char* statement, const SqlNames& names);

} // namespace availability

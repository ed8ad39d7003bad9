// The settings of tracked tables: one row each of availability.tracked, and what a session remembers of it.
#pragma once

#include "extension/server/boundary.hpp"
#include "extension/claim/expressions.hpp"
#include "extension/server/spi.hpp"

extern "C" {
#include <access/attmap.h>
}

namespace availability {

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
};
static_assert(std::is_trivially_destructible_v<TrackedRow>);

// OID of the type dayset.
Oid dayset_type();

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

// OID of the claim function; InvalidOid if it is missing.
Oid claim_function(const TrackedRow& row);

// OID of the cancel function; InvalidOid if there is none.
Oid cancel_function(const TrackedRow& row);

// The tracked table that a trigger on a table of listings serves; false if there is none.
bool tracked_row_of_listings(Oid listings, const char* trigger, TrackedRow* row);

// Runs a statement on availability.tracked with the rights of the extension's owner, since nobody else may write
// it; the caller has checked that the current user may. Every session forgets what it knew of the table.
// SPI must be connected.
void write_tracked(Oid reservations, const char* statement, const SqlNames& names);

// Opens a companion; raises 55000 if somebody dropped it.
Relation open_companion(Oid companion, LOCKMODE mode);

// Where the columns of a calendar are.
struct CalendarColumns {
    AttrNumber listing;
    AttrNumber booked;
    AttrNumber version;
    AttrNumber change;
    AttrNumber reservation;
    AttrNumber stay;
    AttrNumber was;
};

// The columns of day rows, in the order in which track makes them.
enum DayColumn { kDayListing = 1, kDayDay, kDayReservation };

struct ClaimColumns;

// A statement whose plan a session keeps.
struct KeptPlan {
    char* statement;
    SPIPlanPtr plan;
};

// What a session keeps for a relation whose row triggers it ran: the tracked table's row, and all that the
// triggers need, ready to use.
struct Tracked {
    TrackedRow row;
    Oid owner; // of the tracked table
    CompiledClaim claim;
    CalendarColumns columns;
    mutable FmgrInfo compare_listings; // btree comparison of the listing's type
    Oid listing_collation;
    mutable FmgrInfo equal_keys;
    Oid key_collation;
    TupleDesc row_type;                        // of the tracked table
    AttrMap* row_map;                          // from the trigger's relation to row_type; NULL if they are alike
    mutable const ClaimColumns* claim_columns; // NULL until a booking function asked
    mutable KeptPlan plans[12];                // as many as were used
};

// What belongs to a row trigger's relation: the tracked table itself, or the partitioned one above it.
// Raises 55000 if there is none, or if its companions are not what track made. Locks the companions as their writers
// do. The result lives at least as long as the transaction.
const Tracked* find_tracked(Relation relation);

// Runs a statement by a plan that is made with its first use. Returns the number of rows processed. SPI must be
// connected.
uint64 run_kept_sql(const Tracked& tracked, const char* statement, std::initializer_list<SqlParameter> parameters);

// The same for a query, on what is committed now, whatever the transaction's snapshot.
uint64 query_kept_latest(const Tracked& tracked, const char* statement, std::initializer_list<SqlParameter> parameters);

int compare_listings(const Tracked& tracked, Datum a, Datum b);
bool same_key(const Tracked& tracked, const Claim& a, const Claim& b);

} // namespace availability

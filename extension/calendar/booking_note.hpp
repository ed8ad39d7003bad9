// What a booking function and the row trigger inside its statement tell each other.
//
// A function that books runs an ordinary INSERT, UPDATE or DELETE with the rights of its caller; the trigger
// takes and releases the days as for any other statement, and notes here what became of the row.
#pragma once

#include "extension/calendar/session.hpp"

namespace availability {

struct BookingContext {
    Oid reservations;
    // The claim of the hold that the new row takes over, until it does; NULL for none.
    const Claim* hold;
    int trigger_depth; // of the function's caller
    BookingContext* outer;

    // Noted by the trigger. A row that changes its partition is noted twice: as it goes and as it comes.
    bool held;     // days before the statement
    bool holds;    // days after it
    char* key;     // of the reservation, by its type's output function; NULL if it is null
    int64 version; // of its listing's calendar; 0 if there is none

    // Whether a statement within the statement changed rows of the table: maybe the one that it is about.
    bool changed_within;
};

// The context that the running row trigger belongs to: that of the statement which fired it, not of an inner or outer
// one; NULL if there is none. To be called for each row: the outer ones learn of it.
BookingContext* booking_of_trigger(Oid reservations);

// Notes what a row held and holds, and the version that its calendar got; 0 if it did not change.
void note_row(BookingContext* context, const Tracked& tracked, const Claim& held, const Claim& holds, int64 version);

// Runs a statement on the tracked table with the rights of the current user. Returns the number of rows processed. SPI
// must be connected.
uint64 run_as_booking(BookingContext* context, const Tracked& tracked, const char* statement,
                      std::initializer_list<SqlParameter> parameters);

} // namespace availability

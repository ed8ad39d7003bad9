// The statements of the booking functions: each runs as the caller, whose rights, row security and defaults apply.
#pragma once

#include "extension/booking/arguments.hpp"

namespace availability {

// What a booking function answers.
struct BookingAnswer {
    char* reservation; // NULL if the reservation has no key
    int64 version;     // 0 if the listing has no calendar
    bool replayed;
};

// The INSERT of a reservation: $1 is the listing, $2 the stay, $3 the attributes.
const char* insert_sql(const Target& target, const ClaimColumns& columns, const Attributes& attributes);

// Whether row security hides from the caller the reservation with a key, as text. One that is gone is not hidden.
bool is_hidden(const Target& target, char* key);

// Inserts a reservation; it takes over the days of the hold, if one is given. Raises 55000 if the new row holds no
// days.
BookingAnswer insert_reservation(const Target& target, const ClaimColumns& columns, Datum listing, Datum stay,
                                 const Attributes& attributes, const Claim* hold);

// By the UPDATE that track was given, else by deleting. Raises P0002 if there is none, 55000 if it holds no days.
BookingAnswer cancel_reservation(const Target& target, const KeyArgument& key);

// Raises P0002 if there is none, 55000 if it holds no days.
BookingAnswer move_reservation(const Target& target, const ClaimColumns& columns, const KeyArgument& key, Datum stay);

} // namespace availability

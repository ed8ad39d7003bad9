// The statements of the booking functions: each runs as the caller, whose rights, row security and defaults apply.
#pragma once

#include "extension/booking/arguments.hpp"
#include "extension/booking/idempotency.hpp"

namespace availability {

// Inserts a reservation; it takes over the days of the hold, if one is given. Raises 55000 if the new row holds no
// days.
BookingAnswer insert_reservation(const Target& target, const ClaimColumns& columns, Datum listing, Datum stay,
                                 const Attributes& attributes, const Claim* hold);

// By the UPDATE that track was given, else by deleting. Raises P0002 if there is none, 55000 if it holds no days.
BookingAnswer cancel_reservation(const Target& target, const KeyArgument& key);

// Raises P0002 if there is none, 55000 if it holds no days.
BookingAnswer move_reservation(const Target& target, const ClaimColumns& columns, const KeyArgument& key, Datum stay);

} // namespace availability

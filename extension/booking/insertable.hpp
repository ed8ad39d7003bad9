// Whether the caller could insert a reservation: what a hold, which inserts none, asks for all the same.
#pragma once

#include "extension/booking/arguments.hpp"

namespace availability {

// Raises what the INSERT of a reservation would raise before it comes to the table: 42501 for a column without grant or
// a row that row security refuses, whatever a BEFORE trigger raises, 23514 if no partition takes the row; and 55000 if
// a trigger skips it. Constraints are for the reservation itself, whose attributes need not be known yet, and AFTER
// triggers see none.
void require_insertable(const Target& target, const ClaimColumns& columns, Datum listing, Datum stay,
                        const Attributes& attributes);

} // namespace availability

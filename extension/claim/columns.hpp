// The columns that a claim reads, for the functions that write them.
#pragma once

#include "extension/claim/expressions.hpp"

extern "C" {
#include <access/attnum.h>
}

namespace availability {

// Where a booking goes: names, quoted. A stay is one column, or two.
struct ClaimColumns {
    const char* listing;
    const char* stay; // NULL if there are two
    const char* check_in;
    const char* check_out;
    AttrNumber numbers[3]; // of all of them; 0 where there is none
};

// The columns of a tracked table; in the place of a generated column, those that it is generated from. Raises 0A000,
// which says what to do, if the listing is not a column, or the stay neither a column of type daterange nor daterange()
// of two columns of type date (or of expressions over check_in and check_out).
ClaimColumns require_claim_columns(Relation reservations, const ClaimExpressions& claim, const char* function);

} // namespace availability

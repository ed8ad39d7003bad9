// Questions about one stay. They differ from the operators in what they refuse: a stay that is
// empty, unbounded or reaches outside the supported days is an error, since a plain "true" would be
// taken for a free home.

#include "extension/dayset/predicates.hpp"

#include "extension/dayset/type.hpp"

using namespace availability;

AVAILABILITY_FUNCTION(availability_is_available) {
    const DaySpan stay = require_stay(daterange_argument(fcinfo, 1));
    PG_RETURN_BOOL(!dayset_argument(fcinfo, 0).overlaps(stay));
}

AVAILABILITY_FUNCTION(availability_is_booked) {
    const DaySpan stay = require_stay(daterange_argument(fcinfo, 1));
    PG_RETURN_BOOL(dayset_argument(fcinfo, 0).overlaps(stay));
}

// Returns the stay as it is; raises what is_available and is_booked raise. The planner wraps a stay that is not a valid
// constant in it, because an index scan that finds no row calls no function of the query.
AVAILABILITY_FUNCTION(availability_checked_stay) {
    require_stay(daterange_argument(fcinfo, 0));
    PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

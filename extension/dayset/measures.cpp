// How many days are booked and open, and which are the first and the last.

#include "extension/dayset/type.hpp"

extern "C" {
#include <utils/date.h>
}

using namespace availability;

AVAILABILITY_FUNCTION(availability_is_empty) {
    PG_RETURN_BOOL(dayset_argument(fcinfo, 0).empty());
}

AVAILABILITY_FUNCTION(availability_booked_days) {
    PG_RETURN_INT32(static_cast<int32>(dayset_argument(fcinfo, 0).count()));
}

AVAILABILITY_FUNCTION(availability_booked_days_within) {
    const DaySpan within = daterange_argument(fcinfo, 1).span;
    PG_RETURN_INT32(static_cast<int32>(dayset_argument(fcinfo, 0).count(within)));
}

// A day outside the supported ones is neither booked nor open: 22008.
AVAILABILITY_FUNCTION(availability_open_days) {
    const DaySpan within = require_supported(daterange_argument(fcinfo, 1));
    const auto booked = static_cast<int32>(dayset_argument(fcinfo, 0).count(within));
    PG_RETURN_INT32(within.days() - booked);
}

AVAILABILITY_FUNCTION(availability_occupancy) {
    const DaySpan within = require_supported(daterange_argument(fcinfo, 1));
    if (within.empty())
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("range of days is empty"),
                        errdetail("Occupancy is a share of at least one day.")));
    const auto booked = static_cast<double>(dayset_argument(fcinfo, 0).count(within));
    PG_RETURN_FLOAT8(booked / within.days());
}

AVAILABILITY_FUNCTION(availability_first_day) {
    const DaysetView set = dayset_argument(fcinfo, 0);
    if (set.empty())
        PG_RETURN_NULL();
    PG_RETURN_DATEADT(date_from_day(set.first_day()));
}

AVAILABILITY_FUNCTION(availability_last_day) {
    const DaysetView set = dayset_argument(fcinfo, 0);
    if (set.empty())
        PG_RETURN_NULL();
    PG_RETURN_DATEADT(date_from_day(set.last_day()));
}

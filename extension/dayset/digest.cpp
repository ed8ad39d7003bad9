// availability.days_digest: a number that tells sets of days apart, made day by day.
//
// The digest of a set is the exclusive or of those of its days, so that bit_xor() over parts that share no day gives
// the digest of the whole, in any order and in one pass: verify compares listings by it, and looks at the days of those
// alone that differ.

#include "extension/dayset/type.hpp"

using namespace availability;

namespace {

// The finalizer of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
uint64 mix(uint64 value) {
    value += UINT64CONST(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64CONST(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

// Of the supported days of a span.
uint64 digest_of(DaySpan span, uint64 seed) {
    const DaySpan days = intersection(span, {kFirstDay, kEndDay});
    uint64 digest = 0;
    for (Day day = days.first_day; day < days.end_day; day++)
        digest ^= mix(seed ^ mix(static_cast<uint64>(day)));
    return digest;
}

uint64 seed_argument(FunctionCallInfo fcinfo) {
    return static_cast<uint64>(PG_GETARG_INT64(1));
}

} // namespace

AVAILABILITY_FUNCTION(availability_days_digest_dayset) {
    RunCursor cursor(dayset_argument(fcinfo, 0));
    uint64 digest = 0;
    for (DaySpan run; cursor.next(&run);)
        digest ^= digest_of(run, seed_argument(fcinfo));
    PG_RETURN_INT64(static_cast<int64>(digest));
}

AVAILABILITY_FUNCTION(availability_days_digest_range) {
    const DateRange range = daterange_argument(fcinfo, 0);
    PG_RETURN_INT64(static_cast<int64>(range.empty ? 0 : digest_of(range.span, seed_argument(fcinfo))));
}

AVAILABILITY_FUNCTION(availability_days_digest_day) {
    const Day day = day_from_date(PG_GETARG_DATEADT(0));
    const bool supported = day >= kFirstDay && day <= kLastDay;
    PG_RETURN_INT64(static_cast<int64>(supported ? digest_of({day, day + 1}, seed_argument(fcinfo)) : 0));
}

// The set operators. All have a dayset on the left.
//
// A range on the right is declared anyrange and checked here to be a daterange. Declared as
// daterange it would be an exact match, and the parser would then read the literal of somebody's
// `'[2026-01-01,2026-01-05)' && stay` as a dayset wherever the schema availability is on the search
// path.

#include "extension/dayset/type.hpp"

using namespace availability;

namespace {

inline bool overlaps(const DaysetView& set, const DateRange& range) {
    return !range.empty && set.overlaps(range.span);
}

// A dayset made of the left one by `change`.
template <typename Change>
Datum changed(const DaysetView& left, Change change) {
    StoredDayset stored;
    {
        Dayset set(left);
        change(&set);
        stored.assign(set);
    }
    return make_dayset(stored);
}

} // namespace

AVAILABILITY_FUNCTION(availability_dayset_contains_day) {
    const DaysetView set = dayset_argument(fcinfo, 0);
    PG_RETURN_BOOL(set.contains(day_from_date(PG_GETARG_INT32(1))));
}

AVAILABILITY_FUNCTION(availability_dayset_contains_range) {
    const DaysetView set = dayset_argument(fcinfo, 0);
    const DateRange range = read_days(packed_argument(fcinfo, 1));
    // A range of nothing but an infinite date has an empty span without being empty.
    PG_RETURN_BOOL(range.empty || (!range.unbounded && set.contains_all(range.span)));
}

AVAILABILITY_FUNCTION(availability_dayset_contains) {
    const DaysetView left = dayset_argument(fcinfo, 0);
    const DaysetView right = dayset_argument(fcinfo, 1);
    PG_RETURN_BOOL(left.contains_all(right));
}

AVAILABILITY_FUNCTION(availability_dayset_overlaps_range) {
    const DaysetView set = dayset_argument(fcinfo, 0);
    PG_RETURN_BOOL(overlaps(set, read_days(packed_argument(fcinfo, 1))));
}

AVAILABILITY_FUNCTION(availability_dayset_overlaps) {
    const DaysetView left = dayset_argument(fcinfo, 0);
    const DaysetView right = dayset_argument(fcinfo, 1);
    PG_RETURN_BOOL(left.overlaps(right));
}

AVAILABILITY_FUNCTION(availability_dayset_disjoint_range) {
    const DaysetView set = dayset_argument(fcinfo, 0);
    PG_RETURN_BOOL(!overlaps(set, read_days(packed_argument(fcinfo, 1))));
}

AVAILABILITY_FUNCTION(availability_dayset_disjoint) {
    const DaysetView left = dayset_argument(fcinfo, 0);
    const DaysetView right = dayset_argument(fcinfo, 1);
    PG_RETURN_BOOL(!left.overlaps(right));
}

AVAILABILITY_FUNCTION(availability_dayset_union_range) {
    const DaysetView set = dayset_argument(fcinfo, 0);
    const DaySpan span = require_supported(read_days(packed_argument(fcinfo, 1)));
    return changed(set, [span](Dayset* result) { result->add(span); });
}

AVAILABILITY_FUNCTION(availability_dayset_union) {
    const DaysetView left = dayset_argument(fcinfo, 0);
    const DaysetView right = dayset_argument(fcinfo, 1);
    return changed(left, [&right](Dayset* result) { result->unite(Dayset(right)); });
}

AVAILABILITY_FUNCTION(availability_dayset_minus_range) {
    const DaysetView set = dayset_argument(fcinfo, 0);
    const DaySpan span = read_days(packed_argument(fcinfo, 1)).span;
    return changed(set, [span](Dayset* result) { result->remove(span); });
}

AVAILABILITY_FUNCTION(availability_dayset_minus) {
    const DaysetView left = dayset_argument(fcinfo, 0);
    const DaysetView right = dayset_argument(fcinfo, 1);
    return changed(left, [&right](Dayset* result) { result->subtract(Dayset(right)); });
}

AVAILABILITY_FUNCTION(availability_dayset_intersect_range) {
    const DaysetView set = dayset_argument(fcinfo, 0);
    const DaySpan span = read_days(packed_argument(fcinfo, 1)).span;
    return changed(set, [span](Dayset* result) { result->keep(span); });
}

AVAILABILITY_FUNCTION(availability_dayset_intersect) {
    const DaysetView left = dayset_argument(fcinfo, 0);
    const DaysetView right = dayset_argument(fcinfo, 1);
    return changed(left, [&right](Dayset* result) { result->intersect(Dayset(right)); });
}

// Days by listings: from calendars to the set of each day, and from those to the sets of stays.
#pragma once

#include <cstddef>

#include "extension/core/dayset_view.hpp"
#include "extension/core/listing_set_view.hpp"

namespace availability {

// The calendar of the listing with a place within its 65,536 ordinals.
struct PlacedCalendar {
    std::uint32_t place;
    DaysetView booked;
};

// As many days as are done at once.
inline constexpr Day kMostDaysAtOnce = 1024;

// Adds the place of each calendar to days[day - span.first_day] for every day of the span that it has booked. Calendars
// come in ascending order of their places; the span has at most kMostDaysAtOnce days.
void add_booked(const PlacedCalendar* calendars, std::size_t count, DaySpan span, OrdinalBits* days);

// Makes days[i] the union of days[i] to days[i + length - 1], for every i up to count - length; what follows is
// unspecified.
void unite_windows(OrdinalBits* days, std::uint32_t count, std::uint32_t length);

} // namespace availability

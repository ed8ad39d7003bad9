// Days by listings.

#include "extension/core/listing_days.hpp"

#include <algorithm>

namespace availability {

// 64 listings at a time: one word of every day, which stay in the processor's nearest cache.
void add_booked(const PlacedCalendar* calendars, std::size_t count, DaySpan span, OrdinalBits* days) {
    std::uint64_t column[kMostDaysAtOnce];
    for (std::size_t i = 0; i < count;) {
        const std::uint32_t word = calendars[i].place / 64;
        std::fill_n(column, span.days(), 0);
        for (; i < count && calendars[i].place / 64 == word; ++i) {
            const std::uint64_t bit = std::uint64_t{1} << calendars[i].place % 64;
            const DaysetView& booked = calendars[i].booked;
            for (DaySpan run = booked.next_run(span.first_day); !run.empty() && run.first_day < span.end_day;
                 run = booked.next_run(run.end_day))
                for (Day day = run.first_day; day < std::min(run.end_day, span.end_day); ++day)
                    column[day - span.first_day] |= bit;
        }
        for (Day day = 0; day < span.days(); ++day)
            if (column[day] != 0)
                days[day].words[word] |= column[day];
    }
}

// By doubling. Going up, what is yet to be read has not been written.
void unite_windows(OrdinalBits* days, std::uint32_t count, std::uint32_t length) {
    std::uint32_t united = 1;
    for (; 2 * united <= length; united *= 2)
        for (std::uint32_t i = 0; i + 2 * united <= count; ++i)
            days[i].unite(days[i + united]);
    if (united < length)
        for (std::uint32_t i = 0; i + length <= count; ++i)
            days[i].unite(days[i + length - united]);
}

} // namespace availability

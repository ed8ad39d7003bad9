// What differs between two day sets.
#pragma once

#include <algorithm>

#include "extension/core/dayset_view.hpp"

namespace availability {

// Where two sets differ, of which only days inside of `within` count: calls span(DaySpan, bool in_b) with spans that
// are in one of them alone, ascending; in_b: in b. `within` is a span of supported days.
template <typename Span>
void each_difference(const DaysetView& a, const DaysetView& b, DaySpan within, Span span) {
    DaySpan run_a = intersection(a.next_run(within.first_day), within);
    DaySpan run_b = intersection(b.next_run(within.first_day), within);
    while (!run_a.empty() || !run_b.empty()) {
        if (run_a == run_b) {
            run_a = intersection(a.next_run(run_a.end_day), within);
            run_b = intersection(b.next_run(run_b.end_day), within);
            continue;
        }
        // From the day where the first of them begins until either changes, it is in one of the two alone, or in both.
        const bool in_a = !run_a.empty() && (run_b.empty() || run_a.first_day <= run_b.first_day);
        const bool in_b = !run_b.empty() && (run_a.empty() || run_b.first_day <= run_a.first_day);
        const Day from = in_a ? run_a.first_day : run_b.first_day;
        Day until = kEndDay;
        for (const DaySpan run : {run_a, run_b})
            if (!run.empty())
                until = std::min(until, run.first_day > from ? run.first_day : run.end_day);
        if (in_a != in_b)
            span(DaySpan{from, until}, in_b);
        if (in_a)
            run_a.first_day = until;
        if (in_b)
            run_b.first_day = until;
        if (in_a && run_a.empty())
            run_a = intersection(a.next_run(until), within);
        if (in_b && run_b.empty())
            run_b = intersection(b.next_run(until), within);
    }
}

} // namespace availability

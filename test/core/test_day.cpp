// The calendar.

#include <cstring>
#include <initializer_list>
#include <limits>

#include "check.hpp"
#include "extension/core/day.hpp"

using namespace availability;

namespace {

bool is(CivilDate date, std::int32_t year, std::int32_t month, std::int32_t day) {
    return date.year == year && date.month == month && date.day == day;
}

// Walks all days by the rules of the calendar alone.
void every_supported_day() {
    constexpr std::int32_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    CivilDate date = {1970, 1, 1};
    Day first_of_month = kFirstDay;
    for (Day day = kFirstDay; day <= kEndDay; ++day) {
        const bool leap = date.year % 4 == 0 && date.year % 100 != 0;
        const bool leap_day = date.month == 2 && (leap || date.year == 2000);
        const Day days = kDays[date.month - 1] + leap_day;
        CHECK(is(civil_from_day(day), date.year, date.month, date.day));
        CHECK(day_from_civil(date) == day);
        CHECK(is_valid(date));
        CHECK((month_of(day) == DaySpan{first_of_month, first_of_month + days}));
        CHECK(!is_valid({date.year, date.month, days + 1}));
        if (++date.day > days) {
            date.day = 1;
            first_of_month = day + 1;
            if (++date.month > 12)
                date = {date.year + 1, 1, 1};
        }
    }
    CHECK(is(date, 2149, 6, 8));
}

void days_outside_the_supported_ones() {
    CHECK(is(civil_from_day(-1), 1969, 12, 31));
    CHECK(is(civil_from_day(-719528), 0, 1, 1));
    CHECK(is(civil_from_day(-719529), -1, 12, 31));
    CHECK(day_from_civil({0, 1, 1}) == -719528);
    CHECK(day_from_civil({9999, 12, 31}) == 2932896);
    CHECK(is(civil_from_day(2932896), 9999, 12, 31));
    CHECK((month_of(-1) == DaySpan{-31, 0}));
    for (const Day day : {std::numeric_limits<Day>::min(), std::numeric_limits<Day>::max()})
        CHECK(day_from_civil(civil_from_day(day)) == day);
}

void no_such_dates() {
    CHECK(!is_valid({2026, 0, 1}));
    CHECK(!is_valid({2026, 13, 1}));
    CHECK(!is_valid({2026, 1, 0}));
    CHECK(!is_valid({2026, 2, 29}));
    CHECK(!is_valid({2100, 2, 29}));
    CHECK(is_valid({2000, 2, 29}));
}

void formatted_days() {
    const auto formats = [](Day day, const char* expected) {
        char text[11] = "..........";
        format_day(day, text);
        return std::strcmp(text, expected) == 0;
    };
    CHECK(formats(0, "1970-01-01"));
    CHECK(formats(20811, "2026-12-24"));
    CHECK(formats(kLastDay, "2149-06-06"));
    CHECK(formats(kEndDay, "2149-06-07"));
}

void spans() {
    CHECK((DaySpan{5, 5}.empty() && DaySpan{5, 4}.empty() && !DaySpan{5, 6}.empty()));
    CHECK((DaySpan{5, 9}.days() == 4 && DaySpan{9, 5}.days() == 0));
    CHECK((DaySpan{5, 9}.contains(5) && !DaySpan{5, 9}.contains(9) && !DaySpan{5, 9}.contains(4)));
    CHECK((DaySpan{0, 65536}.supported() && DaySpan{-7, -7}.supported()));
    CHECK((!DaySpan{-1, 1}.supported() && !DaySpan{65535, 65537}.supported()));
    CHECK((intersection({1, 5}, {3, 9}) == DaySpan{3, 5}));
    CHECK((intersection({1, 3}, {5, 9}).empty()));
    CHECK((DaySpan{1, 2} != DaySpan{1, 3} && DaySpan{1, 2} != DaySpan{0, 2}));
}

} // namespace

int main() {
    test::run("day: every supported day", every_supported_day);
    test::run("day: days outside the supported ones", days_outside_the_supported_ones);
    test::run("day: no such dates", no_such_dates);
    test::run("day: formatted days", formatted_days);
    test::run("day: spans", spans);
    return test::exit_status();
}

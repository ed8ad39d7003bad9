// Days and day spans: the arithmetic every other part of the core stands on.
#pragma once

#include <cstdint>

namespace availability {

// A day is a Unix-epoch day number: 0 is 1970-01-01. The supported days, 1970-01-01 … 2149-06-06,
// are exactly those of one Roaring container. The type is wider than 16 bits so that an exclusive
// end and out-of-range input can be held and compared.
using Day = std::int32_t;

inline constexpr Day kFirstDay = 0;    // 1970-01-01
inline constexpr Day kLastDay = 65535; // 2149-06-06
inline constexpr Day kEndDay = 65536;  // the first day past the supported ones

// Half-open: first_day is in the span, end_day is not. first_day >= end_day is the empty span.
struct DaySpan {
    Day first_day;
    Day end_day;

    constexpr bool empty() const { return first_day >= end_day; }
    constexpr Day days() const { return empty() ? 0 : end_day - first_day; }
    constexpr bool contains(Day day) const { return first_day <= day && day < end_day; }
    // Whether every day of the span is a supported one. The empty span is.
    constexpr bool supported() const { return empty() || (first_day >= kFirstDay && end_day <= kEndDay); }
    constexpr bool operator==(const DaySpan& other) const {
        return first_day == other.first_day && end_day == other.end_day;
    }
    constexpr bool operator!=(const DaySpan& other) const { return !(*this == other); }
};

constexpr DaySpan intersection(DaySpan a, DaySpan b) {
    return {a.first_day > b.first_day ? a.first_day : b.first_day, a.end_day < b.end_day ? a.end_day : b.end_day};
}

// A date of the proleptic Gregorian calendar; month 1 … 12, day 1 … 31.
struct CivilDate {
    std::int32_t year;
    std::int32_t month;
    std::int32_t day;
};

// Source of both: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
// days_from_civil and civil_from_days. Exact for every year of a supported day and far beyond.
CivilDate civil_from_day(Day day);
Day day_from_civil(CivilDate date);

// Whether month and day exist in that year.
bool is_valid(CivilDate date);

// The span of the calendar month that `day` lies in, whether or not all of it is supported.
DaySpan month_of(Day day);

// Writes YYYY-MM-DD (10 bytes, no terminator) for a supported day or kEndDay (2149-06-07).
void format_day(Day day, char* text);

} // namespace availability

// Days and day spans: the calendar.

#include "extension/core/day.hpp"

namespace availability {

namespace {

// The algorithms count in eras of 400 years that begin on 0000-03-01, so that the leap day is a
// year's last.
constexpr std::int64_t kDaysOfEra = 146097;
constexpr std::int64_t kEpochShift = 719468; // days from 0000-03-01 to 1970-01-01

bool is_leap(std::int32_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

std::int32_t days_of_month(std::int32_t year, std::int32_t month) {
    constexpr std::int8_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : kDays[month - 1];
}

void write_digits(std::int32_t number, int digits, char* text) {
    while (digits-- > 0) {
        text[digits] = static_cast<char>('0' + number % 10);
        number /= 10;
    }
}

} // namespace

CivilDate civil_from_day(Day day) {
    const std::int64_t shifted = day + kEpochShift;
    const std::int64_t era = (shifted >= 0 ? shifted : shifted - (kDaysOfEra - 1)) / kDaysOfEra;
    const std::int64_t day_of_era = shifted - era * kDaysOfEra;
    const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
    const std::int64_t month = month_from_march + (month_from_march < 10 ? 3 : -9);
    return {static_cast<std::int32_t>(year_of_era + era * 400 + (month <= 2)), static_cast<std::int32_t>(month),
            static_cast<std::int32_t>(day_of_year - (153 * month_from_march + 2) / 5 + 1)};
}

Day day_from_civil(CivilDate date) {
    const std::int64_t year = std::int64_t{date.year} - (date.month <= 2);
    const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
    const std::int64_t year_of_era = year - era * 400;
    const std::int64_t month_from_march = date.month + (date.month > 2 ? -3 : 9);
    const std::int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return static_cast<Day>(era * kDaysOfEra + day_of_era - kEpochShift);
}

bool is_valid(CivilDate date) {
    return date.month >= 1 && date.month <= 12 && date.day >= 1 && date.day <= days_of_month(date.year, date.month);
}

DaySpan month_of(Day day) {
    const CivilDate date = civil_from_day(day);
    const Day first_day = day - (date.day - 1);
    return {first_day, first_day + days_of_month(date.year, date.month)};
}

void format_day(Day day, char* text) {
    const CivilDate date = civil_from_day(day);
    write_digits(date.year, 4, text);
    text[4] = '-';
    write_digits(date.month, 2, text + 5);
    text[7] = '-';
    write_digits(date.day, 2, text + 8);
}

} // namespace availability

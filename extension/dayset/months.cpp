// One month of a calendar: as bits, and as a grid that a person reads.

#include "extension/dayset/type.hpp"

#include <initializer_list>

extern "C" {
#include <lib/stringinfo.h>
#include <utils/builtins.h>
#include <utils/date.h>
#include <utils/varbit.h>
}

using namespace availability;

namespace {

constexpr int kMonthBits = 31;
constexpr int kDaysOfWeek = 7;
constexpr int kCellWidth = 5;

constexpr const char* kMonthNames[] = {"January", "February", "March",     "April",   "May",      "June",
                                       "July",    "August",   "September", "October", "November", "December"};

// The month named by any of its days; 22008 if none of its days is supported.
DaySpan month_argument(FunctionCallInfo fcinfo, int n) {
    const Day day = day_from_date(PG_GETARG_DATEADT(n));
    // The last month is supported in part; its other days name it as well.
    const DaySpan last_month = month_of(kLastDay);
    if (day < kFirstDay || day >= last_month.end_day)
        require_supported_day(day);
    return month_of(day);
}

// Monday is 0.
int day_of_week(Day day) {
    return (day + 3) % kDaysOfWeek;
}

void end_line(StringInfo grid) {
    while (grid->data[grid->len - 1] == ' ')
        grid->len--;
    appendStringInfoChar(grid, '\n');
}

void append_title(StringInfo grid, DaySpan month) {
    const CivilDate date = civil_from_day(month.first_day);
    char title[32];
    const int length = snprintf(title, sizeof(title), "%s %d", kMonthNames[date.month - 1], date.year);
    appendStringInfo(grid, "%*s%s\n", (kDaysOfWeek * kCellWidth - length) / 2, "", title);
    for (const char* name : {"Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"})
        appendStringInfo(grid, "  %s ", name);
    end_line(grid);
}

// Every cell is kCellWidth wide.
void append_day(StringInfo grid, const DaysetView& set, Day day, Day day_of_month) {
    if (day > kLastDay)
        appendStringInfoString(grid, "  -- ");
    else
        appendStringInfo(grid, set.contains(day) ? " [%2d]" : "  %2d ", day_of_month);
}

void append_weeks(StringInfo grid, const DaysetView& set, DaySpan month) {
    appendStringInfoSpaces(grid, kCellWidth * day_of_week(month.first_day));
    for (Day day = month.first_day; day < month.end_day; day++) {
        append_day(grid, set, day, day - month.first_day + 1);
        if (day_of_week(day) == kDaysOfWeek - 1 || day == month.end_day - 1)
            end_line(grid);
    }
}

void append_legend(StringInfo grid, const DaysetView& set, DaySpan month) {
    const DaySpan supported = intersection(month, {kFirstDay, kEndDay});
    const auto booked = static_cast<Day>(set.count(month));
    appendStringInfo(grid, " [ ] booked: %d   open: %d", booked, supported.days() - booked);
    if (supported != month)
        appendStringInfo(grid, "   -- not supported: %d", month.days() - supported.days());
}

} // namespace

AVAILABILITY_FUNCTION(availability_month_bits) {
    const DaysetView set = dayset_argument(fcinfo, 0);
    const DaySpan month = month_argument(fcinfo, 1);

    auto* bits = static_cast<VarBit*>(palloc0(VARBITTOTALLEN(kMonthBits)));
    SET_VARSIZE(bits, VARBITTOTALLEN(kMonthBits));
    VARBITLEN(bits) = kMonthBits;
    for (Day day = month.first_day; day < month.end_day; day++) {
        const Day bit = day - month.first_day;
        if (set.contains(day))
            VARBITS(bits)[bit / BITS_PER_BYTE] |= HIGHBIT >> (bit % BITS_PER_BYTE);
    }
    PG_RETURN_VARBIT_P(bits);
}

AVAILABILITY_FUNCTION(availability_month_calendar) {
    const DaysetView set = dayset_argument(fcinfo, 0);
    const DaySpan month = month_argument(fcinfo, 1);

    StringInfoData grid;
    initStringInfo(&grid);
    append_title(&grid, month);
    append_weeks(&grid, set, month);
    append_legend(&grid, set, month);
    PG_RETURN_TEXT_P(cstring_to_text_with_len(grid.data, grid.len));
}

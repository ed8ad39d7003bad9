// The text form of a day set, that of datemultirange, always ISO:
//   {[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)}   and   {}
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "extension/core/dayset.hpp"
#include "extension/core/dayset_view.hpp"

namespace availability {

// Longest text of one run with its comma: "[YYYY-MM-DD,YYYY-MM-DD),".
inline constexpr std::size_t kRunTextSize = 24;

// Upper bound of what format() writes, without a terminator.
std::size_t text_size_bound(const DaysetView& view);

// Writes the text form, without a terminator; returns its length.
std::size_t format(const DaysetView& view, char* text);

enum class TextError : std::uint8_t {
    kNone,
    kSyntax,     // 22P02
    kReversed,   // lower bound past upper bound: 22000
    kOutOfRange, // a date that is unbounded or outside the supported days: 22008
    kNoSuchDate, // well-formed, but no date of the calendar, such as 2026-02-30: 22008
};

struct TextResult {
    TextError error;
    std::size_t position; // of what is wrong: a byte, a date or bound, the reversed range
};

// Parses the text form into *set. Accepts unordered and overlapping ranges, the bounds [ ] ( ), white space where
// datemultirange takes it, bounds in double quotes, the range `empty`, and in place of the braces one bare range or one
// bare date. Dates are YYYY-MM-DD alone. Only the days in a range must be supported: an empty range may lie anywhere,
// as in a cast from datemultirange. Input need not be terminated and may hold any byte.
TextResult parse(std::string_view text, Dayset* set);

} // namespace availability

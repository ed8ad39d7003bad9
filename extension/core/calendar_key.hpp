// Keys of an index over calendars.
//
// A key speaks for one calendar or for many: `any` has the days that some of them have booked, `all` those that each of
// them has booked. The key of one calendar has its days in both, and then answers every question exactly. A key that
// would grow past its limit is coarsened: `any` gains days, `all` loses some, so that no question is answered wrongly,
// only less surely.
//
// Bytes, made for many to go on a page:
//
//   00 <set>                                   any and all are the same
//   01 <size of any: varint> <any> <all>
//
// A set is nothing when it is empty, else its first day in two bytes, little-endian, and then varints: the days of the
// first run less 1, and for each further run the days of the gap before it less 1 and its own less 1. A varint has
// seven bits in each byte, the lowest first, and the top bit set in all bytes but the last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "extension/core/dayset_view.hpp"

namespace availability {

inline constexpr std::size_t kMaxKeySetSize = 480;
inline constexpr std::uint32_t kMaxKeyRuns = kMaxKeySetSize / 2;
inline constexpr std::size_t kMaxKeySize = 1 + 2 + 2 * kMaxKeySetSize;

// Maximal runs, ascending.
struct KeyRuns {
    std::uint32_t count;
    DaySpan runs[kMaxKeyRuns];

    const DaySpan* begin() const { return runs; }
    const DaySpan* end() const { return runs + count; }
};

struct CalendarKey {
    bool exact; // any and all are the same
    KeyRuns any;
    KeyRuns all;
};

// Reads the bytes of a key; false if they are not a key. Never reads outside them.
bool read_key(const void* bytes, std::size_t size, CalendarKey* key);

// What a key says of the calendars that it speaks for.
enum class Match { kNone, kSome, kAll };

inline Match negated(Match match) {
    return match == Match::kNone ? Match::kAll : match == Match::kAll ? Match::kNone : Match::kSome;
}

// Which calendars have a day of the span, or set, booked. The span may reach past the supported days.
Match match_overlaps(const CalendarKey& key, DaySpan span);
Match match_overlaps(const CalendarKey& key, const DaysetView& set);
// Which have every day of it booked.
Match match_contains(const CalendarKey& key, DaySpan span);
Match match_contains(const CalendarKey& key, const DaysetView& set);
// Which have just the days of the set booked.
Match match_equals(const CalendarKey& key, const DaysetView& set);

// The key of calendars that are added one by one. Throws std::bad_alloc.
class KeyUnion {
  public:
    void add(const CalendarKey& key);
    // Writes at most kMaxKeySize bytes and returns their number.
    std::size_t write(std::uint8_t* bytes) const;

  private:
    friend std::size_t write_key(const DaysetView&, std::uint8_t*);

    bool empty_ = true;
    std::vector<DaySpan> any_;
    std::vector<DaySpan> all_;
    std::vector<DaySpan> scratch_;
};

// Writes the key of one calendar: at most kMaxKeySize bytes. Throws std::bad_alloc.
std::size_t write_key(const DaysetView& calendar, std::uint8_t* bytes);

// How much worse a key gets at telling calendars apart if another is added: the days that `any` gains and `all` loses.
// Among keys that lose equally many, the one with fewer days between `any` and `all` is better: a key that tells
// nothing loses nothing.
float penalty_of(const CalendarKey& key, const CalendarKey& added);

// A number to sort calendars by, so that neighbours have the same days booked: whether each of 64 days, eight
// apart from `anchor` on, is booked; those that halve the time come before those between them.
std::uint64_t locality(const CalendarKey& key, Day anchor);

// Splits keys in two groups of about the same size, of calendars that are alike: right[i] says where keys[i] goes.
// At least two keys. Throws std::bad_alloc.
void split_keys(const CalendarKey* keys, std::uint32_t count, bool* right);

} // namespace availability

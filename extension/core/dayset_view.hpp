// DaysetView reads a day set in place from its stored bytes: no allocation, no deserialization.
//
// Stored bytes are the portable Roaring format of Unix-epoch day numbers with at most one
// container, of key 0 (source: "Roaring Bitmap Format Specification", RoaringFormatSpec). Three
// shapes exist:
//
//   empty         3A 30 00 00  00 00 00 00
//   array/bitset  3A 30 00 00  01 00 00 00  <key:2> <cardinality-1:2>  10 00 00 00  <container>
//   run           3B 30 00 00  01  <key:2> <cardinality-1:2>  <runs:2> <start:2 length-1:2>…
//
// An array container holds cardinality (<= 4096) ascending 16-bit values, a bitset container 1024
// 64-bit words, all little-endian. A fourth shape is read, never written: the header of a run
// container with a run flag of 0 (where the other has 01), then at once an array or bitset
// container. The canonical choice is a run container if and only if 2 + 4·runs is at most the size
// of the array or bitset container that would hold the same days.
#pragma once

#include <cstddef>
#include <cstdint>

#include "extension/core/day.hpp"
#include "extension/core/dayset_format.hpp"

namespace availability {

// The largest canonical day set: a bitset container and its header.
inline constexpr std::size_t kMaxStoredSize = kPlainHeaderSize + kBitsetSize;

class DaysetView {
  public:
    // The empty set.
    constexpr DaysetView() = default;

    // Opens stored bytes; *view is unspecified unless it returns true. Checks in constant time that
    // the shape and the size agree, so that no later call reads outside [bytes, bytes + size),
    // whatever the bytes say; false if they do not. Order and canonical form are the validator's
    // business (dayset_validate.hpp). The bytes need no alignment and must outlive the view.
    static bool open(const void* bytes, std::size_t size, DaysetView* view);

    bool empty() const { return kind_ == Kind::kEmpty; }
    // Number of days, 0 … 65536; constant time.
    std::uint32_t count() const;
    // Number of days inside the span, which may be empty or reach past the supported days.
    std::uint32_t count(DaySpan span) const;

    // First and last day; kEndDay and -1 when empty.
    Day first_day() const;
    Day last_day() const;

    bool contains(Day day) const;
    // Any day of the span in the set; false for an empty span. The span may reach past the
    // supported days.
    bool overlaps(DaySpan span) const;
    // Every day of the span in the set; true for an empty span.
    bool contains_all(DaySpan span) const;
    bool overlaps(const DaysetView& other) const;
    bool contains_all(const DaysetView& other) const;

    // The first maximal run of days that ends after `from`, cut to begin no earlier than `from`; an
    // empty span {kEndDay, kEndDay} when there is none. Walk a set with
    //   for (DaySpan run = set.next_run(kFirstDay); !run.empty(); run = set.next_run(run.end_day))
    // or, without a search at each step, with RunCursor.
    DaySpan next_run(Day from) const;

    // The first maximal run of open days that has at least min_days days inside `within`, cut to
    // `within`; an empty span when there is none. `within` is a span of supported days, min_days at
    // least 1.
    DaySpan next_gap(DaySpan within, Day min_days) const;

    // Number of maximal runs.
    std::uint32_t runs() const;
    // Whether the bytes are those of a run container.
    bool stores_runs() const { return kind_ == Kind::kRuns; }
    // The kBitsetSize bytes of a bitset container, one bit a day, beginning with the lowest bit of the first byte;
    // nullptr if the container is of another kind.
    const std::uint8_t* bitset() const { return kind_ == Kind::kBitset ? container_ : nullptr; }

  private:
    friend class RunCursor;
    friend const char* validate(const void*, std::size_t, DaysetView*, bool*);
    enum class Kind : std::uint8_t { kEmpty, kArray, kBitset, kRuns };

    // For the shapes other than a run container. Nearly all calendars are run containers: for these, open() and
    // overlaps() are inline, since a scan that asks every row spends its time there.
    static bool open_other(const std::uint8_t* bytes, std::size_t size, DaysetView* view);
    bool overlaps_other(DaySpan span) const;

    // Where a RunCursor starts to see the days from `from` on.
    std::uint32_t seek(Day from) const;

    DaySpan run_at(std::uint32_t index) const;

    Kind kind_ = Kind::kEmpty;
    std::uint32_t count_ = 0;                 // days
    std::uint32_t entries_ = 0;               // values, words or runs in the container
    const std::uint8_t* container_ = nullptr; // first value, word or run
};

// Walks the maximal runs of a set in ascending order; each call is amortized constant time for
// array and run containers. Adjacent runs of a non-canonical set are merged.
class RunCursor {
  public:
    explicit RunCursor(const DaysetView& view) : view_(view) {}
    // False when there is no further run.
    bool next(DaySpan* run);

  private:
    friend class DaysetView;

    DaysetView view_;
    std::uint32_t position_ = 0; // an entry of the container, in a bitset container a day
};

// Total order for btree: the sets as sequences of maximal runs, compared run by run on (first_day,
// end_day), a proper prefix first. The order of datemultirange. Returns <0, 0, >0.
int compare(const DaysetView& a, const DaysetView& b);

inline bool DaysetView::open(const void* bytes, std::size_t size, DaysetView* view) {
    const auto* header = static_cast<const std::uint8_t*>(bytes);
    if (size < kRunHeaderSize + kRunCountSize || load32(header) != kRunCookie || header[4] != 1)
        return open_other(header, size, view);
    view->kind_ = Kind::kRuns;
    view->count_ = load16(header + 7) + 1;
    view->entries_ = load16(header + 9);
    view->container_ = header + kRunHeaderSize + kRunCountSize;
    return load16(header + 5) == 0 && view->entries_ > 0 &&
           size == kRunHeaderSize + kRunCountSize + 4 * std::size_t{view->entries_};
}

inline bool DaysetView::overlaps(DaySpan span) const {
    if (kind_ != Kind::kRuns || span.empty())
        return overlaps_other(span);
    // The last run that begins before the span ends. Halving without branches beats every search that can leave early,
    // whatever the number of runs: the branches of such a search can't be predicted.
    std::uint32_t index = 0;
    for (std::uint32_t length = entries_; length > 1;) {
        const std::uint32_t half = length / 2;
        index += run_at(index + half).first_day < span.end_day ? half : 0;
        length -= half;
    }
    const DaySpan run = run_at(index);
    return run.first_day < span.end_day && run.end_day > span.first_day;
}

// A run of corrupt bytes may reach past the last day; none that is handed out does.
inline DaySpan DaysetView::run_at(std::uint32_t index) const {
    const std::uint8_t* run = container_ + 4 * std::size_t{index};
    const Day first_day = static_cast<Day>(load16(run));
    const Day end_day = first_day + static_cast<Day>(load16(run + 2)) + 1;
    return {first_day, end_day < kEndDay ? end_day : kEndDay};
}

} // namespace availability

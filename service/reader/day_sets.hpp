// For each day of a window, the set of listings that have it booked: of one block of 65,536 slots.
//
// A set is a Roaring container that can be changed: ascending places up to 4096 of them, one bit a place beyond. It is
// made of what the extension's day sets are made of (extension/core/listing_days.hpp), which CRoaring's containers give
// no way into: a search takes the union of many days in one pass over 8 kB.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "extension/core/listing_days.hpp"

namespace availability::reader {

inline constexpr std::uint32_t kBlockSlots = kContainerOrdinals;

// Which of 65,536 places have a day booked.
class DaySet {
  public:
    DaySet() = default;
    ~DaySet() { reset(); }
    DaySet(DaySet&& other) noexcept;
    DaySet& operator=(DaySet&& other) noexcept;

    void add(std::uint32_t place);
    void remove(std::uint32_t place);
    void assign(const OrdinalBits& bits);
    void add_to(OrdinalBits* bits) const;
    void reset();
    std::uint32_t count() const { return count_; }
    std::size_t heap_bytes() const;

  private:
    void assign_values(const OrdinalBits& bits, std::uint32_t count);

    // By capacity_: kBits: the bits; else that many values, of which count_ are in use.
    union {
        std::uint16_t* values_ = nullptr;
        OrdinalBits* bits_;
    };
    std::uint32_t count_ = 0;
    std::uint32_t capacity_ = 0;
};

// The sets of the days of a window that moves. What it holds is of calendars that its owner tells it of.
class DaySets {
  public:
    explicit DaySets(int days) : days_(static_cast<std::size_t>(days)), sets_(days_) {}

    DaySpan window() const { return window_; }
    // The window, of at most as many days as there are sets; all are empty.
    void begin(DaySpan window) { window_ = window; }
    // The set of a day of the window.
    void assign(Day day, const OrdinalBits& bits) { at(day).assign(bits); }
    // The window moves on by one day; `bits` are those of its new last one.
    void advance(const OrdinalBits& bits);

    // A place's calendar was `before` and is `after`.
    void change(std::uint32_t place, const DaysetView& before, const DaysetView& after);
    // Of a day of the window.
    const DaySet& of(Day day) const { return sets_[static_cast<std::size_t>(day) % days_]; }
    std::size_t bytes() const;

  private:
    DaySet& at(Day day) { return sets_[static_cast<std::size_t>(day) % days_]; }

    std::size_t days_;
    std::vector<DaySet> sets_; // of day d: d modulo their number
    DaySpan window_ = {0, 0};
};

} // namespace availability::reader

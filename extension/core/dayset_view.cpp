// DaysetView reads a day set in place from its stored bytes.

#include "extension/core/dayset_view.hpp"

#include <algorithm>

namespace availability {

namespace {

constexpr DaySpan kNoSpan = {kEndDay, kEndDay};

Day value_at(const std::uint8_t* values, std::uint32_t index) {
    return static_cast<Day>(load16(values + 2 * std::size_t{index}));
}

// The first of the entries 0 … entries that `is_before` does not hold for, given that it holds for
// a prefix.
template <typename Predicate>
std::uint32_t partition_point(std::uint32_t entries, Predicate is_before) {
    std::uint32_t low = 0;
    while (entries > 0) {
        const std::uint32_t half = entries / 2;
        if (is_before(low + half)) {
            low += half + 1;
            entries -= half + 1;
        } else {
            entries = half;
        }
    }
    return low;
}

constexpr std::uint64_t kBooked = 0;
constexpr std::uint64_t kOpen = ~std::uint64_t{0};

// The first day at or after `from`, 0 … kEndDay, that is what is sought; kEndDay when none is.
Day find_in_bitset(const std::uint8_t* words, Day from, std::uint64_t sought) {
    if (from >= kEndDay)
        return kEndDay;
    auto index = static_cast<std::uint32_t>(from) / 64;
    std::uint64_t word = (load64(words + 8 * index) ^ sought) & (~std::uint64_t{0} << (from % 64));
    while (word == 0) {
        if (++index == kBitsetWords)
            return kEndDay;
        word = load64(words + 8 * index) ^ sought;
    }
    return static_cast<Day>(64 * index) + __builtin_ctzll(word);
}

// The span lies within the supported days.
std::uint32_t count_in_bitset(const std::uint8_t* words, DaySpan span) {
    if (span.empty())
        return 0;
    const auto first_word = static_cast<std::uint32_t>(span.first_day) / 64;
    const auto last_word = static_cast<std::uint32_t>(span.end_day - 1) / 64;
    int count = 0;
    for (std::uint32_t index = first_word; index <= last_word; ++index) {
        std::uint64_t word = load64(words + 8 * index);
        if (index == first_word)
            word &= ~std::uint64_t{0} << (span.first_day % 64);
        if (index == last_word)
            word &= ~std::uint64_t{0} >> (63 - (span.end_day - 1) % 64);
        count += __builtin_popcountll(word);
    }
    return static_cast<std::uint32_t>(count);
}

} // namespace

bool DaysetView::open_other(const std::uint8_t* bytes, std::size_t size, DaysetView* view) {
    if (size < kEmptySize)
        return false;
    const std::uint32_t cookie = load32(bytes);
    std::size_t header_size;
    if (cookie == kRunCookie) {
        header_size = kRunHeaderSize;
        if (size < header_size || bytes[4] != 0)
            return false;
    } else if (cookie == kPlainCookie) {
        const std::uint32_t containers = load32(bytes + 4);
        header_size = kPlainHeaderSize;
        *view = DaysetView();
        if (containers == 0)
            return size == kEmptySize;
        if (containers != 1 || size < header_size || load32(bytes + 12) != header_size)
            return false;
    } else {
        return false;
    }

    const std::uint8_t* key = bytes + (cookie == kRunCookie ? 5 : 8);
    view->count_ = load16(key + 2) + 1;
    view->container_ = bytes + header_size;
    if (view->count_ <= kMaxArrayDays) {
        view->kind_ = Kind::kArray;
        view->entries_ = view->count_;
    } else {
        view->kind_ = Kind::kBitset;
        view->entries_ = kBitsetWords;
    }
    const std::size_t entry_size = view->kind_ == Kind::kArray ? 2 : 8;
    return load16(key) == 0 && size == header_size + entry_size * view->entries_;
}

std::uint32_t DaysetView::count() const {
    return count_;
}

std::uint32_t DaysetView::count(DaySpan span) const {
    span = intersection(span, {kFirstDay, kEndDay});
    switch (kind_) {
    case Kind::kEmpty:
        break;
    case Kind::kArray: {
        const std::uint32_t first = seek(span.first_day);
        return std::max(first, seek(span.end_day)) - first;
    }
    case Kind::kBitset:
        return count_in_bitset(container_, span);
    case Kind::kRuns: {
        std::uint32_t count = 0;
        for (std::uint32_t index = seek(span.first_day); index < entries_; ++index) {
            const DaySpan run = run_at(index);
            if (run.first_day >= span.end_day)
                break;
            count += static_cast<std::uint32_t>(intersection(run, span).days());
        }
        return count;
    }
    }
    return 0;
}

Day DaysetView::first_day() const {
    return next_run(kFirstDay).first_day;
}

Day DaysetView::last_day() const {
    switch (kind_) {
    case Kind::kEmpty:
        break;
    case Kind::kArray:
        return value_at(container_, entries_ - 1);
    case Kind::kBitset:
        for (std::uint32_t index = kBitsetWords; index-- > 0;)
            if (const std::uint64_t word = load64(container_ + 8 * index))
                return static_cast<Day>(64 * index + 63) - __builtin_clzll(word);
        break;
    case Kind::kRuns:
        return run_at(entries_ - 1).end_day - 1;
    }
    return -1;
}

bool DaysetView::contains(Day day) const {
    return day >= kFirstDay && day <= kLastDay && overlaps({day, day + 1});
}

bool DaysetView::overlaps_other(DaySpan span) const {
    if (span.empty())
        return false;
    switch (kind_) {
    case Kind::kEmpty:
    case Kind::kRuns:
        break;
    case Kind::kArray: {
        const std::uint32_t index = seek(span.first_day);
        return index < entries_ && value_at(container_, index) < span.end_day;
    }
    case Kind::kBitset: {
        const Day booked = find_in_bitset(container_, std::max(span.first_day, kFirstDay), kBooked);
        return booked < std::min(span.end_day, kEndDay);
    }
    }
    return false;
}

bool DaysetView::contains_all(DaySpan span) const {
    if (span.empty())
        return true;
    if (!span.supported())
        return false;
    const std::uint32_t index = seek(span.first_day);
    switch (kind_) {
    case Kind::kEmpty:
        break;
    case Kind::kArray: {
        const std::uint32_t last = index + static_cast<std::uint32_t>(span.days()) - 1;
        return last < entries_ && value_at(container_, index) == span.first_day &&
               value_at(container_, last) == span.end_day - 1;
    }
    case Kind::kBitset:
        return find_in_bitset(container_, span.first_day, kOpen) >= span.end_day;
    case Kind::kRuns:
        return index < entries_ && intersection(run_at(index), span) == span;
    }
    return false;
}

bool DaysetView::overlaps(const DaysetView& other) const {
    if (other.entries_ > entries_)
        return other.overlaps(*this);
    RunCursor cursor(other);
    for (DaySpan run; cursor.next(&run);)
        if (overlaps(run))
            return true;
    return false;
}

bool DaysetView::contains_all(const DaysetView& other) const {
    if (other.count_ > count_)
        return false;
    RunCursor cursor(other);
    for (DaySpan run; cursor.next(&run);)
        if (!contains_all(run))
            return false;
    return true;
}

DaySpan DaysetView::next_run(Day from) const {
    RunCursor cursor(*this);
    cursor.position_ = seek(from);
    DaySpan run;
    // In corrupt bytes the search may have gone astray. A run that ended before it began would
    // never let a walk end.
    if (!cursor.next(&run) || run.end_day <= from)
        return kNoSpan;
    return {std::max(run.first_day, from), run.end_day};
}

DaySpan DaysetView::next_gap(DaySpan within, Day min_days) const {
    RunCursor cursor(*this);
    cursor.position_ = seek(within.first_day);
    Day open_since = within.first_day;
    for (DaySpan run; cursor.next(&run) && run.first_day < within.end_day;) {
        if (run.first_day - open_since >= min_days)
            return {open_since, run.first_day};
        open_since = std::max(open_since, run.end_day);
    }
    if (within.end_day - open_since >= min_days)
        return {open_since, within.end_day};
    return kNoSpan;
}

std::uint32_t DaysetView::runs() const {
    std::uint32_t runs = 0;
    RunCursor cursor(*this);
    for (DaySpan run; cursor.next(&run);)
        ++runs;
    return runs;
}

std::uint32_t DaysetView::seek(Day from) const {
    switch (kind_) {
    case Kind::kEmpty:
        break;
    case Kind::kArray:
        return partition_point(entries_,
                               [this, from](std::uint32_t index) { return value_at(container_, index) < from; });
    case Kind::kBitset:
        return static_cast<std::uint32_t>(std::clamp(from, kFirstDay, kEndDay));
    case Kind::kRuns:
        return partition_point(entries_, [this, from](std::uint32_t index) { return run_at(index).end_day <= from; });
    }
    return 0;
}

bool RunCursor::next(DaySpan* run) {
    const std::uint8_t* container = view_.container_;
    switch (view_.kind_) {
    case DaysetView::Kind::kEmpty:
        return false;
    case DaysetView::Kind::kArray: {
        if (position_ >= view_.entries_)
            return false;
        const Day first_day = value_at(container, position_++);
        *run = {first_day, first_day + 1};
        for (; position_ < view_.entries_ && value_at(container, position_) == run->end_day; ++position_)
            ++run->end_day;
        return true;
    }
    case DaysetView::Kind::kBitset: {
        run->first_day = find_in_bitset(container, static_cast<Day>(position_), kBooked);
        run->end_day = find_in_bitset(container, run->first_day, kOpen);
        position_ = static_cast<std::uint32_t>(run->end_day);
        return !run->empty();
    }
    case DaysetView::Kind::kRuns:
        if (position_ >= view_.entries_)
            return false;
        *run = view_.run_at(position_++);
        for (; position_ < view_.entries_; ++position_) {
            const DaySpan following = view_.run_at(position_);
            if (following.first_day != run->end_day)
                break;
            run->end_day = following.end_day;
        }
        return true;
    }
    return false;
}

int compare(const DaysetView& a, const DaysetView& b) {
    RunCursor a_cursor(a);
    RunCursor b_cursor(b);
    for (;;) {
        DaySpan a_run;
        DaySpan b_run;
        const bool a_goes_on = a_cursor.next(&a_run);
        const bool b_goes_on = b_cursor.next(&b_run);
        if (!a_goes_on || !b_goes_on)
            return int{a_goes_on} - int{b_goes_on};
        if (a_run.first_day != b_run.first_day)
            return a_run.first_day < b_run.first_day ? -1 : 1;
        if (a_run.end_day != b_run.end_day)
            return a_run.end_day < b_run.end_day ? -1 : 1;
    }
}

} // namespace availability

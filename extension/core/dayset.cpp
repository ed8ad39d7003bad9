// Dayset: a day set that can be changed, on CRoaring, and the canonical writer.

#include "extension/core/dayset.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "extension/core/dayset_format.hpp"

namespace availability {

namespace {

constexpr DaySpan kSupportedDays = {kFirstDay, kEndDay};

roaring_bitmap_t* require(roaring_bitmap_t* bitmap) {
    if (bitmap == nullptr)
        throw std::bad_alloc();
    return bitmap;
}

using Days = std::vector<std::uint32_t>; // ascending

std::uint32_t runs_in(const Days& days) {
    std::uint32_t runs = days.empty() ? 0 : 1;
    for (std::size_t i = 1; i < days.size(); ++i)
        runs += days[i] != days[i - 1] + 1;
    return runs;
}

std::uint8_t* put16(std::uint8_t* end, std::uint32_t value) {
    store16(end, value);
    return end + 2;
}

std::uint8_t* put32(std::uint8_t* end, std::uint32_t value) {
    store32(end, value);
    return end + 4;
}

std::uint8_t* put_key(const Days& days, std::uint8_t* end) {
    end = put16(end, 0);
    return put16(end, static_cast<std::uint32_t>(days.size()) - 1);
}

std::uint8_t* put_runs(const Days& days, std::uint32_t runs, std::uint8_t* end) {
    end = put32(end, kRunCookie);
    *end++ = 1;
    end = put_key(days, end);
    end = put16(end, runs);
    for (std::size_t first = 0, next; first < days.size(); first = next) {
        next = first + 1;
        while (next < days.size() && days[next] == days[next - 1] + 1)
            ++next;
        end = put16(end, days[first]);
        end = put16(end, static_cast<std::uint32_t>(next - first) - 1);
    }
    return end;
}

std::uint8_t* put_array(const Days& days, std::uint8_t* end) {
    for (const std::uint32_t day : days)
        end = put16(end, day);
    return end;
}

// Bit d of a little-endian 64-bit word is bit d % 8 of its byte d / 8, so the words need not be
// seen.
std::uint8_t* put_bitset(const Days& days, std::uint8_t* end) {
    std::memset(end, 0, kBitsetSize);
    for (const std::uint32_t day : days)
        end[day / 8] = static_cast<std::uint8_t>(end[day / 8] | 1 << day % 8);
    return end + kBitsetSize;
}

std::uint8_t* put_plain(const Days& days, std::uint8_t* end) {
    end = put32(end, kPlainCookie);
    end = put32(end, days.empty() ? 0 : 1);
    if (days.empty())
        return end;
    end = put_key(days, end);
    end = put32(end, kPlainHeaderSize);
    return days.size() <= kMaxArrayDays ? put_array(days, end) : put_bitset(days, end);
}

// Writes a run container run by run.
class RunWriter {
  public:
    explicit RunWriter(void* bytes)
        : begin_(static_cast<std::uint8_t*>(bytes)), end_(begin_ + kRunHeaderSize + kRunCountSize) {}

    // Spans come in the order of their first days; those that meet become one run. False if a run container would be
    // too large for any set.
    bool add(DaySpan span) {
        if (span.empty())
            return true;
        if (!last_.empty() && span.first_day <= last_.end_day) {
            last_.end_day = std::max(last_.end_day, span.end_day);
            return true;
        }
        const bool fits = put_last();
        last_ = span;
        return fits;
    }

    // The number of bytes; 0 if the set's canonical container is none of runs.
    std::size_t finish() {
        if (!put_last() || days_ == 0 || !prefers_runs(days_, runs_))
            return 0;
        std::uint8_t* header = put32(begin_, kRunCookie);
        *header++ = 1;
        header = put16(header, 0);
        header = put16(header, days_ - 1);
        put16(header, runs_);
        return static_cast<std::size_t>(end_ - begin_);
    }

  private:
    bool put_last() {
        if (last_.empty())
            return true;
        if (end_ + 4 > begin_ + kMaxStoredSize)
            return false;
        end_ = put16(end_, static_cast<std::uint32_t>(last_.first_day));
        end_ = put16(end_, static_cast<std::uint32_t>(last_.days()) - 1);
        days_ += static_cast<std::uint32_t>(last_.days());
        ++runs_;
        return true;
    }

    std::uint8_t* begin_;
    std::uint8_t* end_;
    std::uint32_t days_ = 0;
    std::uint32_t runs_ = 0;
    DaySpan last_ = {0, 0};
};

// As write_changed(); 0 if the result is no run container.
std::size_t write_changed_runs(const DaysetView& set, DaySpan removed, DaySpan added, void* bytes) {
    RunWriter writer(bytes);
    RunCursor cursor(set);
    bool fits = true;
    for (DaySpan run; fits && cursor.next(&run);) {
        const bool keeps_all = intersection(run, removed).empty();
        const DaySpan kept[] = {{run.first_day, keeps_all ? run.end_day : removed.first_day},
                                {keeps_all ? run.end_day : removed.end_day, run.end_day}};
        for (const DaySpan span : kept) {
            if (!span.empty() && span.first_day >= added.first_day) {
                fits = fits && writer.add(added);
                added = {0, 0};
            }
            fits = fits && writer.add(span);
        }
    }
    return fits && writer.add(added) ? writer.finish() : 0;
}

std::uint32_t count_bits(std::uint64_t word) {
    return static_cast<std::uint32_t>(__builtin_popcountll(word));
}

void set_bits(std::uint8_t* bitset, DaySpan span, bool value) {
    for (Day day = span.first_day; day < span.end_day; ++day) {
        const auto bit = static_cast<std::uint8_t>(1 << day % 8);
        std::uint8_t& byte = bitset[day / 8];
        byte = static_cast<std::uint8_t>(value ? byte | bit : byte & ~bit);
    }
}

// As write_changed(), from one bitset container to another; 0 if the result is none.
std::size_t write_changed_bitset(const DaysetView& set, DaySpan removed, DaySpan added, void* bytes) {
    std::uint8_t* const begin = static_cast<std::uint8_t*>(bytes);
    std::uint8_t* const bitset = begin + kPlainHeaderSize;
    std::memcpy(bitset, set.bitset(), kBitsetSize);
    set_bits(bitset, intersection(removed, kSupportedDays), false);
    set_bits(bitset, added, true);

    std::uint32_t days = 0;
    std::uint32_t runs = 0;
    std::uint64_t last_bit = 0;
    for (std::uint32_t i = 0; i < kBitsetWords; ++i) {
        const std::uint64_t word = load64(bitset + 8 * std::size_t{i});
        days += count_bits(word);
        runs += count_bits(word & ~(word << 1 | last_bit));
        last_bit = word >> 63;
    }
    if (days <= kMaxArrayDays || prefers_runs(days, runs))
        return 0;
    std::uint8_t* header = put32(begin, kPlainCookie);
    header = put32(header, 1);
    header = put16(header, 0);
    header = put16(header, days - 1);
    put32(header, kPlainHeaderSize);
    return kMaxStoredSize;
}

} // namespace

// Neither way allocates; what is left is what leaves the one container for another.
std::size_t write_changed(const DaysetView& view, DaySpan removed, DaySpan added, void* bytes) {
    const std::size_t size = view.bitset() != nullptr ? write_changed_bitset(view, removed, added, bytes)
                                                      : write_changed_runs(view, removed, added, bytes);
    if (size > 0)
        return size;
    Dayset set(view);
    set.remove(removed);
    set.add(added);
    return set.write(bytes);
}

Dayset::Dayset() : bitmap_(require(roaring_bitmap_create())) {}

// CRoaring counts a bitset container anew for every range that is added to it.
Dayset::Dayset(const DaysetView& view) : Dayset() {
    RunCursor cursor(view);
    DaySpan run;
    if (view.stores_runs()) {
        while (cursor.next(&run))
            add(run);
        return;
    }
    Days days;
    days.reserve(view.count());
    while (cursor.next(&run))
        for (Day day = run.first_day; day < run.end_day; ++day)
            days.push_back(static_cast<std::uint32_t>(day));
    roaring_bitmap_add_many(bitmap_, days.size(), days.data());
}

Dayset::Dayset(const Dayset& other) : bitmap_(require(roaring_bitmap_copy(other.bitmap_))) {}

Dayset::Dayset(Dayset&& other) noexcept : bitmap_(std::exchange(other.bitmap_, nullptr)) {}

Dayset& Dayset::operator=(Dayset other) noexcept {
    std::swap(bitmap_, other.bitmap_);
    return *this;
}

Dayset::~Dayset() {
    if (bitmap_ != nullptr)
        roaring_bitmap_free(bitmap_);
}

void Dayset::add(DaySpan span) {
    if (!span.empty())
        roaring_bitmap_add_range_closed(bitmap_, static_cast<std::uint32_t>(span.first_day),
                                        static_cast<std::uint32_t>(span.end_day - 1));
}

void Dayset::remove(DaySpan span) {
    span = intersection(span, kSupportedDays);
    if (!span.empty())
        roaring_bitmap_remove_range_closed(bitmap_, static_cast<std::uint32_t>(span.first_day),
                                           static_cast<std::uint32_t>(span.end_day - 1));
}

void Dayset::keep(DaySpan span) {
    if (span.empty())
        span = {kEndDay, kEndDay};
    remove({kFirstDay, span.first_day});
    remove({span.end_day, kEndDay});
}

void Dayset::unite(const Dayset& other) {
    roaring_bitmap_or_inplace(bitmap_, other.bitmap_);
}

void Dayset::intersect(const Dayset& other) {
    roaring_bitmap_and_inplace(bitmap_, other.bitmap_);
}

void Dayset::subtract(const Dayset& other) {
    if (bitmap_ == other.bitmap_)
        roaring_bitmap_clear(bitmap_); // CRoaring refuses to subtract a set from itself in place
    else
        roaring_bitmap_andnot_inplace(bitmap_, other.bitmap_);
}

bool Dayset::empty() const {
    return roaring_bitmap_is_empty(bitmap_);
}

std::uint32_t Dayset::count() const {
    return static_cast<std::uint32_t>(roaring_bitmap_get_cardinality(bitmap_));
}

std::size_t Dayset::stored_size() const {
    std::uint8_t bytes[kMaxStoredSize];
    return write(bytes);
}

// CRoaring is asked for the days, never for its bytes. Which container it has them in depends on
// its version and on how the set came about, and 0.2.66 can hold 4096 days and fewer in a bitset
// container, after a range is added to many runs or removed from a bitset, and then serializes what
// no one can read.
std::size_t Dayset::write(void* bytes) const {
    Days days(count());
    roaring_bitmap_to_uint32_array(bitmap_, days.data());
    auto* const begin = static_cast<std::uint8_t*>(bytes);
    const std::uint32_t runs = runs_in(days);
    std::uint8_t* const end = prefers_runs(count(), runs) ? put_runs(days, runs, begin) : put_plain(days, begin);
    return static_cast<std::size_t>(end - begin);
}

} // namespace availability

#include "service/reader/day_sets.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "extension/core/dayset_difference.hpp"

namespace availability::reader {

namespace {

constexpr std::uint32_t kBits = UINT32_MAX;
constexpr std::uint32_t kMostValues = kMaxArrayDays;
// Below, bits become values again: well below, so that a set at the border does not go to and fro.
constexpr std::uint32_t kFewValues = kMostValues / 4 * 3;

} // namespace

DaySet::DaySet(DaySet&& other) noexcept
    : values_(std::exchange(other.values_, nullptr)), count_(std::exchange(other.count_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

DaySet& DaySet::operator=(DaySet&& other) noexcept {
    std::swap(values_, other.values_);
    std::swap(count_, other.count_);
    std::swap(capacity_, other.capacity_);
    return *this;
}

void DaySet::reset() {
    if (capacity_ == kBits)
        delete bits_;
    else
        delete[] values_;
    values_ = nullptr;
    count_ = capacity_ = 0;
}

std::size_t DaySet::heap_bytes() const {
    return capacity_ == kBits ? sizeof(OrdinalBits) : capacity_ * sizeof(std::uint16_t);
}

void DaySet::add(std::uint32_t place) {
    if (capacity_ == kBits) {
        count_ += !bits_->contains(place);
        bits_->add(place);
        return;
    }
    std::uint16_t* const found = std::lower_bound(values_, values_ + count_, place);
    const auto index = static_cast<std::size_t>(found - values_);
    if (index < count_ && *found == place)
        return;
    if (count_ == kMostValues) {
        auto bits = std::make_unique<OrdinalBits>();
        bits->clear();
        add_to(bits.get());
        delete[] values_;
        bits_ = bits.release();
        capacity_ = kBits;
        return add(place);
    }
    if (count_ == capacity_) {
        const std::uint32_t capacity = std::min(kMostValues, capacity_ + std::max(4U, capacity_ / 8));
        auto* values = new std::uint16_t[capacity];
        std::copy_n(values_, count_, values);
        delete[] values_;
        values_ = values;
        capacity_ = capacity;
    }
    std::copy_backward(values_ + index, values_ + count_, values_ + count_ + 1);
    values_[index] = static_cast<std::uint16_t>(place);
    ++count_;
}

void DaySet::remove(std::uint32_t place) {
    if (capacity_ != kBits) {
        std::uint16_t* const end = values_ + count_;
        std::uint16_t* const found = std::lower_bound(values_, end, place);
        if (found == end || *found != place)
            return;
        std::copy(found + 1, end, found);
        --count_;
        return;
    }
    count_ -= bits_->contains(place);
    bits_->remove(place);
    if (count_ < kFewValues) {
        const std::unique_ptr<OrdinalBits> bits(std::exchange(bits_, nullptr));
        capacity_ = 0;
        assign_values(*bits, count_);
    }
}

void DaySet::assign_values(const OrdinalBits& bits, std::uint32_t count) {
    reset();
    if (count == 0)
        return;
    values_ = new std::uint16_t[count];
    capacity_ = count;
    for (std::uint32_t word = 0; word < kBitsetWords; ++word)
        for (std::uint64_t left = bits.words[word]; left != 0; left &= left - 1)
            values_[count_++] = static_cast<std::uint16_t>(64 * word + static_cast<unsigned>(__builtin_ctzll(left)));
}

void DaySet::assign(const OrdinalBits& bits) {
    const std::uint32_t count = bits.count();
    if (count <= kMostValues)
        return assign_values(bits, count);
    auto copy = std::make_unique<OrdinalBits>(bits);
    reset();
    bits_ = copy.release();
    count_ = count;
    capacity_ = kBits;
}

void DaySet::add_to(OrdinalBits* bits) const {
    if (capacity_ == kBits)
        return bits->unite(*bits_);
    for (std::uint32_t i = 0; i < count_; ++i)
        bits->add(values_[i]);
}

void DaySets::advance(const OrdinalBits& bits) {
    at(window_.end_day).assign(bits); // in the place of the first day
    ++window_.first_day;
    ++window_.end_day;
}

void DaySets::change(std::uint32_t place, const DaysetView& before, const DaysetView& after) {
    each_difference(before, after, window_, [&](DaySpan span, bool booked) {
        for (Day day = span.first_day; day < span.end_day; ++day)
            if (booked)
                at(day).add(place);
            else
                at(day).remove(place);
    });
}

std::size_t DaySets::bytes() const {
    std::size_t bytes = sizeof(*this) + sets_.capacity() * sizeof(DaySet);
    for (const DaySet& set : sets_)
        bytes += set.heap_bytes();
    return bytes;
}

} // namespace availability::reader

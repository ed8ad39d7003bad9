// Making sets of ordinals: the canonical writer, and set algebra.

#include "extension/core/listing_set.hpp"

#include <cstring>

namespace availability {

namespace {

std::size_t size_of_array(std::uint32_t count) {
    return count <= kMaxArrayDays ? 2 * std::size_t{count} : kBitsetSize;
}

std::uint8_t* put_runs(const OrdinalBits& bits, std::uint32_t runs, std::uint8_t* end) {
    store16(end, runs);
    end += kRunCountSize;
    for (std::uint32_t first = bits.next(0); first < kContainerOrdinals;) {
        const std::uint32_t missing = bits.next_missing(first);
        store16(end, first);
        store16(end + 2, missing - first - 1);
        end += 4;
        first = missing < kContainerOrdinals ? bits.next(missing) : missing;
    }
    return end;
}

std::uint8_t* put_array(const OrdinalBits& bits, std::uint8_t* end) {
    for (std::uint32_t i = 0; i < kBitsetWords; ++i)
        for (std::uint64_t word = bits.words[i]; word != 0; word &= word - 1) {
            store16(end, 64 * i + static_cast<std::uint32_t>(__builtin_ctzll(word)));
            end += 2;
        }
    return end;
}

std::uint8_t* put_bitset(const OrdinalBits& bits, std::uint8_t* end) {
    for (const std::uint64_t word : bits.words) {
        store32(end, static_cast<std::uint32_t>(word));
        store32(end + 4, static_cast<std::uint32_t>(word >> 32));
        end += 8;
    }
    return end;
}

std::size_t flags_size(std::uint32_t containers) {
    return (std::size_t{containers} + 7) / 8;
}

} // namespace

void ListingSetMeasure::add(std::uint32_t, const OrdinalBits& bits) {
    const std::uint32_t count = bits.count();
    if (count == 0)
        return;
    const std::uint32_t runs = bits.runs();
    const bool stores_runs = prefers_runs(count, runs);
    ++containers_;
    has_runs_ = has_runs_ || stores_runs;
    payload_ += stores_runs ? kRunCountSize + 4 * std::size_t{runs} : size_of_array(count);
}

std::size_t ListingSetMeasure::size() const {
    const std::size_t offsets = !has_runs_ || containers_ >= kOffsetsFrom ? 4 * std::size_t{containers_} : 0;
    return (has_runs_ ? 4 + flags_size(containers_) : kEmptySize) + 4 * std::size_t{containers_} + offsets + payload_;
}

ListingSetWriter::ListingSetWriter(const ListingSetMeasure& measure, void* bytes)
    : begin_(static_cast<std::uint8_t*>(bytes)), flags_(nullptr) {
    const std::uint32_t containers = measure.containers_;
    if (measure.has_runs_) {
        store32(begin_, kRunCookie + (containers - 1) * 65536);
        flags_ = begin_ + 4;
        std::memset(flags_, 0, flags_size(containers));
        descriptors_ = flags_ + flags_size(containers);
    } else {
        store32(begin_, kPlainCookie);
        store32(begin_ + 4, containers);
        descriptors_ = begin_ + kEmptySize;
    }
    end_ = descriptors_ + 4 * std::size_t{containers};
    offsets_ = nullptr;
    if (!measure.has_runs_ || containers >= kOffsetsFrom) {
        offsets_ = end_;
        end_ += 4 * std::size_t{containers};
    }
}

void ListingSetWriter::add(std::uint32_t key, const OrdinalBits& bits) {
    const std::uint32_t count = bits.count();
    if (count == 0)
        return;
    const std::uint32_t runs = bits.runs();
    std::uint8_t* const descriptor = descriptors_ + 4 * std::size_t{containers_};
    store16(descriptor, key);
    store16(descriptor + 2, count - 1);
    if (offsets_ != nullptr)
        store32(offsets_ + 4 * std::size_t{containers_}, static_cast<std::uint32_t>(end_ - begin_));
    if (prefers_runs(count, runs)) {
        std::uint8_t& flag = flags_[containers_ / 8];
        flag = static_cast<std::uint8_t>(flag | 1 << containers_ % 8);
        end_ = put_runs(bits, runs, end_);
    } else {
        end_ = count <= kMaxArrayDays ? put_array(bits, end_) : put_bitset(bits, end_);
    }
    ++containers_;
}

bool overlaps(const ListingSetView& a, const ListingSetView& b) {
    OrdinalBits a_bits;
    OrdinalBits b_bits;
    for (std::uint32_t i = 0, j = 0; i < a.containers() && j < b.containers();) {
        if (a.key(i) != b.key(j)) {
            ++(a.key(i) < b.key(j) ? i : j);
            continue;
        }
        a_bits.clear();
        b_bits.clear();
        a.add_to(i++, &a_bits);
        b.add_to(j++, &b_bits);
        if (a_bits.overlaps(b_bits))
            return true;
    }
    return false;
}

bool contains_all(const ListingSetView& a, const ListingSetView& b) {
    OrdinalBits a_bits;
    OrdinalBits b_bits;
    for (std::uint32_t j = 0; j < b.containers(); ++j) {
        const std::uint32_t i = a.seek(b.key(j));
        a_bits.clear();
        b_bits.clear();
        b.add_to(j, &b_bits);
        if (i < a.containers() && a.key(i) == b.key(j))
            a.add_to(i, &a_bits);
        if (!a_bits.contains_all(b_bits))
            return false;
    }
    return true;
}

bool OrdinalCursor::next(Ordinal* ordinal) {
    for (;;) {
        if (place_ < kContainerOrdinals)
            place_ = bits_.next(place_);
        if (place_ < kContainerOrdinals) {
            *ordinal = set_.key(index_ - 1) * kContainerOrdinals + place_++;
            return true;
        }
        if (index_ == set_.containers())
            return false;
        bits_.clear();
        set_.add_to(index_++, &bits_);
        place_ = 0;
    }
}

} // namespace availability

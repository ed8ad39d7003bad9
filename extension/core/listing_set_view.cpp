// Sets of ordinals, read in place.

#include "extension/core/listing_set_view.hpp"

#include <algorithm>
#include <cstring>

namespace availability {

namespace {

std::uint32_t count_bits(std::uint64_t word) {
    return static_cast<std::uint32_t>(__builtin_popcountll(word));
}

std::uint32_t lowest_bit(std::uint64_t word) {
    return static_cast<std::uint32_t>(__builtin_ctzll(word));
}

constexpr std::uint64_t kAllBits = ~std::uint64_t{0};

// As a loop of load64(), in a form that compilers do with wide registers where the host is little-endian.
void add_bitset(const std::uint8_t* bitset, std::uint64_t* words) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (std::uint32_t i = 0; i < kBitsetWords; ++i) {
        std::uint64_t word;
        std::memcpy(&word, bitset + 8 * std::size_t{i}, sizeof(word));
        words[i] |= word;
    }
#else
    for (std::uint32_t i = 0; i < kBitsetWords; ++i)
        words[i] |= load64(bitset + 8 * std::size_t{i});
#endif
}

} // namespace

void OrdinalBits::clear() {
    std::memset(words, 0, sizeof(words));
}

void OrdinalBits::add(std::uint32_t first, std::uint32_t last) {
    const std::uint32_t first_word = first / 64;
    const std::uint32_t last_word = last / 64;
    const std::uint64_t from_first = kAllBits << first % 64;
    const std::uint64_t to_last = kAllBits >> (63 - last % 64);
    if (first_word == last_word) {
        words[first_word] |= from_first & to_last;
        return;
    }
    words[first_word] |= from_first;
    std::fill(words + first_word + 1, words + last_word, kAllBits);
    words[last_word] |= to_last;
}

void OrdinalBits::unite(const OrdinalBits& other) {
    for (std::uint32_t i = 0; i < kBitsetWords; ++i)
        words[i] |= other.words[i];
}

void OrdinalBits::intersect(const OrdinalBits& other) {
    for (std::uint32_t i = 0; i < kBitsetWords; ++i)
        words[i] &= other.words[i];
}

void OrdinalBits::subtract(const OrdinalBits& other) {
    for (std::uint32_t i = 0; i < kBitsetWords; ++i)
        words[i] &= ~other.words[i];
}

std::uint32_t OrdinalBits::count() const {
    std::uint32_t count = 0;
    for (const std::uint64_t word : words)
        count += count_bits(word);
    return count;
}

std::uint32_t OrdinalBits::runs() const {
    std::uint32_t runs = 0;
    std::uint64_t last_bit = 0;
    for (const std::uint64_t word : words) {
        runs += count_bits(word & ~(word << 1 | last_bit));
        last_bit = word >> 63;
    }
    return runs;
}

bool OrdinalBits::empty() const {
    return std::all_of(words, words + kBitsetWords, [](std::uint64_t word) { return word == 0; });
}

bool OrdinalBits::overlaps(const OrdinalBits& other) const {
    for (std::uint32_t i = 0; i < kBitsetWords; ++i)
        if ((words[i] & other.words[i]) != 0)
            return true;
    return false;
}

bool OrdinalBits::contains_all(const OrdinalBits& other) const {
    for (std::uint32_t i = 0; i < kBitsetWords; ++i)
        if ((other.words[i] & ~words[i]) != 0)
            return false;
    return true;
}

std::uint32_t OrdinalBits::next(std::uint32_t from) const {
    for (std::uint32_t i = from / 64; i < kBitsetWords; ++i) {
        const std::uint64_t word = i == from / 64 ? words[i] & kAllBits << from % 64 : words[i];
        if (word != 0)
            return 64 * i + lowest_bit(word);
    }
    return kContainerOrdinals;
}

std::uint32_t OrdinalBits::next_missing(std::uint32_t from) const {
    for (std::uint32_t i = from / 64; i < kBitsetWords; ++i) {
        const std::uint64_t word = i == from / 64 ? ~words[i] & kAllBits << from % 64 : ~words[i];
        if (word != 0)
            return 64 * i + lowest_bit(word);
    }
    return kContainerOrdinals;
}

std::size_t ListingContainer::size() const {
    switch (kind) {
    case Kind::kArray:
        return 2 * std::size_t{entries};
    case Kind::kBitset:
        return kBitsetSize;
    case Kind::kRuns:
        break;
    }
    return kRunCountSize + 4 * std::size_t{entries};
}

// Of corrupt bytes the answer may be wrong, no more.
bool ListingContainer::contains(std::uint32_t place) const {
    if (kind == Kind::kBitset)
        return data[place / 8] >> place % 8 & 1;
    const std::size_t step = kind == Kind::kArray ? 2 : 4;
    std::uint32_t index = 0;
    for (std::uint32_t length = entries; length > 1;) {
        const std::uint32_t half = length / 2;
        index += load16(data + step * (index + half)) <= place ? half : 0;
        length -= half;
    }
    if (entries == 0)
        return false;
    const std::uint8_t* entry = data + step * index;
    const std::uint32_t first = load16(entry);
    return kind == Kind::kArray ? first == place : first <= place && place - first <= load16(entry + 2);
}

void ListingContainer::add_to(OrdinalBits* bits) const {
    switch (kind) {
    case Kind::kArray:
        for (std::uint32_t i = 0; i < entries; ++i)
            bits->add(load16(data + 2 * std::size_t{i}));
        break;
    case Kind::kBitset:
        add_bitset(data, bits->words);
        break;
    case Kind::kRuns:
        for (std::uint32_t i = 0; i < entries; ++i) {
            const std::uint32_t first = load16(data + 4 * std::size_t{i});
            bits->add(first, std::min(first + load16(data + 4 * std::size_t{i} + 2), kContainerOrdinals - 1));
        }
        break;
    }
}

bool ListingSetView::open(const void* bytes, std::size_t size, ListingSetView* view) {
    *view = ListingSetView();
    const auto* begin = static_cast<const std::uint8_t*>(bytes);
    if (size < kEmptySize)
        return false;
    const std::uint32_t cookie = load32(begin);
    std::size_t end;
    bool has_offsets = true;
    if (cookie == kPlainCookie) {
        view->containers_ = load32(begin + 4);
        end = kEmptySize;
    } else if (cookie % 65536 == kRunCookie) {
        view->containers_ = cookie / 65536 + 1;
        view->flags_ = begin + 4;
        end = 4 + (std::size_t{view->containers_} + 7) / 8;
        has_offsets = view->containers_ >= kOffsetsFrom;
    } else {
        return false;
    }
    if (view->containers_ > kMostContainers || end + (has_offsets ? 8 : 4) * std::size_t{view->containers_} > size)
        return false;
    view->bytes_ = begin;
    view->size_ = size;
    view->descriptors_ = begin + end;
    end += 4 * std::size_t{view->containers_};
    view->offsets_ = has_offsets ? begin + end : nullptr;
    view->first_container_ = end + (has_offsets ? 4 * std::size_t{view->containers_} : 0);
    return true;
}

bool ListingSetView::read(std::uint32_t index, std::size_t offset, ListingContainer* container) const {
    container->key = key(index);
    container->count = load16(descriptors_ + 4 * std::size_t{index} + 2) + 1;
    std::size_t header = 0;
    if (flags_ != nullptr && (flags_[index / 8] >> index % 8 & 1) != 0) {
        if (offset > size_ || size_ - offset < kRunCountSize)
            return false;
        container->kind = ListingContainer::Kind::kRuns;
        container->entries = load16(bytes_ + offset);
        header = kRunCountSize;
    } else if (container->count <= kMaxArrayDays) {
        container->kind = ListingContainer::Kind::kArray;
        container->entries = container->count;
    } else {
        container->kind = ListingContainer::Kind::kBitset;
        container->entries = kBitsetWords;
    }
    container->data = bytes_ + offset + header;
    return offset <= size_ && size_ - offset >= container->size();
}

bool ListingSetView::container(std::uint32_t index, ListingContainer* container) const {
    if (offsets_ != nullptr)
        return read(index, load32(offsets_ + 4 * std::size_t{index}), container);
    std::size_t offset = first_container_;
    for (std::uint32_t i = 0; read(i, offset, container); ++i) {
        if (i == index)
            return true;
        offset += container->size();
    }
    return false;
}

std::uint32_t ListingSetView::seek(std::uint32_t wanted) const {
    std::uint32_t first = 0;
    for (std::uint32_t length = containers_; length > 0;) {
        const std::uint32_t half = length / 2;
        if (key(first + half) < wanted) {
            first += half + 1;
            length -= half + 1;
        } else {
            length = half;
        }
    }
    return first;
}

std::uint64_t ListingSetView::count() const {
    std::uint64_t count = 0;
    for (std::uint32_t index = 0; index < containers_; ++index)
        count += load16(descriptors_ + 4 * std::size_t{index} + 2) + 1;
    return count;
}

bool ListingSetView::contains(Ordinal ordinal) const {
    const std::uint32_t index = seek(key_of(ordinal));
    ListingContainer found;
    return index < containers_ && key(index) == key_of(ordinal) && container(index, &found) &&
           found.contains(ordinal % kContainerOrdinals);
}

void ListingSetView::add_to(std::uint32_t index, OrdinalBits* bits) const {
    ListingContainer found;
    if (container(index, &found))
        found.add_to(bits);
}

} // namespace availability

// ListingSetView reads a set of ordinals in place from its stored bytes.
//
// Stored bytes are the portable Roaring format (source: "Roaring Bitmap Format Specification", RoaringFormatSpec) of
// ordinals from 0 to 2147483647: containers of 65,536 ordinals each, keyed by an ordinal's upper 16 bits, in ascending
// order. Two headers exist:
//
//   no run container    <12346:4> <containers:4>, a descriptor each, an offset each
//   run containers      <12347 + 65536 * (containers - 1):4> <flags>, a descriptor each, an offset each from four on
//
// A descriptor is <key:2> <cardinality - 1:2>, an offset 4 bytes from the start, a flag one bit a container, set for
// runs. An array container holds up to 4096 ascending 16-bit values, a bitset container 1024 64-bit words, a run
// container <runs:2> and <start:2> <length - 1:2> each; all is little-endian. Canonical is a run container if and only
// if 2 + 4 * runs is at most the size of the array or bitset container of the same ordinals, and the header of run
// containers if and only if there is one: a day set of the same numbers has the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "extension/core/dayset_format.hpp"

namespace availability {

using Ordinal = std::uint32_t;

inline constexpr Ordinal kLastOrdinal = 2147483647;
inline constexpr std::uint32_t kContainerOrdinals = 65536;
inline constexpr std::uint32_t kMostContainers = 32768;
// A header of run containers has offsets from so many containers on.
inline constexpr std::uint32_t kOffsetsFrom = 4;

constexpr std::uint32_t key_of(Ordinal ordinal) {
    return ordinal / kContainerOrdinals;
}

// Which of 65,536 ordinals are in a set; bit 0 of word 0 is the first. Left as it is made: clear() it.
struct OrdinalBits {
    std::uint64_t words[kBitsetWords];

    void clear();
    void add(std::uint32_t first, std::uint32_t last); // both within 65,536, first <= last
    void unite(const OrdinalBits& other);
    void intersect(const OrdinalBits& other);
    void subtract(const OrdinalBits& other);

    void add(std::uint32_t place) { words[place / 64] |= std::uint64_t{1} << place % 64; }
    void remove(std::uint32_t place) { words[place / 64] &= ~(std::uint64_t{1} << place % 64); }
    bool contains(std::uint32_t place) const { return words[place / 64] >> place % 64 & 1; }
    std::uint32_t count() const;
    std::uint32_t runs() const;
    bool empty() const;
    bool overlaps(const OrdinalBits& other) const;
    bool contains_all(const OrdinalBits& other) const;
    // The first place from `from` on that is in the set, 65,536 if there is none.
    std::uint32_t next(std::uint32_t from) const;
    // The first place from `from` on that is not in the set, 65,536 if there is none.
    std::uint32_t next_missing(std::uint32_t from) const;
};

// One container where it is stored.
struct ListingContainer {
    enum class Kind : std::uint8_t { kArray, kBitset, kRuns };

    Kind kind = Kind::kArray;
    std::uint32_t key = 0;
    std::uint32_t count = 0;   // ordinals, as the descriptor says
    std::uint32_t entries = 0; // values, words or runs
    const std::uint8_t* data = nullptr;

    std::size_t size() const;
    bool contains(std::uint32_t place) const;
    void add_to(OrdinalBits* bits) const;
};

class ListingSetView {
  public:
    // The empty set.
    constexpr ListingSetView() = default;

    // Opens stored bytes; *view is unspecified unless it returns true. Constant time: whether the header fits. No later
    // call reads outside [bytes, bytes + size), whatever the bytes say; order, offsets and canonical form are the
    // validator's business (listing_set_validate.hpp). The bytes need no alignment and must outlive the view.
    static bool open(const void* bytes, std::size_t size, ListingSetView* view);

    bool empty() const { return containers_ == 0; }
    std::uint32_t containers() const { return containers_; }
    // The upper 16 bits of the ordinals in container `index`.
    std::uint32_t key(std::uint32_t index) const { return load16(descriptors_ + 4 * std::size_t{index}); }
    // False if the container is not within the bytes, which valid ones never say.
    bool container(std::uint32_t index, ListingContainer* container) const;
    // The index of the first container whose key is at least `key`.
    std::uint32_t seek(std::uint32_t key) const;

    // By the descriptors alone.
    std::uint64_t count() const;
    bool contains(Ordinal ordinal) const;

    // Adds the ordinals of container `index` to the bits; nothing if it is not within the bytes.
    void add_to(std::uint32_t index, OrdinalBits* bits) const;

  private:
    friend const char* validate(const void*, std::size_t, ListingSetView*, bool*);

    bool read(std::uint32_t index, std::size_t offset, ListingContainer* container) const;

    const std::uint8_t* bytes_ = nullptr;
    std::size_t size_ = 0;
    std::uint32_t containers_ = 0;
    const std::uint8_t* flags_ = nullptr; // NULL if no container has runs
    const std::uint8_t* descriptors_ = nullptr;
    const std::uint8_t* offsets_ = nullptr; // NULL if there are none
    std::size_t first_container_ = 0;       // offset of the first
};

// Calls visit(key, bits) for every container in order, until it returns false. The bits live as long as the call.
template <typename Visit>
void each_container(const ListingSetView& set, Visit visit) {
    OrdinalBits bits;
    for (std::uint32_t index = 0; index < set.containers(); ++index) {
        bits.clear();
        set.add_to(index, &bits);
        if (!visit(set.key(index), bits))
            return;
    }
}

} // namespace availability

// Making sets of ordinals: the canonical writer, and set algebra.
//
// Sets are made container by container out of 65,536 bits, in two passes over what makes them: one measures the bytes,
// one writes them into memory of the caller's. Nothing here allocates, so that all of it can stand between PostgreSQL
// calls. CRoaring, which the tests compare with, has containers of its own choice, on a heap of its own, and no
// canonical form.
#pragma once

#include <cstddef>

#include "extension/core/listing_set_view.hpp"

namespace availability {

// The first pass: how large the canonical bytes will be.
class ListingSetMeasure {
  public:
    // Containers come in ascending order of their keys. Empty ones are none.
    void add(std::uint32_t key, const OrdinalBits& bits);
    std::size_t size() const;

  private:
    friend class ListingSetWriter;

    std::uint32_t containers_ = 0;
    bool has_runs_ = false;
    std::size_t payload_ = 0;
};

// The second pass, over the same containers.
class ListingSetWriter {
  public:
    // Writes exactly measure.size() bytes.
    ListingSetWriter(const ListingSetMeasure& measure, void* bytes);
    void add(std::uint32_t key, const OrdinalBits& bits);

  private:
    std::uint8_t* begin_;
    std::uint8_t* flags_;
    std::uint8_t* descriptors_;
    std::uint8_t* offsets_;
    std::uint8_t* end_;
    std::uint32_t containers_ = 0;
};

enum class Algebra { kUnion, kIntersection, kDifference };

// Calls visit(key, bits) for every container of the result, in order; some may be empty. Bits live as long as the call.
template <typename Visit>
void combine(const ListingSetView& left, const ListingSetView& right, Algebra algebra, Visit visit) {
    OrdinalBits bits;
    OrdinalBits other;
    for (std::uint32_t l = 0, r = 0; l < left.containers() || r < right.containers();) {
        const std::uint32_t left_key = l < left.containers() ? left.key(l) : kContainerOrdinals;
        const std::uint32_t right_key = r < right.containers() ? right.key(r) : kContainerOrdinals;
        const std::uint32_t key = left_key < right_key ? left_key : right_key;
        bits.clear();
        other.clear();
        if (left_key == key)
            left.add_to(l++, &bits);
        if (right_key == key)
            right.add_to(r++, &other);
        switch (algebra) {
        case Algebra::kUnion:
            bits.unite(other);
            break;
        case Algebra::kIntersection:
            bits.intersect(other);
            break;
        case Algebra::kDifference:
            bits.subtract(other);
            break;
        }
        visit(key, bits);
    }
}

bool overlaps(const ListingSetView& a, const ListingSetView& b);
// Whether every ordinal of b is in a.
bool contains_all(const ListingSetView& a, const ListingSetView& b);

// Walks the ordinals of a set in ascending order.
class OrdinalCursor {
  public:
    explicit OrdinalCursor(const ListingSetView& set) : set_(set) {}
    // False when there is no further one.
    bool next(Ordinal* ordinal);

  private:
    ListingSetView set_;
    std::uint32_t index_ = 0;                  // the container after the one in bits_
    std::uint32_t place_ = kContainerOrdinals; // where to go on in bits_
    OrdinalBits bits_;
};

} // namespace availability

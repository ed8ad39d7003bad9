// A set of ordinals that grows, in a memory context: what input, casts and aggregates build a listing_set with.
#pragma once

#include "extension/search/listing_set_type.hpp"

namespace availability {

// All of it lives in the context that it was made in and goes with it.
class GrowingListingSet {
  public:
    explicit GrowingListingSet(MemoryContext context) : context_(context) {}

    void add(Ordinal ordinal);
    void add(Ordinal first, Ordinal last); // first <= last
    void unite(std::uint32_t key, const OrdinalBits& more);
    void unite(const ListingSetView& other);
    void unite(const GrowingListingSet& other);
    void intersect(const ListingSetView& other);
    void intersect(const GrowingListingSet& other);

    bool contains(Ordinal ordinal) const;
    std::uint64_t count() const;

    // A listing_set in the current memory context.
    Datum to_datum() const;

  private:
    // The ordinals with one key: all of them, a list in no order, perhaps with repetitions, or bits.
    struct Block {
        std::uint32_t key;
        bool full;
        uint16 used;
        uint16 room;
        uint16* places;
        OrdinalBits* bits;
    };

    Block& block(std::uint32_t key);
    const Block* find(std::uint32_t key) const;
    uint32 seek(std::uint32_t key) const;
    void add(Block* block, std::uint32_t place);
    OrdinalBits* bits_of(Block* block);
    static void load(const Block& block, OrdinalBits* bits);
    void assign(Block* block, const OrdinalBits& bits);

    MemoryContext context_;
    uint32 used_ = 0;
    uint32 room_ = 0;
    uint32 last_ = 0;         // the block that was found last
    Block* blocks_ = nullptr; // by key
};
static_assert(std::is_trivially_destructible_v<GrowingListingSet>);

} // namespace availability

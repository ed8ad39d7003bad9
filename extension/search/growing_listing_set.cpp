// A set of ordinals that grows, in a memory context.

#include "extension/search/growing_listing_set.hpp"

#include <algorithm>

extern "C" {
#include <miscadmin.h>
#include <utils/memutils.h>
}

namespace availability {

namespace {

// As many places as bits would take memory.
constexpr uint16 kMostPlaces = 4096;
constexpr uint16 kFewPlaces = 8;

} // namespace

uint32 GrowingListingSet::seek(std::uint32_t key) const {
    const Block* found = std::lower_bound(blocks_, blocks_ + used_, key,
                                          [](const Block& block, std::uint32_t k) { return block.key < k; });
    return static_cast<uint32>(found - blocks_);
}

const GrowingListingSet::Block* GrowingListingSet::find(std::uint32_t key) const {
    const uint32 index = seek(key);
    return index < used_ && blocks_[index].key == key ? &blocks_[index] : nullptr;
}

GrowingListingSet::Block& GrowingListingSet::block(std::uint32_t key) {
    if (last_ < used_ && blocks_[last_].key == key)
        return blocks_[last_];
    last_ = seek(key);
    if (last_ < used_ && blocks_[last_].key == key)
        return blocks_[last_];
    if (used_ == room_) {
        const uint32 room = std::max(2 * room_, 4u);
        auto* blocks = static_cast<Block*>(MemoryContextAlloc(context_, room * sizeof(Block)));
        std::copy_n(blocks_, used_, blocks);
        if (blocks_ != nullptr)
            pfree(blocks_);
        blocks_ = blocks;
        room_ = room;
    }
    std::copy_backward(blocks_ + last_, blocks_ + used_, blocks_ + used_ + 1);
    used_++;
    blocks_[last_] = {key, false, 0, 0, nullptr, nullptr};
    return blocks_[last_];
}

void GrowingListingSet::load(const Block& block, OrdinalBits* bits) {
    bits->clear();
    if (block.full)
        bits->add(0, kContainerOrdinals - 1);
    else if (block.bits != nullptr)
        *bits = *block.bits;
    else
        for (uint16 i = 0; i < block.used; i++)
            bits->add(block.places[i]);
}

OrdinalBits* GrowingListingSet::bits_of(Block* block) {
    if (block->bits != nullptr)
        return block->bits;
    auto* bits = static_cast<OrdinalBits*>(MemoryContextAlloc(context_, sizeof(OrdinalBits)));
    load(*block, bits);
    if (block->places != nullptr)
        pfree(block->places);
    *block = {block->key, false, 0, 0, nullptr, bits};
    return bits;
}

void GrowingListingSet::add(Block* block, std::uint32_t place) {
    if (block->full)
        return;
    if (block->bits == nullptr && block->used == block->room) {
        if (block->room == kMostPlaces) {
            bits_of(block)->add(place);
            return;
        }
        const uint16 room = block->room == 0 ? kFewPlaces : static_cast<uint16>(2 * block->room);
        auto* places = static_cast<uint16*>(MemoryContextAlloc(context_, room * sizeof(uint16)));
        std::copy_n(block->places, block->used, places);
        if (block->places != nullptr)
            pfree(block->places);
        block->places = places;
        block->room = room;
    }
    if (block->bits != nullptr)
        block->bits->add(place);
    else
        block->places[block->used++] = static_cast<uint16>(place);
}

void GrowingListingSet::add(Ordinal ordinal) {
    add(&block(key_of(ordinal)), ordinal % kContainerOrdinals);
}

void GrowingListingSet::add(Ordinal first, Ordinal last) {
    for (std::uint32_t key = key_of(first); key <= key_of(last); key++) {
        CHECK_FOR_INTERRUPTS();
        const std::uint32_t first_place = key == key_of(first) ? first % kContainerOrdinals : 0;
        const std::uint32_t last_place = key == key_of(last) ? last % kContainerOrdinals : kContainerOrdinals - 1;
        Block& of_key = block(key);
        if (last_place - first_place == kContainerOrdinals - 1) {
            if (of_key.bits != nullptr)
                pfree(of_key.bits);
            if (of_key.places != nullptr)
                pfree(of_key.places);
            of_key = {key, true, 0, 0, nullptr, nullptr};
        } else if (last_place - first_place < kFewPlaces) {
            for (std::uint32_t place = first_place; place <= last_place; place++)
                add(&of_key, place);
        } else if (!of_key.full) {
            bits_of(&of_key)->add(first_place, last_place);
        }
    }
}

// Few ordinals as a list, more as bits.
void GrowingListingSet::assign(Block* block, const OrdinalBits& bits) {
    const std::uint32_t count = bits.count();
    if (count > kMostPlaces / 4) {
        *bits_of(block) = bits;
        return;
    }
    if (block->bits != nullptr)
        pfree(block->bits);
    if (block->places != nullptr)
        pfree(block->places);
    *block = {block->key, false, 0, 0, nullptr, nullptr};
    for (std::uint32_t place = bits.next(0); place < kContainerOrdinals; place = bits.next(place + 1))
        add(block, place);
}

void GrowingListingSet::unite(std::uint32_t key, const OrdinalBits& more) {
    Block& of_key = block(key);
    OrdinalBits bits;
    load(of_key, &bits);
    bits.unite(more);
    assign(&of_key, bits);
}

void GrowingListingSet::unite(const ListingSetView& other) {
    OrdinalBits more;
    for (std::uint32_t index = 0; index < other.containers(); index++) {
        more.clear();
        other.add_to(index, &more);
        unite(other.key(index), more);
    }
}

void GrowingListingSet::unite(const GrowingListingSet& other) {
    OrdinalBits more;
    for (uint32 index = 0; index < other.used_; index++) {
        load(other.blocks_[index], &more);
        unite(other.blocks_[index].key, more);
    }
}

void GrowingListingSet::intersect(const ListingSetView& other) {
    OrdinalBits bits;
    OrdinalBits kept;
    for (uint32 index = 0; index < used_; index++) {
        load(blocks_[index], &bits);
        kept.clear();
        const std::uint32_t found = other.seek(blocks_[index].key);
        if (found < other.containers() && other.key(found) == blocks_[index].key)
            other.add_to(found, &kept);
        bits.intersect(kept);
        assign(&blocks_[index], bits);
    }
}

void GrowingListingSet::intersect(const GrowingListingSet& other) {
    OrdinalBits bits;
    OrdinalBits kept;
    for (uint32 index = 0; index < used_; index++) {
        load(blocks_[index], &bits);
        kept.clear();
        if (const Block* found = other.find(blocks_[index].key))
            load(*found, &kept);
        bits.intersect(kept);
        assign(&blocks_[index], bits);
    }
}

bool GrowingListingSet::contains(Ordinal ordinal) const {
    const Block* found = find(key_of(ordinal));
    const std::uint32_t place = ordinal % kContainerOrdinals;
    if (found == nullptr || found->full)
        return found != nullptr;
    if (found->bits != nullptr)
        return found->bits->contains(place);
    return std::find(found->places, found->places + found->used, place) != found->places + found->used;
}

std::uint64_t GrowingListingSet::count() const {
    std::uint64_t count = 0;
    OrdinalBits bits;
    for (uint32 index = 0; index < used_; index++) {
        load(blocks_[index], &bits);
        count += bits.count();
    }
    return count;
}

Datum GrowingListingSet::to_datum() const {
    return make_listing_set([this](auto visit) {
        OrdinalBits bits;
        for (uint32 index = 0; index < used_; index++) {
            load(blocks_[index], &bits);
            visit(blocks_[index].key, bits);
        }
    });
}

} // namespace availability

// The slots of one table in the order of their listings: numbers by value, then texts by their bytes.
//
// Blocks of slots, each sorted, as the leaves of a B+ tree are: a slot is put in by one search and one move of at most
// 2 kB, and costs 4 to 8 bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "relay/store.hpp"

namespace availability::reader {

// Whether a comes before b; no key is before all.
bool comes_before(const relay::Key& a, const relay::Key& b);

class KeyOrder {
  public:
    explicit KeyOrder(const relay::Store& store) : store_(&store) {}

    // A slot in use that is not in it.
    void insert(relay::Slot slot);
    // Takes out the slots of which `gone` says so; they are still in use.
    template <typename Gone>
    void remove(Gone gone) {
        std::vector<std::unique_ptr<Block>> kept;
        for (auto& block : blocks_) {
            std::uint32_t size = 0;
            for (std::uint32_t i = 0; i < block->size; ++i)
                if (!gone(block->slots[i]))
                    block->slots[size++] = block->slots[i];
            block->size = size;
            if (size > 0)
                kept.push_back(std::move(block));
        }
        blocks_ = std::move(kept);
    }
    // Calls visit(slot) for the slots whose listings come after `after`, in order, until it returns false.
    template <typename Visit>
    void walk(const relay::Key& after, Visit visit) const {
        if (blocks_.empty())
            return;
        std::size_t number = block_of(after);
        std::uint32_t i = place_in(*blocks_[number], after, true);
        for (; number < blocks_.size(); ++number, i = 0)
            for (; i < blocks_[number]->size; ++i)
                if (!visit(blocks_[number]->slots[i]))
                    return;
    }
    std::size_t bytes() const { return blocks_.size() * (sizeof(Block) + sizeof(blocks_[0])); }

  private:
    static constexpr std::uint32_t kSlots = 511;
    struct Block {
        std::uint32_t size = 0;
        relay::Slot slots[kSlots];
    };

    relay::Key key_of(relay::Slot slot) const { return store_->get(slot).listing; }
    // The last block that does not begin after the key, or the first.
    std::size_t block_of(const relay::Key& key) const;
    // The first place in a block whose key is not before `key`; with `after`, comes after it.
    std::uint32_t place_in(const Block& block, const relay::Key& key, bool after) const;

    const relay::Store* store_;
    std::vector<std::unique_ptr<Block>> blocks_;
};

} // namespace availability::reader

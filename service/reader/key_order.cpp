#include "service/reader/key_order.hpp"

#include <algorithm>

namespace availability::reader {

using relay::Key;
using relay::Slot;

bool comes_before(const Key& a, const Key& b) {
    if (a.kind != b.kind)
        return a.kind < b.kind;
    return a.kind == Key::Kind::kNumber ? a.number < b.number : a.text < b.text;
}

std::size_t KeyOrder::block_of(const Key& key) const {
    const auto after =
        std::upper_bound(blocks_.begin(), blocks_.end(), key, [this](const Key& value, const auto& block) {
            return comes_before(value, key_of(block->slots[0]));
        });
    return after == blocks_.begin() ? 0 : static_cast<std::size_t>(after - blocks_.begin()) - 1;
}

std::uint32_t KeyOrder::place_in(const Block& block, const Key& key, bool after) const {
    const auto place = std::partition_point(block.slots, block.slots + block.size, [&](Slot slot) {
        return after ? !comes_before(key, key_of(slot)) : comes_before(key_of(slot), key);
    });
    return static_cast<std::uint32_t>(place - block.slots);
}

void KeyOrder::insert(Slot slot) {
    const Key key = key_of(slot);
    if (blocks_.empty())
        blocks_.push_back(std::make_unique<Block>());
    // What comes in order needs no search, and leaves full blocks behind.
    Block& last = *blocks_.back();
    if (last.size == 0 || comes_before(key_of(last.slots[last.size - 1]), key)) {
        if (last.size == kSlots)
            blocks_.push_back(std::make_unique<Block>());
        Block& end = *blocks_.back();
        end.slots[end.size++] = slot;
        return;
    }
    const std::size_t number = block_of(key);
    Block* block = blocks_[number].get();
    if (block->size == kSlots) {
        auto upper = std::make_unique<Block>();
        const std::uint32_t half = kSlots / 2;
        upper->size = kSlots - half;
        std::copy(block->slots + half, block->slots + kSlots, upper->slots);
        block->size = half;
        Block* const other = upper.get();
        blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(number) + 1, std::move(upper));
        if (!comes_before(key, key_of(other->slots[0])))
            block = other;
    }
    const std::uint32_t place = place_in(*block, key, false);
    std::copy_backward(block->slots + place, block->slots + block->size, block->slots + block->size + 1);
    block->slots[place] = slot;
    ++block->size;
}

} // namespace availability::reader

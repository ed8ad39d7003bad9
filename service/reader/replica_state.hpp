// What a Replica holds; for replica.cpp, which changes it, and replica_search.cpp, which searches it.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "relay/store.hpp"
#include "service/reader/day_sets.hpp"
#include "service/reader/key_order.hpp"
#include "service/reader/replica.hpp"

namespace availability::reader {

// All of it is under the replica's lock. The writer, being the only one that changes anything, reads it without.
struct Replica::Impl {
    Impl(std::size_t table_count, ReplicaOptions replica_options)
        : tables(table_count), options(replica_options), unknown(table_count) {
        for (std::size_t i = 0; i < table_count; ++i)
            orders.emplace_back(store);
    }

    // 65,536 slots.
    struct Block {
        std::vector<std::unique_ptr<OrdinalBits>> live; // of each table: the slots of listings that there are
        std::unique_ptr<DaySets> days;                  // null until they have been made
    };
    // The sets of a block while they are being made: the bits of the slots before `next`, then from these the sets of
    // the days before `next_day`. What changes meanwhile changes in both.
    struct Building {
        std::size_t block = 0;
        relay::Slot next = 0;
        DaySpan window = {0, 0};
        std::vector<OrdinalBits> bits; // of each day of the window
        std::unique_ptr<DaySets> days; // null until all slots are done
        Day next_day = 0;
    };

    Block& block_of(relay::Slot slot) {
        if (blocks.size() <= slot / kBlockSlots)
            blocks.resize(slot / kBlockSlots + 1);
        return blocks[slot / kBlockSlots];
    }
    relay::Slot end_of_block(std::size_t block) const {
        return std::min(store.end(), static_cast<relay::Slot>(block + 1) * kBlockSlots);
    }

    std::size_t tables;
    ReplicaOptions options;
    relay::Store store;
    std::vector<Block> blocks;
    std::vector<std::unordered_set<relay::Slot>> unknown; // of each table
    std::vector<KeyOrder> orders;                         // of each table, of the slots before `ordered`
    relay::Slot ordered = 0;
    std::uint64_t generation = 0; // changes when a slot may be another listing's
    bool loading = false;
    bool loaded = false; // once

    // The writer's alone.
    std::unique_ptr<Building> building;
    std::string before; // a calendar before its change

    // --- replica.cpp, the writer ---------------------------------------------------------------------------------

    // Before a change of it.
    void remember(const Listing& listing);
    // The lock is held. A slot's calendar was `before`, and is what the store has now.
    void changed(relay::Slot slot, std::string_view calendar_before);
    void set_live(relay::Slot slot, const relay::Calendar& calendar);
    void forget_tombstones();
    bool order_some(SharedLock& lock);
    bool build_some(SharedLock& lock, DaySpan window);
    void advance(SharedLock& lock, Block& block, std::size_t number, Day day);

    // --- replica_search.cpp --------------------------------------------------------------------------------------

    struct Search;
};

} // namespace availability::reader

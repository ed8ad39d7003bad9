// Which node of a Redis Cluster has which slots.
#pragma once

#include <cstdint>
#include <vector>

#include "relay/redis/endpoint.hpp"
#include "relay/redis/hash_slot.hpp"
#include "relay/redis/reply.hpp"

namespace availability::relay::redis {

struct SlotRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0; // inclusive
    Endpoint master;
};

// Reads the answer to CLUSTER SLOTS, of which nothing is believed. A node without a name of its own is the one that was
// asked. False if it is no such answer.
bool read_slots(const Reply& reply, const Endpoint& asked, std::vector<SlotRange>* ranges);

} // namespace availability::relay::redis

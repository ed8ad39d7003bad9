#include "relay/redis/slot_map.hpp"

namespace availability::relay::redis {

namespace {

bool is_slot(const Reply& reply) {
    return reply.type == Reply::Type::kInteger && reply.integer >= 0 && reply.integer < kSlots;
}

// [first, last, [host, port, id, …], replicas…]
bool read_range(const Reply& reply, const Endpoint& asked, SlotRange* range) {
    if (reply.elements.size() < 3 || !is_slot(reply.elements[0]) || !is_slot(reply.elements[1]))
        return false;
    const Reply& master = reply.elements[2];
    if (master.elements.size() < 2 || master.elements[1].type != Reply::Type::kInteger)
        return false;
    const std::string& host = master.elements[0].text;
    const std::int64_t port = master.elements[1].integer;
    if (port < 1 || port > 65535)
        return false;
    range->first = static_cast<std::uint16_t>(reply.elements[0].integer);
    range->last = static_cast<std::uint16_t>(reply.elements[1].integer);
    range->master = {host.empty() || host == "?" ? asked.host : host, static_cast<std::uint16_t>(port)};
    return range->first <= range->last;
}

} // namespace

bool read_slots(const Reply& reply, const Endpoint& asked, std::vector<SlotRange>* ranges) {
    ranges->clear();
    if (reply.type != Reply::Type::kArray)
        return false;
    for (const Reply& element : reply.elements) {
        SlotRange range;
        if (!read_range(element, asked, &range))
            return false;
        ranges->push_back(range);
    }
    return true;
}

} // namespace availability::relay::redis

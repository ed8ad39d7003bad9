// Fuzz target: what a Redis, or somebody in its place, answers. The first byte says in which pieces it comes.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "relay/redis/error_reply.hpp"
#include "relay/redis/identity.hpp"
#include "relay/redis/reply.hpp"
#include "relay/redis/slot_map.hpp"
#include "test/core/fuzz.hpp"

using namespace availability::relay::redis;

namespace {

bool equal(const Reply& a, const Reply& b) {
    return a.type == b.type && a.integer == b.integer && a.text == b.text &&
           std::equal(a.elements.begin(), a.elements.end(), b.elements.begin(), b.elements.end(), equal);
}

std::vector<Reply> read(std::string_view bytes, std::size_t piece, bool* broken) {
    ReplyReader reader;
    std::vector<Reply> replies;
    while (!bytes.empty()) {
        const std::size_t size = std::min(piece, bytes.size());
        reader.feed(bytes.data(), size);
        bytes.remove_prefix(size);
        while (const Reply* reply = reader.next())
            replies.push_back(*reply);
    }
    *broken = !reader.problem().empty();
    return replies;
}

// Nothing that is read from an answer is outside its range.
const char* examine_reply(const Reply& reply) {
    const ErrorReply error = read_error(reply.text);
    if (error.slot >= kSlots)
        return "a slot that there is not";
    if ((error.kind == ErrorKind::kMoved || error.kind == ErrorKind::kAsk) && error.endpoint.port == 0)
        return "a redirection to no port";
    Identity identity;
    read_info(reply.text, &identity);
    std::vector<SlotRange> ranges;
    if (read_slots(reply, {"asked", 1}, &ranges))
        for (const SlotRange& range : ranges)
            if (range.first > range.last || range.last >= kSlots || range.master.port == 0)
                return "a range that there is not";
    return nullptr;
}

} // namespace

const char* examine(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return nullptr;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    bool broken = false;
    bool broken_in_pieces = false;
    const std::vector<Reply> whole = read(bytes, SIZE_MAX, &broken);
    const std::vector<Reply> pieces = read(bytes, 1 + data[0] % 32, &broken_in_pieces);
    if (broken != broken_in_pieces || !std::equal(whole.begin(), whole.end(), pieces.begin(), pieces.end(), equal))
        return "what is read depends on the pieces";
    for (const Reply& reply : whole)
        if (const char* problem = examine_reply(reply))
            return problem;
    return nullptr;
}

// Fuzz target: what a subscriber reads: snapshots and streams, whole and in pieces; and positions.

#include <string>

#include "relay/wire.hpp"
#include "test/core/fuzz.hpp"

using namespace availability;

namespace {

// What the items of the bytes say, however they come.
template <typename Reader>
std::string items_of(std::string_view bytes, std::size_t piece) {
    Reader reader;
    std::string said;
    while (true) {
        const auto item = reader.next();
        if (item == Reader::Item::kMore) {
            if (bytes.empty())
                return said;
            reader.feed(bytes.substr(0, piece));
            bytes.remove_prefix(std::min(piece, bytes.size()));
            continue;
        }
        said += static_cast<char>('a' + static_cast<int>(item));
        if (item == Reader::Item::kBroken || item == Reader::Item::kEnd)
            return said;
    }
}

} // namespace

const char* examine(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    // A snapshot ends where the bytes do, so pieces may show an end that the whole does not.
    std::string whole = items_of<wire::SnapshotReader>(bytes, size + 1);
    std::string pieces = items_of<wire::SnapshotReader>(bytes, 7);
    if (whole.substr(0, whole.size() - !whole.empty()) != pieces.substr(0, whole.size() - !whole.empty()))
        return "a snapshot in pieces says something else";
    if (items_of<wire::FrameReader>(bytes, size + 1) != items_of<wire::FrameReader>(bytes, 3))
        return "a stream in pieces says something else";
    if (const auto from = wire::parse_from(bytes)) {
        const auto again = wire::parse_from(wire::format_from(*from));
        if (!again || again->epoch != from->epoch || !(again->position == from->position))
            return "a position that is written is read as another";
    }
    return nullptr;
}

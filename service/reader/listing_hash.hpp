// One hash of a listing for all that the reader keeps by it, and for the canary's share: the same in every process.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "service/reader/answer.hpp"

namespace availability::reader {

// The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
inline std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

inline std::uint64_t hash_of(const Listing& listing) {
    const bool is_text = listing.key.kind == Key::Kind::kText;
    std::uint64_t hash = 0x9e3779b97f4a7c15 * (std::uint64_t{listing.table} * 2 + is_text + 1);
    if (!is_text)
        return mix(hash + static_cast<std::uint64_t>(listing.key.number));
    for (std::string_view rest = listing.key.text; !rest.empty();) {
        std::uint64_t word = 0;
        const std::size_t size = rest.size() < sizeof(word) ? rest.size() : sizeof(word);
        std::memcpy(&word, rest.data(), size);
        hash = mix(hash + word);
        rest.remove_prefix(size);
    }
    return mix(hash + listing.key.text.size());
}

inline bool same(const Listing& a, const Listing& b) {
    return a.table == b.table && a.key == b.key;
}

} // namespace availability::reader

// How long to wait before the next try: doubled with each, up to an end, and between a half and the whole of it by
// chance, so that those who failed together don't come again together.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace availability::relay::redis {

inline std::uint64_t random_bits() {
    static thread_local std::mt19937_64 engine{std::random_device{}()};
    return engine();
}

inline std::chrono::milliseconds backoff(unsigned tries, std::chrono::milliseconds first,
                                         std::chrono::milliseconds longest) {
    const auto whole = std::min<std::int64_t>(first.count() << std::min(tries, 20U), longest.count());
    const auto half = whole / 2;
    return std::chrono::milliseconds(
        half + static_cast<std::int64_t>(random_bits() % static_cast<std::uint64_t>(whole - half + 1)));
}

} // namespace availability::relay::redis

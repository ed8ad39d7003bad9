// Which mode a listing is read in: a routing that any thread may ask while the loop's sets another.
#pragma once

#include <atomic>
#include <cstdint>

#include "service/reader/reader.hpp"

namespace availability::reader {

class Route {
  public:
    void set(const Routing& routing) {
        const double share = routing.canary_share > 0 ? (routing.canary_share < 1 ? routing.canary_share : 1) : 0;
        const auto bar = static_cast<std::uint64_t>(share * kWhole);
        packed_.store(bar << 32 | static_cast<std::uint64_t>(routing.mode) |
                          static_cast<std::uint64_t>(routing.canary) << 8 | std::uint64_t{routing.kill_switch} << 16,
                      std::memory_order_relaxed);
    }
    // Of a listing's hash: the canary's share is the listings with the smallest ones, so that a greater share has all
    // of a smaller one.
    Mode of(std::uint64_t hash) const {
        const std::uint64_t packed = packed_.load(std::memory_order_relaxed);
        if ((packed >> 16 & 1) != 0)
            return Mode::kDatabase;
        return static_cast<Mode>((hash >> 33 < packed >> 32 ? packed >> 8 : packed) & 0xff);
    }
    // For what asks for many listings.
    Mode of_all() const {
        const std::uint64_t packed = packed_.load(std::memory_order_relaxed);
        return (packed >> 16 & 1) != 0 ? Mode::kDatabase : static_cast<Mode>(packed & 0xff);
    }

  private:
    static constexpr std::uint64_t kWhole = std::uint64_t{1} << 31;
    std::atomic<std::uint64_t> packed_{0};
};

} // namespace availability::reader

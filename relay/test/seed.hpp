// The seed of random tests: SEED of the environment, else of the clock; printed, so that a failure can be had again.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace test {

inline std::uint64_t seed() {
    static const std::uint64_t value = [] {
        const char* text = std::getenv("SEED");
        const std::uint64_t chosen =
            text != nullptr && *text != '\0'
                ? std::strtoull(text, nullptr, 10)
                : static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()) % 1000000;
        std::printf("# SEED=%llu\n", static_cast<unsigned long long>(chosen));
        return chosen;
    }();
    return value;
}

} // namespace test

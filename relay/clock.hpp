// The time, in microseconds since 1970.
#pragma once

#include <chrono>
#include <cstdint>

namespace availability::relay {

inline std::int64_t now_us() {
    using namespace std::chrono;
    return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

} // namespace availability::relay

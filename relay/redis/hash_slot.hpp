// Which slot of a Redis Cluster a key lies in. Source: Redis cluster specification, "Key distribution model".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace availability::relay::redis {

inline constexpr int kSlots = 16384;

// The hash tag is what stands between the first '{' and the first '}' after it, unless that is nothing.
std::uint16_t slot_of(std::string_view key);

// A short tag whose keys lie in a slot: always the same, so that writer and readers name the same key.
std::string tag_of_slot(std::uint16_t slot);

} // namespace availability::relay::redis

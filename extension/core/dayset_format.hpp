// The stored bytes of a day set, in numbers. Their layout is described in dayset_view.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace availability {

inline constexpr std::uint32_t kPlainCookie = 12346;
inline constexpr std::uint32_t kRunCookie = 12347; // upper 16 bits: containers less 1

// Plain cookie, number of containers; in a set that is not empty then key, cardinality less 1,
// offset of the container.
inline constexpr std::size_t kEmptySize = 8;
inline constexpr std::size_t kPlainHeaderSize = 16;
// Run cookie, run flag, key, cardinality less 1. A run container begins with the number of runs.
inline constexpr std::size_t kRunHeaderSize = 9;
inline constexpr std::size_t kRunCountSize = 2;

inline constexpr std::uint32_t kMaxArrayDays = 4096; // with more, the container is a bitset
inline constexpr std::uint32_t kBitsetWords = 1024;
inline constexpr std::size_t kBitsetSize = 8 * kBitsetWords;

// Whether the canonical container of so many days in so many maximal runs is a run container.
constexpr bool prefers_runs(std::uint32_t days, std::uint32_t runs) {
    const std::size_t other_size = days <= kMaxArrayDays ? 2 * std::size_t{days} : kBitsetSize;
    return kRunCountSize + 4 * std::size_t{runs} <= other_size;
}

// Little-endian loads and stores, whatever the alignment and the host; compilers make each of them
// one instruction.
inline std::uint32_t load16(const std::uint8_t* bytes) {
    return static_cast<std::uint32_t>(bytes[0] | bytes[1] << 8);
}

inline std::uint32_t load32(const std::uint8_t* bytes) {
    return load16(bytes) | load16(bytes + 2) << 16;
}

inline std::uint64_t load64(const std::uint8_t* bytes) {
    return load32(bytes) | static_cast<std::uint64_t>(load32(bytes + 4)) << 32;
}

inline void store16(std::uint8_t* bytes, std::uint32_t value) {
    bytes[0] = static_cast<std::uint8_t>(value);
    bytes[1] = static_cast<std::uint8_t>(value >> 8);
}

inline void store32(std::uint8_t* bytes, std::uint32_t value) {
    store16(bytes, value);
    store16(bytes + 2, value >> 16);
}

} // namespace availability

#include "relay/redis/hash_slot.hpp"

#include <array>
#include <vector>

namespace availability::relay::redis {

namespace {

// CRC-16/XMODEM: polynomial 0x1021, nothing reflected, from 0.
constexpr std::array<std::uint16_t, 256> crc_table() {
    std::array<std::uint16_t, 256> table{};
    for (unsigned byte = 0; byte < 256; byte++) {
        unsigned crc = byte << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000U) != 0 ? crc << 1 ^ 0x1021U : crc << 1;
        table[byte] = static_cast<std::uint16_t>(crc);
    }
    return table;
}

constexpr std::array<std::uint16_t, 256> kCrcTable = crc_table();

std::uint16_t crc16(std::string_view bytes) {
    unsigned crc = 0;
    for (const char byte : bytes)
        crc = (crc << 8 ^ kCrcTable[(crc >> 8 ^ static_cast<unsigned char>(byte)) & 0xFFU]) & 0xFFFFU;
    return static_cast<std::uint16_t>(crc);
}

// The least number, in decimal, of each slot.
std::vector<std::uint32_t> slot_tags() {
    constexpr std::uint32_t kNone = UINT32_MAX;
    std::vector<std::uint32_t> tags(kSlots, kNone);
    int missing = kSlots;
    for (std::uint32_t number = 0; missing > 0; number++) {
        std::uint32_t& tag = tags[crc16(std::to_string(number)) % kSlots];
        missing -= tag == kNone;
        if (tag == kNone)
            tag = number;
    }
    return tags;
}

} // namespace

std::uint16_t slot_of(std::string_view key) {
    const std::size_t open = key.find('{');
    if (open != std::string_view::npos) {
        const std::size_t close = key.find('}', open + 1);
        if (close != std::string_view::npos && close > open + 1)
            key = key.substr(open + 1, close - open - 1);
    }
    return crc16(key) % kSlots;
}

std::string tag_of_slot(std::uint16_t slot) {
    static const std::vector<std::uint32_t> kTags = slot_tags();
    return std::to_string(kTags[slot % kSlots]);
}

} // namespace availability::relay::redis

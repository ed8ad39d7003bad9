// Positions in the WAL as text.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace availability::relay {

inline std::string format_lsn(std::uint64_t lsn) {
    return fmt::format("{:X}/{:X}", lsn >> 32, lsn & 0xffffffff);
}

// False if the text is none.
inline bool parse_lsn(std::string_view text, std::uint64_t* lsn) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos)
        return false;
    std::uint32_t high = 0;
    std::uint32_t low = 0;
    const auto first = std::from_chars(text.data(), text.data() + slash, high, 16);
    const auto second = std::from_chars(text.data() + slash + 1, text.data() + text.size(), low, 16);
    if (first.ec != std::errc() || first.ptr != text.data() + slash || second.ec != std::errc() ||
        second.ptr != text.data() + text.size())
        return false;
    *lsn = std::uint64_t{high} << 32 | low;
    return true;
}

} // namespace availability::relay

#include "service/reader/routing.hpp"

namespace availability::reader {

namespace {

constexpr std::string_view kModes[] = {"replica", "near", "redis", "database"};

} // namespace

std::string_view word_of(Mode mode) {
    return kModes[static_cast<std::size_t>(mode)];
}

bool parse_mode(std::string_view word, Mode* mode) {
    for (std::size_t i = 0; i < std::size(kModes); ++i)
        if (word == kModes[i]) {
            *mode = static_cast<Mode>(i);
            return true;
        }
    return false;
}

} // namespace availability::reader

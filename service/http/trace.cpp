#include "service/http/trace.hpp"

#include <cstdint>
#include <random>

namespace availability::service {

namespace {

constexpr std::size_t kSize = 55;

bool is_hex(std::string_view text, bool may_be_zero) {
    bool zero = true;
    for (const char c : text) {
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        zero &= c == '0';
    }
    return may_be_zero || !zero;
}

// Not to be guessed at does not matter here; not to come twice does.
void append_random_hex(int words, std::string* out) {
    static thread_local std::mt19937_64 generator = [] {
        std::random_device device;
        std::seed_seq seed{device(), device(), device(), device(), device(), device()};
        return std::mt19937_64(seed);
    }();
    static constexpr char kDigits[] = "0123456789abcdef";
    for (int i = 0; i < words; ++i) {
        const std::uint64_t word = generator() | 1; // never all zero
        for (int shift = 60; shift >= 0; shift -= 4)
            out->push_back(kDigits[word >> shift & 15]);
    }
}

} // namespace

bool is_traceparent(std::string_view text) {
    if (text.size() < kSize || text[2] != '-' || text[35] != '-' || text[52] != '-')
        return false;
    const std::string_view version = text.substr(0, 2);
    if (!is_hex(version, true) || version == "ff" ||
        (version == "00" ? text.size() != kSize : text.size() > kSize && text[kSize] != '-'))
        return false;
    return is_hex(text.substr(3, 32), false) && is_hex(text.substr(36, 16), false) && is_hex(text.substr(53, 2), true);
}

std::string continue_trace(std::string_view traceparent, bool sampled) {
    const bool goes_on = is_traceparent(traceparent);
    std::string out = "00-";
    out.reserve(kSize);
    if (goes_on)
        out.append(traceparent.substr(3, 32));
    else
        append_random_hex(2, &out);
    out.push_back('-');
    append_random_hex(1, &out);
    out.push_back('-');
    // Of the flags, "sampled" alone is ours to pass on.
    const bool flag =
        goes_on ? (traceparent[54] >= 'a' ? traceparent[54] - 'a' + 10 : traceparent[54] - '0') & 1 : sampled;
    out.append(flag ? "01" : "00");
    return out;
}

} // namespace availability::service

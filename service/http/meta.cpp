#include "service/http/meta.hpp"

#include <algorithm>
#include <chrono>

#include "service/http/response.hpp"

namespace availability::service {

std::int64_t wall_microseconds() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::int64_t age_ms(std::int64_t as_of) {
    return std::max<std::int64_t>(0, (wall_microseconds() - as_of) / 1000);
}

void append_meta(reader::Source source, std::int64_t as_of, bool stale, std::string* out) {
    out->append(",\"source\":\"").append(reader::word_of(source)).append("\",\"as_of\":");
    append_time(as_of, out);
    out->append(",\"age_ms\":");
    if (as_of > 0)
        append_number(age_ms(as_of), out);
    else
        out->append("null");
    out->append(stale ? ",\"stale\":true" : ",\"stale\":false");
}

void append_listing(std::string_view listing, bool is_text, std::string* out) {
    if (is_text) {
        append_string(listing, out);
        return;
    }
    // As a number is written, not as it was asked for: 007 is 7.
    const bool negative = !listing.empty() && listing[0] == '-';
    std::string_view digits = listing.substr(negative ? 1 : 0);
    digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size() - 1));
    if (negative && digits != "0")
        out->push_back('-');
    out->append(digits);
}

} // namespace availability::service

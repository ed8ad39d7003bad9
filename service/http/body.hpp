// What a request's body says: one JSON object, whose members are known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace availability::service {

struct Body {
    std::string listing; // a string or a whole number
    bool has_listing = false;
    std::vector<std::string> listings;
    bool has_listings = false;
    std::string check_in, check_out;
    std::optional<std::int64_t> ttl_seconds;
    // The object as it was written: numbers keep all their digits.
    std::optional<std::string> attributes;
};

// Whether a Content-Type is that of JSON.
bool is_json(std::string_view content_type);

// Returns what is wrong, empty if nothing is. `members`: those that may be there, with a blank around each.
std::string parse_body(std::string_view text, std::string_view members, Body* body);

} // namespace availability::service

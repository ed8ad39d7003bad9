// What every answer says of itself.
#pragma once

#include <string>
#include <string_view>

#include "service/reader/answer.hpp"

namespace availability::service {

// Microseconds since 1970, of this machine's clock.
std::int64_t wall_microseconds();
// Milliseconds since as_of, at least 0.
std::int64_t age_ms(std::int64_t as_of);

// Appends ,"source":…,"as_of":…,"age_ms":…,"stale":…
void append_meta(reader::Source source, std::int64_t as_of, bool stale, std::string* out);
// A listing as JSON: a number, or a string.
void append_listing(std::string_view listing, bool is_text, std::string* out);

} // namespace availability::service

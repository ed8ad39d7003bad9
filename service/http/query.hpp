// What stands in a target: the parts of its path and the parameters of its query, decoded; and the values that the API
// takes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "extension/core/day.hpp"

namespace availability::service {

// Decodes %XX; with `plus`, a + is a space. False if an escape is malformed or the text is no UTF-8, or has a NUL.
bool decode(std::string_view text, bool plus, std::string* out);

// The target of a request, cut at its first question mark and its slashes. Views are of the target.
struct Target {
    static constexpr std::size_t kMaxSegments = 8;
    std::array<std::string_view, kMaxSegments> segments; // as they came
    std::size_t count = 0;                               // more than there may be: kMaxSegments + 1
    std::string_view query;
};
// False unless it begins with a slash.
bool parse_target(std::string_view target, Target* out);

// The parameters of a query. Each may stand once.
class Query {
  public:
    static constexpr std::size_t kMaxParameters = 16;

    // Returns nullptr, or what is wrong. `text` must outlive the object's use.
    const char* parse(std::string_view text);
    // The value, decoded; valid until the next parse(). What was asked for counts as known.
    std::optional<std::string_view> get(std::string_view name);
    // A parameter that nobody asked for; empty if there is none.
    std::string_view unknown() const;

  private:
    struct Parameter {
        std::string_view name;
        std::string value;
        bool known = false;
    };
    std::array<Parameter, kMaxParameters> parameters_;
    std::size_t count_ = 0;
};

// yyyy-mm-dd, a day that exists; also outside of the supported days.
std::optional<Day> parse_date(std::string_view text);
// yyyy-mm of the supported days, as its number since January 1970.
std::optional<int> parse_month(std::string_view text);
// Decimal digits, perhaps with a minus, and nothing else.
std::optional<std::int64_t> parse_integer(std::string_view text);

} // namespace availability::service

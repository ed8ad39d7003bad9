#include "service/http/body.hpp"

#include <nlohmann/json.hpp>

namespace availability::service {

namespace {

using nlohmann::json;

// A text of JSON that has been found valid, walked at its outermost level.
class Scanner {
  public:
    explicit Scanner(std::string_view text) : text_(text) {}

    // The value of a member as it is written; empty if there is none of that name, written so.
    std::string_view member(std::string_view name) {
        at_ = text_.find('{') + 1;
        std::string_view found;
        while (skip_space() != '}') {
            const std::string_view key = value();
            skip_space(); // the colon
            ++at_;
            skip_space();
            const std::string_view text = value();
            if (key.size() == name.size() + 2 && key.substr(1, name.size()) == name)
                found = text;
            if (skip_space() == ',')
                ++at_;
        }
        return found;
    }

  private:
    char skip_space() {
        at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
        return at_ < text_.size() ? text_[at_] : '}';
    }
    std::string_view value() {
        const std::size_t begin = at_;
        int depth = 0;
        do {
            const char c = text_[at_];
            if (c == '"')
                skip_string();
            else if (c == '{' || c == '[')
                ++depth, ++at_;
            else if (c == '}' || c == ']')
                --depth, ++at_;
            else if (depth > 0)
                ++at_;
            else
                at_ = std::min(text_.find_first_of(",}] \t\r\n", at_), text_.size());
        } while (depth > 0 && at_ < text_.size());
        return text_.substr(begin, at_ - begin);
    }
    void skip_string() {
        for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_)
            at_ += text_[at_] == '\\';
        ++at_;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

bool take_listing(const json& value, std::string* listing) {
    if (value.is_string())
        *listing = value.get<std::string>();
    else if (value.is_number_unsigned())
        *listing = std::to_string(value.get<std::uint64_t>());
    else if (value.is_number_integer())
        *listing = std::to_string(value.get<std::int64_t>());
    else
        return false;
    return listing->find('\0') == std::string::npos;
}

std::string take_member(const std::string& name, const json& value, Body* body) {
    if (name == "listing") {
        body->has_listing = take_listing(value, &body->listing);
        return body->has_listing ? "" : "listing must be a string or a whole number";
    }
    if (name == "listings") {
        body->has_listings = value.is_array();
        for (const json& element : value)
            if (std::string listing; body->has_listings && take_listing(element, &listing))
                body->listings.push_back(std::move(listing));
            else
                body->has_listings = false;
        return body->has_listings ? "" : "listings must be a list of strings or whole numbers";
    }
    if (name == "ttl_seconds") {
        if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX))
            return "ttl_seconds must be a whole number";
        body->ttl_seconds = value.get<std::int64_t>();
        return {};
    }
    if (name == "attributes")
        return value.is_object() ? "" : "attributes must be an object";
    if (!value.is_string())
        return name + " must be a date, as a string";
    (name == "check_in" ? body->check_in : body->check_out) = value.get<std::string>();
    return {};
}

} // namespace

bool is_json(std::string_view content_type) {
    constexpr std::string_view kJson = "application/json";
    for (std::size_t i = 0; i < kJson.size(); ++i)
        if (i == content_type.size() || (content_type[i] | 0x20) != (kJson[i] | 0x20))
            return false;
    return content_type.size() == kJson.size() || content_type[kJson.size()] == ';' ||
           content_type[kJson.size()] == ' ';
}

std::string parse_body(std::string_view text, std::string_view members, Body* body) {
    const json document = json::parse(text.begin(), text.end(), nullptr, false);
    if (document.is_discarded() || !document.is_object())
        return "the body must be a JSON object";
    for (const auto& [name, value] : document.items()) {
        if (name.empty() || name.find(' ') != std::string::npos ||
            members.find(" " + name + " ") == std::string_view::npos)
            return "the body has a member that is not known here";
        if (std::string error = take_member(name, value, body); !error.empty())
            return error;
    }
    if (document.contains("attributes")) {
        const std::string_view raw = Scanner(text).member("attributes");
        if (raw.empty() || raw.front() != '{')
            return "the name of the member attributes must be written without escapes, once";
        body->attributes = std::string(raw);
    }
    return {};
}

} // namespace availability::service

#include "service/http/query.hpp"

#include <charconv>

#include "relay/layout.hpp"

namespace availability::service {

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool is_continuation(unsigned char c) {
    return (c & 0xC0) == 0x80;
}

// UTF-8 of RFC 3629, without NUL: what the server takes for text.
bool is_text(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size();) {
        const auto at = [&](std::size_t k) -> unsigned char {
            return i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0;
        };
        const unsigned char first = at(0);
        std::size_t size = 1;
        if (first == 0)
            return false;
        if (first >= 0x80) {
            if (first < 0xC2 || first > 0xF4)
                return false;
            size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
            for (std::size_t k = 1; k < size; ++k)
                if (!is_continuation(at(k)))
                    return false;
            if ((first == 0xE0 && at(1) < 0xA0) || (first == 0xED && at(1) > 0x9F) || (first == 0xF0 && at(1) < 0x90) ||
                (first == 0xF4 && at(1) > 0x8F))
                return false;
        }
        i += size;
    }
    return true;
}

bool parse_digits(std::string_view text, int* value) {
    *value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9')
            return false;
        *value = *value * 10 + (c - '0');
    }
    return true;
}

} // namespace

bool decode(std::string_view text, bool plus, std::string* out) {
    out->clear();
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
            const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0)
                return false;
            out->push_back(static_cast<char>(high * 16 + low));
            i += 2;
        } else {
            out->push_back(plus && text[i] == '+' ? ' ' : text[i]);
        }
    }
    return is_text(*out);
}

bool parse_target(std::string_view target, Target* out) {
    out->count = 0;
    const std::size_t question = target.find('?');
    out->query = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
    std::string_view path = target.substr(0, question);
    if (path.empty() || path[0] != '/')
        return false;
    path.remove_prefix(1);
    while (true) {
        const std::size_t slash = path.find('/');
        if (out->count == Target::kMaxSegments) {
            ++out->count;
            return true;
        }
        out->segments[out->count++] = path.substr(0, slash);
        if (slash == std::string_view::npos)
            return true;
        path.remove_prefix(slash + 1);
    }
}

const char* Query::parse(std::string_view text) {
    count_ = 0;
    while (!text.empty()) {
        const std::size_t end = text.find('&');
        const std::string_view pair = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        if (pair.empty())
            continue;
        if (count_ == kMaxParameters)
            return "the query has too many parameters";
        const std::size_t equals = pair.find('=');
        Parameter& parameter = parameters_[count_];
        parameter.name = pair.substr(0, equals);
        parameter.known = false;
        const std::string_view value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
        if (!decode(value, true, &parameter.value))
            return "the query has an escape that is none, or bytes that are no UTF-8";
        for (std::size_t i = 0; i < count_; ++i)
            if (parameters_[i].name == parameter.name)
                return "a parameter of the query stands twice";
        ++count_;
    }
    return nullptr;
}

std::optional<std::string_view> Query::get(std::string_view name) {
    for (std::size_t i = 0; i < count_; ++i)
        if (parameters_[i].name == name) {
            parameters_[i].known = true;
            return std::string_view(parameters_[i].value);
        }
    return std::nullopt;
}

std::string_view Query::unknown() const {
    for (std::size_t i = 0; i < count_; ++i)
        if (!parameters_[i].known)
            return parameters_[i].name.empty() ? std::string_view("=") : parameters_[i].name;
    return {};
}

std::optional<Day> parse_date(std::string_view text) {
    CivilDate date{};
    if (text.size() != 10 || text[4] != '-' || text[7] != '-' || !parse_digits(text.substr(0, 4), &date.year) ||
        !parse_digits(text.substr(5, 2), &date.month) || !parse_digits(text.substr(8, 2), &date.day) || !is_valid(date))
        return std::nullopt;
    return day_from_civil(date);
}

std::optional<int> parse_month(std::string_view text) {
    int year = 0;
    int month = 0;
    if (text.size() != 7 || text[4] != '-' || !parse_digits(text.substr(0, 4), &year) ||
        !parse_digits(text.substr(5, 2), &month) || month < 1 || month > 12)
        return std::nullopt;
    const int number = (year - 1970) * 12 + month - 1;
    return number >= 0 && number <= layout::kLastMonth ? std::optional<int>(number) : std::nullopt;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
    std::int64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size())
        return std::nullopt;
    return value;
}

} // namespace availability::service

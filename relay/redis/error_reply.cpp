#include "relay/redis/error_reply.hpp"

#include <charconv>

#include "relay/redis/hash_slot.hpp"

namespace availability::relay::redis {

namespace {

struct Word {
    std::string_view word;
    ErrorKind kind;
};

constexpr Word kWords[] = {
    {"TRYAGAIN", ErrorKind::kWait},       {"LOADING", ErrorKind::kWait},      {"BUSY", ErrorKind::kWait},
    {"MASTERDOWN", ErrorKind::kWait},     {"NOREPLICAS", ErrorKind::kWait},   {"CLUSTERDOWN", ErrorKind::kClusterDown},
    {"READONLY", ErrorKind::kReadOnly},   {"NOSCRIPT", ErrorKind::kNoScript}, {"OOM", ErrorKind::kOutOfMemory},
    {"NOAUTH", ErrorKind::kRefused},      {"WRONGPASS", ErrorKind::kRefused}, {"NOPERM", ErrorKind::kRefused},
    {"WRONGTYPE", ErrorKind::kWrongType},
};

bool read_number(std::string_view text, unsigned limit, unsigned* number) {
    const auto result = std::from_chars(text.data(), text.data() + text.size(), *number);
    return !text.empty() && result.ec == std::errc() && result.ptr == text.data() + text.size() && *number <= limit;
}

// "MOVED 3999 127.0.0.1:6381"
bool read_redirection(std::string_view text, ErrorReply* error) {
    const std::size_t first = text.find(' ');
    const std::size_t second = text.find(' ', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos)
        return false;
    unsigned slot = 0;
    if (!read_number(text.substr(first + 1, second - first - 1), kSlots - 1, &slot))
        return false;
    std::string_view address = text.substr(second + 1);
    address = address.substr(0, address.find(' '));
    const std::size_t colon = address.rfind(':');
    unsigned port = 0;
    if (colon == std::string_view::npos || !read_number(address.substr(colon + 1), 65535, &port) || port == 0)
        return false;
    error->slot = static_cast<std::uint16_t>(slot);
    error->endpoint = {std::string(address.substr(0, colon)), static_cast<std::uint16_t>(port)};
    return true;
}

} // namespace

ErrorReply read_error(std::string_view text) {
    ErrorReply error;
    const std::string_view word = text.substr(0, text.find(' '));
    if (word == "MOVED" || word == "ASK") {
        if (read_redirection(text, &error))
            error.kind = word == "MOVED" ? ErrorKind::kMoved : ErrorKind::kAsk;
        return error;
    }
    for (const Word& known : kWords)
        if (word == known.word)
            error.kind = known.kind;
    // Before 7.0, Redis wraps what a command within a script says: "ERR Error running script (call to f_…):
    // @user_script:3: OOM …".
    if (error.kind == ErrorKind::kOther)
        for (const Word& known : kWords)
            if (text.find(std::string(": ").append(known.word).append(" ")) != std::string_view::npos ||
                text.find(std::string("-").append(known.word).append(" ")) != std::string_view::npos)
                error.kind = known.kind;
    return error;
}

const char* name_of(ErrorKind kind) {
    switch (kind) {
    case ErrorKind::kMoved:
        return "moved";
    case ErrorKind::kAsk:
        return "ask";
    case ErrorKind::kWait:
        return "wait";
    case ErrorKind::kClusterDown:
        return "cluster_down";
    case ErrorKind::kReadOnly:
        return "read_only";
    case ErrorKind::kNoScript:
        return "no_script";
    case ErrorKind::kOutOfMemory:
        return "out_of_memory";
    case ErrorKind::kRefused:
        return "refused";
    case ErrorKind::kWrongType:
        return "wrong_type";
    case ErrorKind::kOther:
        return "other";
    }
    return "other";
}

std::string Endpoint::str() const {
    if (is_unix())
        return "unix:" + host;
    return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
    if (text.substr(0, 5) == "unix:")
        return text.size() == 5 ? std::nullopt : std::optional<Endpoint>({std::string(text.substr(5)), 0});
    const std::size_t colon = text.rfind(':');
    unsigned port = 0;
    if (colon == std::string_view::npos || colon == 0 || !read_number(text.substr(colon + 1), 65535, &port) ||
        port == 0)
        return std::nullopt;
    std::string_view host = text.substr(0, colon);
    if (host.front() == '[') {
        if (host.size() < 3 || host.back() != ']')
            return std::nullopt;
        host = host.substr(1, host.size() - 2);
    }
    return Endpoint{std::string(host), static_cast<std::uint16_t>(port)};
}

} // namespace availability::relay::redis

// A request as it came: bytes of which nothing is believed. One object a connection, whose strings keep their memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace availability::service {

enum class Method : std::uint8_t { kGet, kHead, kOptions, kPost, kPut, kDelete, kOther };
std::string_view word_of(Method method);
// A target for the log: its beginning, of visible ASCII alone.
std::string printable(std::string_view target);

// What is taken of a client.
struct RequestLimits {
    std::uint32_t header_bytes = 8192; // the request line and all header fields
    std::size_t target_bytes = 6144;
    std::size_t body_bytes = 65536;
};

struct Request {
    Method method = Method::kOther;
    bool keep_alive = true;
    bool is_old = false; // HTTP/1.0
    bool expects_continue = false;
    std::string target;
    std::string body;

    // The header fields that anything here looks at; empty: not there.
    std::string accept;
    std::string authorization;
    std::string content_type;
    std::string idempotency_key;
    std::string if_none_match;
    std::string prefer;
    std::string traceparent;
    unsigned hosts = 0;    // how many Host fields there are
    bool repeated = false; // a field that may stand once stands twice
    bool has_idempotency_key = false;

    void clear();
};

} // namespace availability::service

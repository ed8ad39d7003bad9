// Where a Redis listens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace availability::relay::redis {

// "host:port", "[::1]:port", or "unix:/path" of a socket.
struct Endpoint {
    std::string host; // the path, if port is 0
    std::uint16_t port = 0;

    bool is_unix() const { return port == 0; }
    std::string str() const;
    friend bool operator==(const Endpoint& a, const Endpoint& b) { return a.port == b.port && a.host == b.host; }
};

// Nothing if the text is none of these. The port is what follows the last colon, as in answers of Redis: "::1:6379" is
// an address and a port.
std::optional<Endpoint> parse_endpoint(std::string_view text);

} // namespace availability::relay::redis

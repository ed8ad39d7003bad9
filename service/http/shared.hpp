// What a server and its connections share.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_set>

#include "service/http/exchange.hpp"

namespace availability::service {

struct ServerOptions {
    std::string name;   // of the option that says where: for messages
    std::string listen; // address:port
    RequestLimits limits;
    std::size_t max_connections = 10000;
    std::chrono::milliseconds header_timeout{5000}; // from a request's first byte to the end of its head
    std::chrono::milliseconds body_timeout{10000};  // from there to the end of its body
    std::chrono::milliseconds idle_timeout{75000};  // between requests
    std::chrono::milliseconds write_timeout{10000}; // for an answer to go
    std::size_t event_bytes = 1 << 20;              // of events that wait for one client: behind by more, it is dropped
};

struct ServerCounters {
    std::size_t connections = 0; // now
    std::size_t streams = 0;     // now: of events
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;   // too many connections
    std::uint64_t malformed = 0; // requests
    std::uint64_t timeouts = 0;
    std::uint64_t slow_streams = 0; // dropped
};

class Connection;

struct Shared {
    ServerOptions options;
    Handler& handler;
    ServerCounters counters{};
    std::unordered_set<Connection*> connections{};
    bool draining = false;
};

} // namespace availability::service

// What the HTTP server and its sessions share. The server owns it, and outlives no session that still looks at it:
// before it goes it abandons them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>

#include <boost/asio/io_context.hpp>

#include "relay/fanout/ring.hpp"
#include "relay/settings.hpp"
#include "relay/store.hpp"

namespace availability::relay {

struct ServerCounters {
    std::uint64_t snapshots = 0;
    std::uint64_t streams = 0; // begun
    std::uint64_t dropped_slow = 0;
    std::uint64_t refused = 0; // too many connections
    std::uint64_t unauthorized = 0;
    std::size_t connections = 0; // now
    std::size_t subscribers = 0; // now
};

struct Readiness {
    bool ready = false;
    std::string text; // why not
};

struct ServerHooks {
    std::function<std::string()> metrics;
    std::function<Readiness()> ready;
    std::function<bool()> loaded;              // whether the store has every calendar
    std::function<std::uint64_t()> loaded_lsn; // and how far it was ahead of the stream when it had been loaded
};

class Session;

struct Shared {
    boost::asio::io_context& io;
    const Settings& settings;
    const Store& store;
    Ring& ring;
    ServerHooks hooks;
    std::unordered_set<Session*> waiting; // subscribers that have all there is
    std::unordered_set<Session*> sessions;
    ServerCounters counters;
};

} // namespace availability::relay

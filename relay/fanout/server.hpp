// The relay's HTTP server: /snapshot and /stream for services, /metrics, /healthz and /readyz for those who watch.
//
// A request has ten seconds to come, each write thirty to go. A subscriber that is so slow that the ring has overtaken
// it is dropped.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

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

class Session;

class Server {
  public:
    struct Hooks {
        std::function<std::string()> metrics;
        std::function<Readiness()> ready;
        std::function<bool()> loaded;              // whether the store has every calendar
        std::function<std::uint64_t()> loaded_lsn; // and how far it was ahead of the stream when it had been loaded
    };

    Server(boost::asio::io_context& io, const Settings& settings, const Store& store, Ring& ring, Hooks hooks);
    ~Server();

    // Returns an error, empty if there is none.
    std::string listen();
    std::uint16_t port() const { return port_; }
    // The ring has more.
    void notify();
    // Drops subscribers that the ring has overtaken.
    void drop_slow();
    // Subscribers have to begin anew: the reason goes to them as their last frame.
    void end_streams(const std::string& reason);
    void close();
    const ServerCounters& counters() const { return counters_; }

  private:
    friend class Session;
    void accept();
    std::vector<std::shared_ptr<Session>> all_sessions();

    boost::asio::io_context& io_;
    const Settings& settings_;
    const Store& store_;
    Ring& ring_;
    Hooks hooks_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::steady_timer accept_again_;
    std::uint16_t port_ = 0;
    std::unordered_set<Session*> waiting_; // subscribers that have all there is
    std::unordered_set<Session*> sessions_;
    ServerCounters counters_;
};

} // namespace availability::relay

// An HTTP/1.1 server on the event loop: keep-alive, pipelining, a time for everything, bounds on everything.
//
// What a connection costs while it is idle is its buffers (8 kB and what its largest answer took). Times are kept by
// one timer that looks at all connections four times a second, so that a request costs none.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

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

class Server {
  public:
    Server(boost::asio::io_context& io, ServerOptions options, Handler& handler);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Returns an error, empty if there is none.
    std::string listen();
    std::uint16_t port() const { return port_; }
    // No connection is accepted any more; those that are idle end, the others after their next answer.
    void drain();
    void close();
    const ServerCounters& counters() const { return counters_; }
    ServerOptions& options() { return options_; }

  private:
    friend class Connection;
    void accept();
    void sweep();

    boost::asio::io_context& io_;
    ServerOptions options_;
    Handler& handler_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::steady_timer accept_again_;
    boost::asio::steady_timer sweeper_;
    std::uint16_t port_ = 0;
    bool draining_ = false;
    std::unordered_set<Connection*> connections_;
    ServerCounters counters_;
};

} // namespace availability::service

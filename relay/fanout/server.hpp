// The relay's HTTP server: /snapshot and /stream for services, /metrics, /healthz and /readyz for those who watch.
//
// A request has ten seconds to come, each write thirty to go. A subscriber that is so slow that the ring has overtaken
// it is dropped.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "relay/fanout/shared.hpp"

namespace availability::relay {

class Server {
  public:
    using Hooks = ServerHooks;

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
    const ServerCounters& counters() const { return shared_.counters; }

  private:
    void accept();
    std::vector<std::shared_ptr<Session>> all_sessions();

    Shared shared_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::steady_timer accept_again_;
    std::uint16_t port_ = 0;
};

} // namespace availability::relay

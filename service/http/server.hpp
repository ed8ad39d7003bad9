// An HTTP/1.1 server on the event loop: keep-alive, pipelining, a time for everything, bounds on everything.
//
// What a connection costs while it is idle is its buffers (8 kB and what its largest answer took). Times are kept by
// one timer that looks at all connections four times a second, so that a request costs none.
#pragma once

#include <cstdint>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "service/http/shared.hpp"

namespace availability::service {

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
    const ServerCounters& counters() const { return shared_.counters; }
    ServerOptions& options() { return shared_.options; }

  private:
    void accept();
    void sweep();

    Shared shared_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::steady_timer accept_again_;
    boost::asio::steady_timer sweeper_;
    std::uint16_t port_ = 0;
};

} // namespace availability::service

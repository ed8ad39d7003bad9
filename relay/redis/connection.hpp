// One connection to one Redis: TCP, a Unix socket or TLS; requests go out as they come, answers come back in the same
// order.
//
//   connecting: resolve, connect, TLS → AUTH, INFO, SCRIPT LOAD … → ready → lost
//
// What is submitted before it is ready waits. A connection is used once: after `lost` make another.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>

#include "relay/redis/endpoint.hpp"
#include "relay/redis/identity.hpp"
#include "relay/redis/reply.hpp"
#include "relay/redis/request.hpp"

namespace availability::relay::redis {

struct ConnectionOptions {
    std::string username;
    std::string password;
    boost::asio::ssl::context* tls = nullptr; // with what certificates; no TLS if null
    std::string tls_server_name;              // of the server's certificate; the host's if empty
    std::chrono::milliseconds timeout{2000};  // for connecting, and for each answer
    std::vector<std::string> scripts;         // sources, loaded before all else
};

class Connection;

// Calls come from the event loop, never from within submit() or close().
class ConnectionOwner {
  public:
    virtual ~ConnectionOwner() = default;
    // Connected, and told who answers. What was submitted before goes out after this call.
    virtual void ready(Connection& connection, const Identity& identity) = 0;
    virtual void answered(Connection& connection, RequestPtr request, const Reply& reply) = 0;
    // The end. `unanswered` are those without an answer, in their order; what Redis did with those that were sent is
    // unknown.
    virtual void lost(Connection& connection, const std::string& reason, std::deque<RequestPtr> unanswered) = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
  public:
    // The owner outlives it, or has called abandon().
    Connection(boost::asio::io_context& io, const ConnectionOptions& options, Endpoint endpoint,
               ConnectionOwner* owner);
    ~Connection();

    void start();
    // After ASKING, if so.
    void submit(RequestPtr request, bool asking = false);
    // Loads the scripts anew, before what is submitted next.
    void load_scripts();
    // The owner is told by lost(), later.
    void close(std::string reason);
    // Ends without a word to the owner.
    void abandon();

    // Closes it if an answer, or the connection itself, is overdue.
    void check_deadline(Clock::time_point now);

    const Endpoint& endpoint() const { return endpoint_; }
    bool is_ready() const { return state_ == State::kReady; }
    bool is_closed() const { return state_ == State::kClosed; }

  private:
    enum class State : std::uint8_t { kConnecting, kGreeting, kReady, kClosed };
    using Socket = boost::asio::generic::stream_protocol::socket;
    using TlsStream = boost::asio::ssl::stream<Socket>;

    void connect_unix();
    void resolve();
    void connect_tcp(boost::asio::ip::tcp::resolver::results_type addresses);
    void connected();
    void greet();
    void greeted(const Reply& reply);
    void read();
    void received(std::size_t size);
    void take(const Reply& reply);
    void schedule_write();
    void write();
    // One of the two streams.
    template <typename Operation>
    void with_stream(Operation operation);

    boost::asio::io_context& io_;
    const ConnectionOptions& options_;
    Endpoint endpoint_;
    ConnectionOwner* owner_;
    State state_ = State::kConnecting;
    Clock::time_point started_;
    Clock::time_point received_; // when something last came
    boost::asio::ip::tcp::resolver resolver_;
    TlsStream* tls_ = nullptr;
    std::unique_ptr<TlsStream> tls_stream_;
    std::unique_ptr<Socket> socket_;

    ReplyReader reader_;
    std::vector<char> input_;
    std::string queued_;  // not yet given to the socket
    std::string writing_; // being sent
    bool write_scheduled_ = false;
    std::string early_; // submitted before it was ready
    std::deque<RequestPtr> unanswered_;
    std::size_t greetings_ = 0; // answers to the greeting that are still to come
    Identity identity_;
};

} // namespace availability::relay::redis

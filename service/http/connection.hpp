// One connection to the HTTP server. It reads what has come, answers as many requests as are whole, and sends their
// answers as one piece: a request that memory answers costs one read and one write of the socket, and no allocation.
//
//   kIdle → kHead → kBody → kPending → kIdle …       kStreaming: events, until its end
//                                                    kLingering: the last answer has gone; what comes is thrown away
#pragma once

#include <memory>
#include <optional>

#include <boost/asio/ip/tcp.hpp>

#include "service/http/request_parser.hpp"
#include "service/http/shared.hpp"

namespace availability::service {

class Connection final : public Exchange, public std::enable_shared_from_this<Connection> {
  public:
    Connection(Shared& server, boost::asio::ip::tcp::socket socket);
    ~Connection() override;

    void start();
    bool is_late(std::chrono::steady_clock::time_point now) const { return now >= deadline_; }
    void time_out();
    void drain();
    // The server goes.
    void abandon();

    void finish(const Reply& reply) override;
    std::shared_ptr<EventStream> begin_events(std::function<void()> closed) override;

  private:
    class Stream;
    enum class Phase : std::uint8_t { kIdle, kHead, kBody, kPending, kStreaming, kLingering, kClosed };

    void read();
    void process();
    // Whether the request that begins at begin_ is whole; if not, more is to be read, or it was refused.
    bool parse();
    void dispatch();
    void refuse_malformed(unsigned status);
    // Sends out_ if nothing is being sent. True: all of it has gone.
    bool flush();
    void sent();
    void send_events(std::string_view bytes);
    void linger();
    void close();
    void enter(Phase phase, std::chrono::milliseconds time);

    Shared* server_;
    boost::asio::ip::tcp::socket socket_;
    std::chrono::steady_clock::time_point deadline_;
    Phase phase_ = Phase::kIdle;
    bool in_process_ = false;
    bool reading_ = false;
    bool writing_ = false;
    bool ending_ = false; // after what is to be sent
    bool told_to_continue_ = false;

    std::unique_ptr<char[]> in_;
    std::size_t in_size_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::optional<RequestParser> parser_;
    std::string out_;
    std::string going_; // being written

    std::shared_ptr<Connection> self_; // while somebody else holds the exchange
    std::shared_ptr<Stream> stream_;
};

} // namespace availability::service

// One connection to the HTTP server, for one request.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>

#include "relay/fanout/shared.hpp"
#include "relay/wire.hpp"

namespace availability::relay {

// What a request asks for, as far as it can be said without the server.
struct Route {
    enum class Kind {
        kMetrics,
        kHealth,
        kReady,
        kSnapshot,
        kStream,
        kBadRequest,
        kNotFound,
        kMethodNotAllowed
    } kind = Kind::kNotFound;
    wire::StreamFrom from;    // kStream
    bool from_newest = false; // kStream: `from` is where the stream stands
};
Route route_of(std::string_view method, std::string_view target);

class Session : public std::enable_shared_from_this<Session> {
  public:
    Session(Shared& shared, boost::asio::ip::tcp::socket socket);
    ~Session();

    void start();
    // The server goes.
    void abandon();
    // The ring has more for a subscriber that waits.
    void wake();
    void end(const std::string& reason);
    // Ends a subscriber that still takes what it was sent when the ring has lost what comes next.
    void drop_if_overtaken();

  private:
    void answer(const Route& route);
    void answer_text(unsigned status, const std::string& type, const std::string& body);
    void begin_snapshot();
    void send_snapshot_part();
    void begin_stream(const wire::StreamFrom& from);
    void send_stream_part();
    void begin_chunks(std::string first);
    void write(void (Session::*next)());
    void watch_peer();
    void arm_deadline(std::chrono::seconds delay);
    void finish();
    void close();

    Shared* shared_; // null: abandoned
    boost::asio::ip::tcp::socket socket_;
    boost::asio::steady_timer deadline_;
    boost::beast::flat_buffer buffer_;
    std::optional<boost::beast::http::request_parser<boost::beast::http::empty_body>> parser_;

    // What is being written: a head, bodies, a tail.
    std::string head_;
    std::vector<Ring::Block> bodies_;
    std::string tail_;

    Epoch epoch_ = 0;
    Slot cursor_ = 0; // of a snapshot
    std::uint64_t records_ = 0;
    std::uint64_t number_ = 0; // of a stream: the next block
    bool streams_ = false;
    bool waiting_ = false;
    bool writing_ = false;
    bool closed_ = false;
    std::string end_reason_;
    char peer_byte_ = 0;
};

} // namespace availability::relay

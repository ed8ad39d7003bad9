// One run of the replication stream: START_REPLICATION until it ends.
//
// It answers the server's keepalives and reports the confirmed position; what comes goes to a StreamHandler. Silence of
// the server beyond the timeout ends it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "relay/source/pg_connection.hpp"

namespace availability::relay {

class StreamHandler {
  public:
    virtual ~StreamHandler() = default;
    // A message of the decoder. False: no more, until Stream::resume().
    virtual bool on_message(std::string_view message) = 0;
    // The server has sent all that it had up to there.
    virtual void on_keepalive(std::uint64_t lsn) = 0;
    // Bytes that are no message of the protocol.
    virtual void on_garbage(std::string_view what) = 0;
};

// One message within CopyData, as the server sends it.
struct StreamFrame {
    enum class Kind { kData, kKeepalive, kGarbage } kind = Kind::kGarbage;
    std::string_view payload; // kData
    std::uint64_t lsn = 0;    // kKeepalive: the end of WAL sent
    bool reply = false;       // kKeepalive: answer at once
};
StreamFrame parse_frame(std::string_view message);

// The Standby status update: written, flushed and applied up to the same place. `ask`: the server is to answer.
std::string status_update(std::uint64_t lsn, std::int64_t now_us, bool ask);

class Stream {
  public:
    Stream(boost::asio::io_context& io, std::chrono::milliseconds timeout, StreamHandler& handler);

    // On a connection for replication. `started` once, then `ended` once; neither after close().
    void start(PgConnectionPtr connection, const std::string& statement, PgConnection::Done started,
               PgConnection::Done ended);
    void resume();
    // What may be confirmed; told to the server by and by.
    void confirm(std::uint64_t lsn);
    // Tells it now.
    void confirm_now();
    void close();
    bool running() const { return running_; }
    std::uint64_t confirmed() const { return confirmed_; }

  private:
    bool on_data(std::string_view message);
    void send_status();
    void tick();

    boost::asio::steady_timer timer_;
    std::chrono::milliseconds timeout_;
    StreamHandler& handler_;
    PgConnectionPtr connection_;
    PgConnection::Done ended_;
    std::uint64_t confirmed_ = 0;
    std::uint64_t told_ = 0;
    std::chrono::steady_clock::time_point last_status_;
    std::chrono::steady_clock::time_point last_heard_;
    bool running_ = false;
    bool paused_ = false;
    std::uint64_t run_ = 0;
};

} // namespace availability::relay

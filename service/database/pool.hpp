// Connections to PostgreSQL on the event loop: a bounded pool with a bounded queue, prepared statements, deadlines, and
// a circuit breaker.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

namespace availability::database {

using Clock = std::chrono::steady_clock;

struct PoolOptions {
    std::string conninfo;
    std::size_t connections = 8;
    std::size_t max_queue = 1000;
    std::chrono::milliseconds connect_timeout{2000};
    std::string application_name = "availability-service";
};

struct QueryError {
    enum class Kind : std::uint8_t {
        kNone,
        kServer,      // the server refused the statement: sqlstate and the rest say why
        kOverloaded,  // the queue is full: nothing was sent
        kUnreachable, // no connection, or the breaker is open: nothing was sent
        kTimeout,     // no answer by the deadline; if it was sent, it was cancelled, and whether it took effect is not
                      // known
        kLost,        // the connection went down after it was sent: whether it took effect is not known
    };
    Kind kind = Kind::kNone;
    bool sent = false;
    std::string sqlstate, message, detail, hint, constraint;
    explicit operator bool() const { return kind != Kind::kNone; }
};

struct QueryResult {
    QueryError error;
    std::vector<std::vector<std::optional<std::string>>> rows; // text form
};

struct Query {
    std::string name; // of the prepared statement: one for each text; empty: not prepared
    std::string text;
    std::vector<std::optional<std::string>> parameters; // text form
    std::vector<unsigned> types;                        // OIDs; 0 or none: the server infers
    Clock::time_point deadline = Clock::time_point::max();
    std::string traceparent; // W3C; passed on where the server's log and pg_stat_activity show it
};

class Pool {
  public:
    Pool(boost::asio::io_context& io, PoolOptions options);
    ~Pool();
    void start();
    // Calls `done` once, later.
    void submit(Query query, std::function<void(QueryResult)> done);
    // What was sent is answered; the rest is refused.
    void drain(std::function<void()> done);
    void stop();

    bool usable() const; // the breaker lets queries through
    struct State {
        std::size_t connections = 0, busy = 0, queued = 0;
        int breaker = 0; // 0 closed, 1 half open, 2 open
        std::uint64_t connects = 0, losses = 0, refused = 0, timeouts = 0;
    };
    State state() const;

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

} // namespace availability::database

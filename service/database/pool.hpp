// Connections to PostgreSQL on the event loop: a bounded pool with a bounded queue, prepared statements, deadlines, and
// a circuit breaker.
//
// What holds for each query:
//
//   - One round trip: a preamble, which sets the statement's timeout for this transaction alone, the statement, which
//   is
//     prepared on the way if the connection has not done so, and the end of the transaction, as one pipeline. It is a
//     transaction of its own, so a pooler by transactions may stand between. PgBouncer keeps prepared statements from
//     1.21 on (max_prepared_statements); of one that does not, the pool learns by the first error, and prepares no
//     more.
//   - An answer counts when the transaction has ended: an error of its end (deferred constraints) is the answer.
//   - The server gives up by itself a moment before the deadline (57014). Where it can't tell, the connection is closed
//     at the deadline and another one is opened; what the server was doing ends by its own timeout. No cancel request
//     is sent, which would need a connection of its own to a server that may not answer.
//   - Nothing blocks the loop: names are resolved beside it (connect_parameters.hpp), except those of service files.
//
// Of many hosts, those that are no primary are passed over, unless conninfo has another target_session_attrs; one that
// does not answer in time is the last to be tried the next time. TLS, passwords and the rest are libpq's own.
//
// The breaker counts what says that the server is not there: no connection, a lost one, no answer by the deadline, a
// server that starts, ends or has no room. A statement that the server refused, or gave up for its own timeout, does
// not count: it was there to say so.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "service/database/breaker.hpp"

namespace availability::database {

using Clock = std::chrono::steady_clock;

struct PoolOptions {
    std::string conninfo;
    std::size_t connections = 8;
    std::size_t max_queue = 1000;
    std::chrono::milliseconds connect_timeout{2000};
    std::string application_name = "availability-service";
    bool prepare = true; // false: no prepared statements, for poolers that don't keep them
    BreakerOptions breaker;
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
    std::string name; // of the prepared statement, at most 63 bytes: one for each text; empty: not prepared
    std::string text;
    std::vector<std::optional<std::string>> parameters; // text form
    std::vector<unsigned> types;                        // OIDs; 0 or none: the server infers
    Clock::time_point deadline = Clock::time_point::max();
    // W3C; passed on as a comment of the statement (sqlcommenter's form), where the server's log and pg_stat_activity
    // show it. A statement with one is not prepared, whatever its name. What is malformed is left out.
    std::string traceparent;
    // A read whose answer must be the truth: an error (25006) where the server that answers is a standby, and 42501
    // where row security would hide rows.
    bool primary_only = false;
};

class Pool {
  public:
    Pool(boost::asio::io_context& io, PoolOptions options);
    ~Pool();
    void start();
    // Calls `done` once, later, unless the pool is destroyed before.
    void submit(Query query, std::function<void(QueryResult)> done);
    // submit() for those who may outlive the pool: then it refuses.
    using Submit = std::function<void(Query, std::function<void(QueryResult)>)>;
    Submit submitter() const;
    // What was sent is answered; the rest is refused. `done` is called when nothing is under way any more.
    void drain(std::function<void()> done);
    // Closes all; what is under way is answered with kLost.
    void stop();

    bool usable() const; // the breaker lets queries through
    struct State {
        std::size_t connections = 0, busy = 0, queued = 0;
        int breaker = 0; // 0 closed, 1 half open, 2 open
        bool prepares = true;
        std::uint64_t connects = 0, losses = 0, refused = 0, timeouts = 0;
        std::uint64_t trips = 0;  // of the breaker, from closed to open
        std::string last_trouble; // why a connection was last not to be had; for people
    };
    State state() const;

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

} // namespace availability::database

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
//   - The server gives up by itself a moment before the deadline (57014). Where it does not say so in time, who asked
//   is
//     told at the deadline, and the connection is closed if nothing comes of it soon after; what the server was doing
//     ends by its own timeout. No cancel request is sent, which would need a connection of its own to a server that may
//     not answer.
//   - Nothing blocks the loop: names are resolved beside it (connect_parameters.hpp), except those of service files.
//
// Of many hosts, those that are no primary are passed over, unless conninfo has another target_session_attrs; one that
// does not answer in time is the last to be tried the next time. TLS, passwords and the rest are libpq's own.
//
// The breaker counts what says that the server is not there: no connection, a lost one, no answer at all, a
// server that starts, ends or has no room. A statement that the server refused, or gave up for its own timeout, does
// not count: it was there to say so.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "service/database/breaker.hpp"
#include "service/database/query.hpp"

namespace availability::database {

struct PoolOptions {
    std::string conninfo;
    std::size_t connections = 8;
    std::size_t max_queue = 1000;
    std::chrono::milliseconds connect_timeout{2000};
    std::string application_name = "availability-service";
    bool prepare = true; // false: no prepared statements, for poolers that don't keep them
    BreakerOptions breaker;
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

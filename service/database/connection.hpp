// One connection of the pool: libpq's pipeline mode, driven by Asio; one query at a time.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <libpq-fe.h>

#include "service/database/connect_parameters.hpp"
#include "service/database/query.hpp"

namespace availability::database {

class Connection : public std::enable_shared_from_this<Connection> {
  public:
    // Why not; empty if connected.
    using Connected = std::function<void(const std::string& problem)>;
    using Executed = std::function<void(QueryResult)>;

    explicit Connection(boost::asio::io_context& io);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Handlers are called later, from the loop; after close() never.
    void connect(const Parameters& parameters, Clock::time_point deadline, Connected done);
    // While idle. `prepare`: whether prepared statements may be used. `done` is told by the deadline, whatever happens.
    // Then it is idle again; or closed; or the server has not answered yet (is_overdue()): it has a moment more to do
    // so, since it has a timeout of its own, before the connection counts as dead.
    void execute(const Query& query, bool prepare, Executed done);
    // Of one that is overdue: called once, when it is idle again (true) or closed.
    void when_settled(std::function<void(bool works)> settled) { settled_ = std::move(settled); }
    // The other side has gone while nothing was under way.
    void when_lost(std::function<void()> lost) { lost_ = std::move(lost); }
    void close();
    // The same, but what is under way is answered with kLost.
    void abort();

    bool is_idle() const { return state_ == State::kIdle; }
    bool is_overdue() const { return state_ == State::kBusy && overdue_; }
    bool is_closed() const { return state_ == State::kClosed; }

  private:
    enum class State { kClosed, kConnecting, kIdle, kBusy };
    enum class Step { kPreamble, kPrepare, kStatement, kEnd };

    void poll_connect();
    bool adopt_socket();
    void connect_failed(const std::string& what);
    bool send(const Query& query, bool prepare);
    bool send_preamble(const Query& query, bool prepare);
    bool send_prepare(const char* name, const char* text, int count, const Oid* types);
    bool send_statement(const Query& query, bool prepare);
    void flush();
    void wait_readable();
    void readable();
    void drain_results();
    void take(PGresult* result);
    void take_rows(PGresult* result);
    void arm(Clock::time_point deadline);
    void too_late();
    void give_up(const std::string& what);
    void done();
    std::string last_error() const;

    boost::asio::io_context& io_;
    boost::asio::posix::stream_descriptor socket_;
    boost::asio::steady_timer deadline_;
    PGconn* connection_ = nullptr;
    State state_ = State::kClosed;
    std::uint64_t operation_ = 0; // what was posted for an earlier one is void
    bool waiting_readable_ = false;
    bool waiting_writable_ = false;

    Connected connected_;
    Executed executed_;
    std::function<void()> lost_;
    std::function<void(bool)> settled_;
    bool overdue_ = false;
    std::set<std::string> prepared_;

    QueryResult result_;
    std::vector<Step> steps_;           // whose answers are still to come, the first at the end
    std::deque<std::string> preparing_; // the answers to which are still to come
    bool primary_only_ = false;
    bool is_standby_ = false;
};

// The text with the comment that passes a traceparent on; the text alone if it is none.
std::string with_traceparent(const std::string& text, const std::string& traceparent);
// Whether it is one as the W3C defines it, nothing else in it.
bool is_traceparent(const std::string& text);

} // namespace availability::database

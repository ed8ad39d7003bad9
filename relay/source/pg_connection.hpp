// A connection to PostgreSQL on the event loop: libpq's non-blocking calls, driven by Asio.
//
// One operation at a time. Each calls its handler once, with what came or with an error, unless the connection is
// closed before: then never. What waits has a deadline. libpq alone resolves names, which can block for as long as the
// resolver takes.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <libpq-fe.h>

namespace availability::relay {

// Why something of the database failed. `sqlstate` is empty if the server did not say it.
struct PgError {
    std::string message; // empty: no error
    std::string sqlstate;

    explicit operator bool() const { return !message.empty(); }
};

struct PgRows {
    PgError error;
    std::vector<std::vector<std::optional<std::string>>> rows;

    const std::string& text(std::size_t row, std::size_t column) const {
        static const std::string kEmpty;
        return rows[row][column] ? *rows[row][column] : kEmpty;
    }
};

class PgConnection : public std::enable_shared_from_this<PgConnection> {
  public:
    using Done = std::function<void(const PgError&)>;
    using Rows = std::function<void(PgRows)>;
    // One message of a COPY; false: no more for now, until resume().
    using Data = std::function<bool(std::string_view)>;

    PgConnection(boost::asio::io_context& io, std::chrono::milliseconds timeout);
    ~PgConnection();
    PgConnection(const PgConnection&) = delete;
    PgConnection& operator=(const PgConnection&) = delete;

    // `replication`: of the kind that speaks the replication protocol to a database.
    void connect(const std::string& conninfo, bool replication, Done done);
    // One statement.
    void query(const std::string& statement, Rows done);
    // One with parameters in text form; not on a replication connection.
    void query(const std::string& statement, const std::vector<std::string>& parameters, Rows done);
    // COPY … TO STDOUT: each message to `data`, then done.
    void copy_out(const std::string& statement, Data data, Done done);
    // START_REPLICATION: `started` once, then, from the first resume() on, messages to `data`, until `ended` says why
    // they end. No deadline: who streams has keepalives to judge by.
    void copy_both(const std::string& statement, Done started, Data data, Done ended);
    // After `data` returned false.
    void resume();
    // Within a copy_both.
    void send(std::string_view message);
    // Ends the client's side of a copy_both; `ended` follows.
    void send_end();

    void close();
    int server_version() const { return connection_ != nullptr ? PQserverVersion(connection_) : 0; }

  private:
    enum class State { kClosed, kConnecting, kIdle, kQuery, kCopyOut, kCopyBoth };

    void poll_connect();
    void begin(State state, int sent);
    void flush();
    void wait_readable();
    void readable();
    void drain_results();
    bool take_copy_data();
    void arm_deadline();
    void fail(const std::string& what);
    void finish(PgError error);
    bool adopt_socket();
    PgError last_error() const;

    boost::asio::io_context& io_;
    std::chrono::milliseconds timeout_;
    boost::asio::posix::stream_descriptor socket_;
    boost::asio::steady_timer deadline_;
    PGconn* connection_ = nullptr;
    State state_ = State::kClosed;
    PgRows rows_;
    Done done_;
    Rows rows_done_;
    Done started_;
    Data data_;
    bool paused_ = false;
    bool waiting_readable_ = false;
    bool waiting_writable_ = false;
    bool in_copy_ = false;
    std::uint64_t operation_ = 0; // counts operations and their ends: what was posted for one is void after it
    std::uint64_t connected_ = 0; // counts connections: what waits for one is void after it
};

using PgConnectionPtr = std::shared_ptr<PgConnection>;

// Quoted as an identifier and as a literal, whatever standard_conforming_strings says. Of text without NUL.
std::string quote_identifier(std::string_view name);
std::string quote_literal(std::string_view text);
// schema.table, each part perhaps quoted as in SQL, folded as the server would: quoted anew. Empty if it is malformed.
std::string quote_qualified(std::string_view name);
// The libpq notice-free form of an error message: one line, no trailing newline.
std::string one_line(std::string_view message);

} // namespace availability::relay

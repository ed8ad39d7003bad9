#include "relay/source/pg_connection.hpp"

#include <cstring>

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

namespace availability::relay {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

void log_notice(void*, const char* message) {
    spdlog::debug("database: {}", one_line(message));
}

} // namespace

PgConnection::PgConnection(asio::io_context& io, std::chrono::milliseconds timeout)
    : io_(io), timeout_(timeout), socket_(io), deadline_(io) {}

PgConnection::~PgConnection() {
    close();
}

void PgConnection::close() {
    ++operation_;
    ++connected_;
    waiting_readable_ = waiting_writable_ = false;
    deadline_.cancel();
    if (socket_.is_open())
        socket_.release(); // libpq closes it
    if (connection_ != nullptr)
        PQfinish(connection_);
    connection_ = nullptr;
    state_ = State::kClosed;
    done_ = nullptr;
    rows_done_ = nullptr;
    started_ = nullptr;
    data_ = nullptr;
}

void PgConnection::connect(const std::string& conninfo, bool replication, Done done) {
    close();
    state_ = State::kConnecting;
    done_ = std::move(done);
    // Keepalives of TCP: a peer that vanished is noticed even where the protocol is silent. What the caller gave comes
    // later and wins.
    const char* const keywords[] = {"keepalives_idle",
                                    "keepalives_interval",
                                    "keepalives_count",
                                    "fallback_application_name",
                                    "dbname",
                                    "client_encoding",
                                    replication ? "replication" : nullptr,
                                    nullptr};
    const char* const values[] = {"10", "5", "3", "availability-relay", conninfo.c_str(), "UTF8", "database", nullptr};
    connection_ = PQconnectStartParams(keywords, values, 1);
    arm_deadline();
    if (connection_ == nullptr || PQstatus(connection_) == CONNECTION_BAD) {
        // Never from within the call.
        asio::post(io_, [self = shared_from_this(), operation = operation_] {
            if (operation == self->operation_)
                self->fail("could not connect");
        });
        return;
    }
    PQsetNoticeProcessor(connection_, log_notice, nullptr);
    if (!adopt_socket())
        return;
    socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                       [self = shared_from_this(), connected = connected_](error_code error) {
                           if (!error && connected == self->connected_)
                               self->poll_connect();
                       });
}

// libpq may have opened another socket since: the next address of the host.
bool PgConnection::adopt_socket() {
    const int fd = PQsocket(connection_);
    if (socket_.is_open() && socket_.native_handle() == fd)
        return true;
    if (socket_.is_open())
        socket_.release();
    error_code error;
    if (fd >= 0)
        socket_.assign(fd, error);
    if (fd < 0 || error) {
        asio::post(io_, [self = shared_from_this(), operation = operation_] {
            if (operation == self->operation_)
                self->fail("could not connect");
        });
        return false;
    }
    return true;
}

void PgConnection::poll_connect() {
    // The number of the descriptor may come again for another socket: let it go before libpq may close it.
    socket_.release();
    const PostgresPollingStatusType status = PQconnectPoll(connection_);
    if (status == PGRES_POLLING_FAILED)
        return fail("could not connect");
    if (!adopt_socket())
        return;
    if (status == PGRES_POLLING_OK) {
        PQsetnonblocking(connection_, 1);
        return finish({});
    }
    const auto what = status == PGRES_POLLING_READING ? asio::posix::stream_descriptor::wait_read
                                                      : asio::posix::stream_descriptor::wait_write;
    socket_.async_wait(what, [self = shared_from_this(), connected = connected_](error_code error) {
        if (!error && connected == self->connected_)
            self->poll_connect();
    });
}

void PgConnection::begin(State state, int sent) {
    state_ = state;
    ++operation_;
    rows_ = {};
    in_copy_ = false;
    paused_ = false;
    arm_deadline();
    if (sent != 1) {
        asio::post(io_, [self = shared_from_this(), operation = operation_] {
            if (operation == self->operation_)
                self->fail("could not send a statement");
        });
        return;
    }
    flush();
    wait_readable();
}

void PgConnection::query(const std::string& statement, Rows done) {
    rows_done_ = std::move(done);
    begin(State::kQuery, connection_ != nullptr ? PQsendQuery(connection_, statement.c_str()) : 0);
}

void PgConnection::query(const std::string& statement, const std::vector<std::string>& parameters, Rows done) {
    std::vector<const char*> values;
    for (const std::string& parameter : parameters)
        values.push_back(parameter.c_str());
    rows_done_ = std::move(done);
    begin(State::kQuery, connection_ != nullptr
                             ? PQsendQueryParams(connection_, statement.c_str(), static_cast<int>(values.size()),
                                                 nullptr, values.data(), nullptr, nullptr, 0)
                             : 0);
}

void PgConnection::copy_out(const std::string& statement, Data data, Done done) {
    data_ = std::move(data);
    done_ = std::move(done);
    begin(State::kCopyOut, connection_ != nullptr ? PQsendQuery(connection_, statement.c_str()) : 0);
}

void PgConnection::copy_both(const std::string& statement, Done started, Data data, Done ended) {
    started_ = std::move(started);
    data_ = std::move(data);
    done_ = std::move(ended);
    begin(State::kCopyBoth, connection_ != nullptr ? PQsendQuery(connection_, statement.c_str()) : 0);
}

void PgConnection::resume() {
    if (!paused_)
        return;
    paused_ = false;
    // Never from within the caller: what libpq has buffered goes first.
    asio::post(io_, [self = shared_from_this(), operation = operation_] {
        if (operation == self->operation_ && !self->paused_)
            self->drain_results();
    });
}

void PgConnection::send(std::string_view message) {
    if (state_ != State::kCopyBoth || !in_copy_)
        return;
    if (PQputCopyData(connection_, message.data(), static_cast<int>(message.size())) < 0)
        return fail("could not send");
    flush();
}

void PgConnection::send_end() {
    if (state_ != State::kCopyBoth || !in_copy_)
        return;
    if (PQputCopyEnd(connection_, nullptr) < 0)
        return fail("could not end the stream");
    flush();
}

void PgConnection::flush() {
    if (waiting_writable_ || connection_ == nullptr)
        return;
    const int left = PQflush(connection_);
    if (left < 0)
        return fail("could not send");
    if (left == 0)
        return;
    waiting_writable_ = true;
    socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                       [self = shared_from_this(), connected = connected_](error_code error) {
                           if (connected != self->connected_)
                               return;
                           self->waiting_writable_ = false;
                           if (!error)
                               self->flush();
                       });
}

void PgConnection::wait_readable() {
    if (waiting_readable_ || paused_ || state_ == State::kClosed)
        return;
    waiting_readable_ = true;
    socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [self = shared_from_this(), connected = connected_](error_code error) {
                           if (connected != self->connected_)
                               return;
                           self->waiting_readable_ = false;
                           // Between operations nothing is expected; what came is read with the next.
                           if (!error && self->state_ != State::kIdle)
                               self->readable();
                       });
}

void PgConnection::readable() {
    if (PQconsumeInput(connection_) != 1)
        return fail("the connection was lost");
    drain_results();
}

// Takes the messages of a COPY that have come. False: there is no more to do for now.
bool PgConnection::take_copy_data() {
    const std::uint64_t operation = operation_;
    // The handler may close the connection, and with it the handler.
    Data data = std::move(data_);
    for (;;) {
        char* bytes = nullptr;
        const int size = PQgetCopyData(connection_, &bytes, 1);
        if (size <= 0) {
            data_ = std::move(data);
            in_copy_ = size == 0 || size < -1;
            if (size < -1)
                fail("the stream broke");
            return size == -1; // a result follows
        }
        const bool more = data(std::string_view(bytes, static_cast<std::size_t>(size)));
        PQfreemem(bytes);
        if (operation != operation_) // closed by the handler
            return false;
        if (!more) {
            data_ = std::move(data);
            paused_ = true;
            return false;
        }
    }
}

void PgConnection::drain_results() {
    const auto self = shared_from_this();
    const std::uint64_t operation = operation_;
    if (state_ == State::kCopyOut)
        arm_deadline();
    for (;;) {
        if (in_copy_ && !take_copy_data()) {
            if (operation_ == operation)
                wait_readable();
            return;
        }
        if (PQisBusy(connection_)) {
            wait_readable();
            return;
        }
        PGresult* result = PQgetResult(connection_);
        if (result == nullptr)
            break;
        const ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
            in_copy_ = true;
            if (status == PGRES_COPY_BOTH) {
                deadline_.cancel(); // it was that of the start
                paused_ = true;
                PQclear(result);
                if (started_)
                    std::exchange(started_, nullptr)({});
                return;
            }
        } else if (status == PGRES_TUPLES_OK) {
            for (int row = 0; row < PQntuples(result); ++row) {
                auto& fields = rows_.rows.emplace_back();
                for (int column = 0; column < PQnfields(result); ++column) {
                    if (PQgetisnull(result, row, column))
                        fields.emplace_back();
                    else
                        fields.emplace_back(std::string(PQgetvalue(result, row, column),
                                                        static_cast<std::size_t>(PQgetlength(result, row, column))));
                }
            }
        } else if (status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY && !rows_.error) {
            const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
            rows_.error = {one_line(PQresultErrorMessage(result)), state != nullptr ? state : ""};
            if (rows_.error.message.empty())
                rows_.error.message = "unexpected answer";
        }
        PQclear(result);
    }
    finish(PgError(rows_.error));
}

void PgConnection::arm_deadline() {
    deadline_.expires_after(timeout_);
    deadline_.async_wait([self = shared_from_this(), operation = operation_](error_code error) {
        if (error || operation != self->operation_ || self->deadline_.expiry() > std::chrono::steady_clock::now())
            return;
        self->finish({"timed out", ""});
    });
}

void PgConnection::fail(const std::string& what) {
    PgError error = last_error();
    error.message = error.message.empty() ? what : what + ": " + error.message;
    finish(std::move(error));
}

// The handlers go before they are called: they may begin the next operation, or close.
void PgConnection::finish(PgError error) {
    const auto self = shared_from_this();
    Done done = std::exchange(done_, nullptr);
    Done started = std::exchange(started_, nullptr);
    Rows rows_done = std::exchange(rows_done_, nullptr);
    Data data = std::exchange(data_, nullptr);
    PgRows rows = std::move(rows_);
    rows_ = {};
    deadline_.cancel();
    ++operation_;
    if (error && (connection_ == nullptr || PQstatus(connection_) == CONNECTION_BAD || error.sqlstate.empty()))
        close(); // of no use any more
    else
        state_ = State::kIdle;
    if (rows_done) {
        rows.error = std::move(error);
        rows_done(std::move(rows));
    } else if (started) {
        started(error ? error : PgError{"the server did not stream", ""});
    } else if (done) {
        done(error);
    }
}

PgError PgConnection::last_error() const {
    return {connection_ != nullptr ? one_line(PQerrorMessage(connection_)) : std::string(), ""};
}

std::string one_line(std::string_view message) {
    std::string out;
    for (const char c : message) {
        if (c == '\n' || c == '\r' || c == '\t')
            out += ' ';
        else
            out += c;
    }
    while (!out.empty() && out.back() == ' ')
        out.pop_back();
    return out;
}

std::string quote_identifier(std::string_view name) {
    std::string out = "\"";
    for (const char c : name) {
        if (c == '"')
            out += '"';
        out += c;
    }
    return out + '"';
}

std::string quote_literal(std::string_view text) {
    const bool escapes = text.find('\\') != std::string_view::npos;
    std::string out = escapes ? "E'" : "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\')
            out += c;
        out += c;
    }
    return out + '\'';
}

std::string quote_qualified(std::string_view name) {
    std::vector<std::string> parts;
    std::size_t i = 0;
    for (;;) {
        std::string part;
        if (i < name.size() && name[i] == '"') {
            for (++i;; ++i) {
                if (i >= name.size())
                    return {};
                if (name[i] == '"' && (++i >= name.size() || name[i] != '"'))
                    break;
                part += name[i];
            }
        } else {
            for (; i < name.size() && name[i] != '.' && name[i] != '"' && name[i] != ' '; ++i)
                part += name[i] >= 'A' && name[i] <= 'Z' ? static_cast<char>(name[i] + 32) : name[i];
        }
        if (part.empty())
            return {};
        parts.push_back(part);
        if (i == name.size())
            break;
        if (name[i++] != '.')
            return {};
    }
    return parts.size() == 2 ? quote_identifier(parts[0]) + "." + quote_identifier(parts[1]) : std::string();
}

} // namespace availability::relay

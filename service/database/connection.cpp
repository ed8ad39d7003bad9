#include "service/database/connection.hpp"

#include <algorithm>

#include <boost/asio/post.hpp>
#include <openssl/ssl.h>
#include <spdlog/spdlog.h>

#include "relay/source/pg_connection.hpp"

namespace availability::database {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr unsigned kTextOid = 25;
constexpr unsigned kBoolOid = 16;

// Settings of this transaction alone: the pipeline is one. Whether the server is a standby is asked before the
// statement takes its snapshot, so that one which is promoted in between can't pass old rows for the truth.
constexpr char kPreambleName[] = "availability_preamble";
constexpr char kPreamble[] =
    "SELECT pg_catalog.set_config('statement_timeout', coalesce($1, pg_catalog.current_setting('statement_timeout')), "
    "true),"
    " CASE WHEN $2 THEN pg_catalog.set_config('row_security', 'off', true) END, pg_catalog.pg_is_in_recovery()";
constexpr Oid kPreambleTypes[] = {kTextOid, kBoolOid};

// What an overdue server has until its connection is closed.
constexpr std::chrono::milliseconds kGrace(250);

void log_notice(void*, const char* message) {
    spdlog::debug("database: {}", relay::one_line(message));
}

std::string field(const PGresult* result, int code) {
    const char* text = PQresultErrorField(result, code);
    return text != nullptr ? text : "";
}

// The server's own timeout for what is left until the deadline: a moment less, so that it can say so itself.
std::string statement_timeout(Clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    return std::to_string(std::clamp<std::int64_t>(left - std::min<std::int64_t>(left / 10, 50), 1, 2000000000));
}

bool is_lower_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

} // namespace

bool is_traceparent(const std::string& text) {
    const auto zero = [](std::string_view part) { return part.find_first_not_of('0') == std::string_view::npos; };
    const std::string_view view = text;
    return view.size() == 55 && view[2] == '-' && view[35] == '-' && view[52] == '-' &&
           is_lower_hex(view.substr(0, 2)) && is_lower_hex(view.substr(3, 32)) && is_lower_hex(view.substr(36, 16)) &&
           is_lower_hex(view.substr(53)) && view.substr(0, 2) != "ff" && !zero(view.substr(3, 32)) &&
           !zero(view.substr(36, 16));
}

std::string with_traceparent(const std::string& text, const std::string& traceparent) {
    return is_traceparent(traceparent) ? text + " /*traceparent='" + traceparent + "'*/" : text;
}

Connection::Connection(asio::io_context& io) : io_(io), socket_(io), deadline_(io) {}

Connection::~Connection() {
    close();
}

void Connection::close() {
    operation_++;
    state_ = State::kClosed;
    waiting_readable_ = waiting_writable_ = false;
    deadline_.cancel();
    if (socket_.is_open())
        socket_.release(); // libpq closes it
    if (connection_ != nullptr)
        PQfinish(connection_);
    connection_ = nullptr;
    connected_ = nullptr;
    executed_ = nullptr;
    lost_ = nullptr;
    settled_ = nullptr;
}

void Connection::abort() {
    QueryResult result;
    result.error.kind = QueryError::Kind::kLost;
    result.error.sent = true;
    result.error.message = "the pool is being closed";
    if (executed_)
        asio::post(io_, [executed = std::move(executed_), result = std::move(result)] { executed(result); });
    close();
}

std::string Connection::last_error() const {
    return connection_ != nullptr ? relay::one_line(PQerrorMessage(connection_)) : std::string();
}

// --- connecting ------------------------------------------------------------------------------------------------------

void Connection::connect(const Parameters& parameters, Clock::time_point deadline, Connected done) {
    close();
    state_ = State::kConnecting;
    connected_ = std::move(done);
    std::vector<const char*> keywords, values;
    for (const auto& [keyword, value] : parameters) {
        keywords.push_back(keyword.c_str());
        values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    connection_ = PQconnectStartParams(keywords.data(), values.data(), 0);
    arm(deadline);
    if (connection_ == nullptr || PQstatus(connection_) == CONNECTION_BAD)
        return connect_failed("could not connect");
    PQsetNoticeProcessor(connection_, log_notice, nullptr);
    if (!adopt_socket())
        return;
    socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                       [self = shared_from_this(), operation = operation_](error_code error) {
                           if (!error && operation == self->operation_)
                               self->poll_connect();
                       });
}

// libpq may have opened another socket since: the next address.
bool Connection::adopt_socket() {
    const int fd = PQsocket(connection_);
    error_code error;
    if (fd >= 0)
        socket_.assign(fd, error);
    if (fd >= 0 && !error)
        return true;
    connect_failed("could not connect");
    return false;
}

void Connection::poll_connect() {
    // The number of the descriptor may come again for another socket: let it go before libpq may close it.
    socket_.release();
    const PostgresPollingStatusType status = PQconnectPoll(connection_);
    if (status == PGRES_POLLING_FAILED)
        return connect_failed("could not connect");
    if (!adopt_socket())
        return;
    if (status == PGRES_POLLING_OK) {
        deadline_.cancel();
        operation_++;
        if (PQsetnonblocking(connection_, 1) != 0 || PQenterPipelineMode(connection_) != 1)
            return connect_failed("could not set the connection up");
        state_ = State::kIdle;
        wait_readable();
        return std::exchange(connected_, nullptr)(std::string());
    }
    const auto what = status == PGRES_POLLING_READING ? asio::posix::stream_descriptor::wait_read
                                                      : asio::posix::stream_descriptor::wait_write;
    socket_.async_wait(what, [self = shared_from_this(), operation = operation_](error_code error) {
        if (!error && operation == self->operation_)
            self->poll_connect();
    });
}

// Never from within the call.
void Connection::connect_failed(const std::string& what) {
    const std::string error = last_error();
    asio::post(io_, [self = shared_from_this(), operation = operation_, problem = error.empty() ? what : error] {
        if (operation != self->operation_)
            return;
        const Connected done = std::exchange(self->connected_, nullptr);
        self->close();
        done(problem);
    });
}

void Connection::arm(Clock::time_point deadline) {
    if (deadline == Clock::time_point::max())
        return;
    deadline_.expires_at(deadline);
    deadline_.async_wait([self = shared_from_this(), operation = operation_](error_code error) {
        if (error || operation != self->operation_)
            return;
        if (self->state_ == State::kConnecting) {
            const Connected done = std::exchange(self->connected_, nullptr);
            self->close();
            done("could not connect in time");
        } else if (self->overdue_) {
            self->give_up("no answer");
        } else {
            self->too_late();
        }
    });
}

// --- a query ---------------------------------------------------------------------------------------------------------

void Connection::execute(const Query& query, bool prepare, Executed done) {
    state_ = State::kBusy;
    operation_++;
    executed_ = std::move(done);
    result_ = {};
    steps_.clear();
    preparing_.clear();
    primary_only_ = query.primary_only;
    is_standby_ = false;
    overdue_ = false;
    arm(query.deadline);
    if (!send(query, prepare)) {
        asio::post(io_, [self = shared_from_this(), operation = operation_] {
            if (operation == self->operation_)
                self->give_up("could not send");
        });
        return;
    }
    flush();
    wait_readable();
}

bool Connection::send(const Query& query, bool prepare) {
    const bool sent =
        send_preamble(query, prepare) && send_statement(query, prepare) && PQpipelineSync(connection_) == 1;
    steps_.push_back(Step::kEnd);
    std::reverse(steps_.begin(), steps_.end());
    return sent;
}

bool Connection::send_preamble(const Query& query, bool prepare) {
    const bool timed = query.deadline != Clock::time_point::max();
    if (!timed && !query.primary_only)
        return true;
    const std::string timeout = timed ? statement_timeout(query.deadline) : std::string();
    const char* const values[] = {timed ? timeout.c_str() : nullptr, query.primary_only ? "t" : "f"};
    if (!prepare) {
        steps_.push_back(Step::kPreamble);
        return PQsendQueryParams(connection_, kPreamble, 2, kPreambleTypes, values, nullptr, nullptr, 0) == 1;
    }
    if (!send_prepare(kPreambleName, kPreamble, 2, kPreambleTypes))
        return false;
    steps_.push_back(Step::kPreamble);
    return PQsendQueryPrepared(connection_, kPreambleName, 2, values, nullptr, nullptr, 0) == 1;
}

// Unless it is there already.
bool Connection::send_prepare(const char* name, const char* text, int count, const Oid* types) {
    if (prepared_.count(name) != 0)
        return true;
    preparing_.emplace_back(name);
    steps_.push_back(Step::kPrepare);
    return PQsendPrepare(connection_, name, text, count, types) == 1;
}

bool Connection::send_statement(const Query& query, bool prepare) {
    std::vector<const char*> values;
    values.reserve(query.parameters.size());
    for (const auto& parameter : query.parameters)
        values.push_back(parameter ? parameter->c_str() : nullptr);
    std::vector<Oid> types(query.types.begin(), query.types.end());
    types.resize(values.size());
    const int count = static_cast<int>(values.size());
    if (!prepare || query.name.empty() || is_traceparent(query.traceparent)) {
        steps_.push_back(Step::kStatement);
        return PQsendQueryParams(connection_, with_traceparent(query.text, query.traceparent).c_str(), count,
                                 types.data(), values.data(), nullptr, nullptr, 0) == 1;
    }
    if (!send_prepare(query.name.c_str(), query.text.c_str(), count, types.data()))
        return false;
    steps_.push_back(Step::kStatement);
    return PQsendQueryPrepared(connection_, query.name.c_str(), count, values.data(), nullptr, nullptr, 0) == 1;
}

void Connection::flush() {
    if (waiting_writable_ || state_ != State::kBusy)
        return;
    const int left = PQflush(connection_);
    if (left < 0) // what the server said before it went may still be read
        return;
    if (left == 0)
        return;
    waiting_writable_ = true;
    socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                       [self = shared_from_this(), connection = connection_](error_code error) {
                           if (connection != self->connection_ || self->is_closed())
                               return;
                           self->waiting_writable_ = false;
                           if (!error)
                               self->flush();
                       });
}

void Connection::wait_readable() {
    if (waiting_readable_ || is_closed())
        return;
    waiting_readable_ = true;
    socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [self = shared_from_this(), connection = connection_](error_code error) {
                           if (connection != self->connection_ || self->is_closed())
                               return;
                           self->waiting_readable_ = false;
                           if (!error)
                               self->readable();
                       });
}

void Connection::readable() {
    bool works = PQconsumeInput(connection_) == 1;
    // What TLS has decrypted already, the socket does not tell of: a record may be longer than what libpq had room for
    // (servers before 17 send records that always fit).
    auto* tls = static_cast<SSL*>(PQsslStruct(connection_, "OpenSSL"));
    while (works && tls != nullptr && SSL_pending(tls) > 0)
        works = PQconsumeInput(connection_) == 1;
    if (state_ == State::kBusy) {
        drain_results();
        if (works || state_ != State::kBusy)
            return;
        return give_up("the connection was lost");
    }
    if (works)
        return wait_readable();
    const auto lost = std::exchange(lost_, nullptr);
    close();
    if (lost)
        lost();
}

void Connection::drain_results() {
    while (!PQisBusy(connection_)) {
        PGresult* result = PQgetResult(connection_);
        if (result != nullptr) {
            const bool ended = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
            take(result);
            PQclear(result);
            if (ended)
                return done();
        } else if (steps_.size() > 1) {
            steps_.pop_back();
        } else if (PQstatus(connection_) == CONNECTION_BAD) {
            return give_up("the connection was lost");
        }
    }
    wait_readable();
}

void Connection::take(PGresult* result) {
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
        if (steps_.back() == Step::kPreamble)
            is_standby_ = PQntuples(result) == 1 && PQgetvalue(result, 0, 2)[0] == 't';
        else if (steps_.back() == Step::kStatement)
            take_rows(result);
        break;
    case PGRES_COMMAND_OK:
        if (steps_.back() == Step::kPrepare && !preparing_.empty()) {
            prepared_.insert(std::move(preparing_.front()));
            preparing_.pop_front();
        }
        break;
    case PGRES_PIPELINE_SYNC:
    case PGRES_PIPELINE_ABORTED:
    case PGRES_EMPTY_QUERY:
        break;
    default: {
        if (result_.error)
            break;
        QueryError& error = result_.error;
        error.kind = QueryError::Kind::kServer;
        error.sqlstate = field(result, PG_DIAG_SQLSTATE);
        const std::string severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
        error.fatal = severity == "FATAL" || severity == "PANIC";
        error.message = field(result, PG_DIAG_MESSAGE_PRIMARY);
        error.detail = field(result, PG_DIAG_MESSAGE_DETAIL);
        error.hint = field(result, PG_DIAG_MESSAGE_HINT);
        error.constraint = field(result, PG_DIAG_CONSTRAINT_NAME);
        if (error.message.empty())
            error.message = relay::one_line(PQresultErrorMessage(result));
    }
    }
}

void Connection::take_rows(PGresult* result) {
    result_.rows.reserve(static_cast<std::size_t>(PQntuples(result)));
    for (int row = 0; row < PQntuples(result); row++) {
        auto& fields = result_.rows.emplace_back(static_cast<std::size_t>(PQnfields(result)));
        for (int column = 0; column < PQnfields(result); column++)
            if (!PQgetisnull(result, row, column))
                fields[static_cast<std::size_t>(column)].emplace(
                    PQgetvalue(result, row, column), static_cast<std::size_t>(PQgetlength(result, row, column)));
    }
}

// The transaction has ended.
void Connection::done() {
    if (!result_.error && primary_only_ && is_standby_) {
        result_.error.kind = QueryError::Kind::kServer;
        result_.error.fatal = true;
        result_.error.sqlstate = "25006";
        result_.error.message = "the server is a standby";
    }
    result_.error.sent = true;
    if (result_.error)
        result_.rows.clear();
    // The server gave up for the timeout that it was given, or for one of its own.
    if (result_.error.sqlstate == "57014")
        result_.error.kind = QueryError::Kind::kTimeout;
    state_ = State::kIdle;
    operation_++;
    deadline_.cancel();
    wait_readable();
    if (overdue_) {
        if (const auto settled = std::exchange(settled_, nullptr))
            settled(true);
        return;
    }
    std::exchange(executed_, nullptr)(std::move(result_));
}

// Who asked is told; the server has a moment more.
void Connection::too_late() {
    overdue_ = true;
    arm(Clock::now() + kGrace);
    QueryResult result;
    result.error.kind = QueryError::Kind::kTimeout;
    result.error.sent = true;
    result.error.message = "no answer by the deadline";
    std::exchange(executed_, nullptr)(std::move(result));
}

// The connection is of no more use.
void Connection::give_up(const std::string& what) {
    const auto self = shared_from_this();
    QueryResult result;
    result.error = std::move(result_.error); // what the server said last, if it did
    result.error.kind = QueryError::Kind::kLost;
    result.error.sent = true;
    const std::string error = last_error();
    if (result.error.message.empty())
        result.error.message = error.empty() ? what : error;
    const Executed executed = std::exchange(executed_, nullptr);
    const auto settled = std::exchange(settled_, nullptr);
    close();
    if (executed)
        executed(std::move(result));
    else if (settled)
        settled(false);
}

} // namespace availability::database

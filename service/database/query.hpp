// A statement, and how it went.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace availability::database {

using Clock = std::chrono::steady_clock;

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
    // Of kServer: the server ends the connection, or is a standby. No trigger can raise that, whatever SQLSTATE it
    // takes.
    bool fatal = false;
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

} // namespace availability::database

// Loads every calendar from the database: by several connections at once, in one snapshot.
//
// The snapshot is one of the moment, taken after the slot is ours. Every change since is still to come from the stream
// or has come from it, and a version tells which of the two is newer: so no snapshot of the slot's own making is
// needed, and the relay may load anew at any time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "relay/event.hpp"
#include "relay/source/pg_connection.hpp"

namespace availability::relay {

struct LoadedRow {
    std::uint16_t table;
    Key listing;
    std::int64_t version = 0;
    std::string_view booked; // validated
    bool readable = true;    // else there is the listing, and nothing is known of its calendar
};

class Loader {
  public:
    struct Result {
        PgError error;
        std::uint64_t lsn = 0; // the stream is as new as what was loaded once it has passed it
        std::uint64_t rows = 0;
        std::uint64_t invalid = 0; // rows whose calendar can't be read
    };
    using Row = std::function<void(const LoadedRow&)>;
    using Done = std::function<void(const Result&)>;

    Loader(boost::asio::io_context& io, std::string conninfo, std::vector<std::string> tables, int connections,
           std::chrono::milliseconds timeout);
    ~Loader();

    // Once. `row` for each calendar, then `done` once.
    void start(Row row, Done done);
    void close();

  private:
    struct Part {
        std::uint16_t table;
        std::string statement;
    };
    struct Worker {
        PgConnectionPtr connection;
        std::string pending; // bytes of a tuple that is not complete
        bool header = false;
    };

    void connect_coordinator();
    void export_snapshot();
    void describe(std::size_t table);
    void start_workers();
    void begin(const std::shared_ptr<Worker>& worker);
    void next_part(const std::shared_ptr<Worker>& worker);
    bool on_data(Worker& worker, const Part& part, std::string_view bytes);
    bool read_tuple(const Part& part, std::string_view* bytes);
    void fail(const PgError& error, const std::string& what);
    void finish();

    boost::asio::io_context& io_;
    std::string conninfo_;
    std::vector<std::string> tables_;
    int connections_;
    std::chrono::milliseconds timeout_;
    PgConnectionPtr coordinator_;
    std::vector<std::shared_ptr<Worker>> workers_;
    std::vector<Part> parts_;
    std::vector<bool> numbers_; // whether a table's listings are numbers
    std::size_t next_part_ = 0;
    std::size_t busy_ = 0;
    std::string snapshot_;
    Row row_;
    Done done_;
    Result result_;
};

} // namespace availability::relay

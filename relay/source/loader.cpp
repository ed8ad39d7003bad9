#include "relay/source/loader.hpp"

#include <charconv>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "extension/core/dayset_validate.hpp"
#include "relay/source/lsn.hpp"

namespace availability::relay {

namespace {

// Binary COPY: the signature, flags and the length of the extension, then tuples.
constexpr std::string_view kCopySignature("PGCOPY\n\377\r\n\0", 11);
constexpr std::size_t kCopyHeader = 11 + 4 + 4;

// A commit that waits for a synchronous standby has been sent, and may have been confirmed, before any snapshot shows
// it: its event would not come again, and the row of before would stay. They are let go in the order of the WAL,
// whichever mode they wait in, so that who has waited behind them all reads a snapshot that shows them.
constexpr char kWait[] = "SET synchronous_commit = remote_apply;"
                         " SELECT pg_catalog.pg_logical_emit_message(true, 'availability-relay-load', '')";
constexpr char kBegin[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
// With row security the calendars that the role may see would pass for all: an error is better.
constexpr char kSettings[] =
    "SET row_security = off; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";

std::uint32_t read32(std::string_view bytes) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

} // namespace

Loader::Loader(boost::asio::io_context& io, std::string conninfo, std::vector<std::string> tables, int connections,
               std::chrono::milliseconds timeout)
    : io_(io), conninfo_(std::move(conninfo)), tables_(std::move(tables)), connections_(connections),
      timeout_(timeout) {}

Loader::~Loader() {
    close();
}

void Loader::close() {
    if (coordinator_ != nullptr)
        coordinator_->close();
    for (const auto& worker : workers_)
        worker->connection->close();
    coordinator_ = nullptr;
    workers_.clear();
    done_ = nullptr;
}

void Loader::start(Row row, Done done) {
    row_ = std::move(row);
    done_ = std::move(done);
    connect_coordinator();
}

void Loader::connect_coordinator() {
    coordinator_ = std::make_shared<PgConnection>(io_, timeout_);
    coordinator_->connect(conninfo_, false, [this](const PgError& error) {
        if (error)
            return fail(error, "could not connect to load calendars");
        coordinator_->query(kWait, [this](PgRows waited) {
            if (waited.error)
                return fail(waited.error, "could not wait for the commits under way");
            coordinator_->query(fmt::format("{}; {}", kSettings, kBegin), [this](PgRows rows) {
                if (rows.error)
                    return fail(rows.error, "could not load calendars");
                export_snapshot();
            });
        });
    });
}

void Loader::export_snapshot() {
    coordinator_->query("SELECT pg_catalog.pg_export_snapshot(), CASE WHEN pg_catalog.pg_is_in_recovery()"
                        " THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_insert_lsn() END",
                        [this](PgRows rows) {
                            if (rows.error || rows.rows.size() != 1)
                                return fail(rows.error, "could not export a snapshot");
                            snapshot_ = rows.text(0, 0);
                            // Read after the snapshot was taken: all that it shows was committed before there.
                            if (!parse_lsn(rows.text(0, 1), &result_.lsn))
                                return fail({}, "could not read the position");
                            describe(0);
                        });
}

// The type of the key and the size of each table, cut in parts of some pages.
void Loader::describe(std::size_t table) {
    if (table == tables_.size())
        return start_workers();
    const std::string name = quote_qualified(tables_[table]);
    coordinator_->query(
        "SELECT a.atttypid IN (20, 21, 23), pg_catalog.pg_relation_size(a.attrelid) / "
        "pg_catalog.current_setting('block_size')::int"
        " FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::pg_catalog.regclass AND a.attname = 'listing_id' AND "
        "NOT a.attisdropped",
        {name}, [this, table, name](PgRows rows) {
            if (rows.error || rows.rows.size() != 1)
                return fail(rows.error, fmt::format("{} is no calendar companion", name));
            numbers_.push_back(rows.text(0, 0) == "t");
            std::uint64_t pages = 0;
            const std::string& text = rows.text(0, 1);
            std::from_chars(text.data(), text.data() + text.size(), pages);
            const std::uint64_t step =
                std::max<std::uint64_t>(pages / (static_cast<std::uint64_t>(connections_) * 4), 256);
            for (std::uint64_t page = 0; page == 0 || page < pages; page += step) {
                // The last part has no end: the table may have grown.
                const std::string end = page + step < pages ? fmt::format(" AND ctid < '({},0)'", page + step) : "";
                parts_.push_back(
                    {static_cast<std::uint16_t>(table),
                     fmt::format(
                         "COPY (SELECT listing_id::pg_catalog.text, version, booked::pg_catalog.bytea FROM ONLY {}"
                         " WHERE ctid >= '({},0)'{}) TO STDOUT (FORMAT binary)",
                         name, page, end)});
            }
            describe(table + 1);
        });
}

void Loader::start_workers() {
    const std::size_t count = std::min<std::size_t>(static_cast<std::size_t>(connections_), parts_.size());
    busy_ = count;
    for (std::size_t i = 0; i < count; ++i) {
        auto worker = std::make_shared<Worker>();
        worker->connection = std::make_shared<PgConnection>(io_, timeout_);
        workers_.push_back(worker);
        worker->connection->connect(conninfo_, false, [this, worker](const PgError& error) {
            if (error)
                return fail(error, "could not connect to load calendars");
            begin(worker);
        });
    }
}

void Loader::begin(const std::shared_ptr<Worker>& worker) {
    worker->connection->query(
        fmt::format("{}; {}; SET TRANSACTION SNAPSHOT {}", kSettings, kBegin, quote_literal(snapshot_)),
        [this, worker](PgRows rows) {
            if (rows.error)
                return fail(rows.error, "could not take the snapshot over");
            next_part(worker);
        });
}

void Loader::next_part(const std::shared_ptr<Worker>& worker) {
    if (next_part_ == parts_.size()) {
        worker->connection->close();
        if (--busy_ == 0)
            finish();
        return;
    }
    const std::size_t index = next_part_++;
    worker->header = false;
    worker->pending.clear();
    worker->connection->copy_out(
        parts_[index].statement,
        [this, worker, index](std::string_view bytes) { return on_data(*worker, parts_[index], bytes); },
        [this, worker](const PgError& error) {
            if (error)
                return fail(error, "could not load calendars");
            next_part(worker);
        });
}

bool Loader::on_data(Worker& worker, const Part& part, std::string_view bytes) {
    if (!worker.pending.empty()) {
        worker.pending.append(bytes);
        bytes = worker.pending;
    }
    if (!worker.header && bytes.size() >= kCopyHeader) {
        if (bytes.substr(0, kCopySignature.size()) != kCopySignature)
            return fail({}, "malformed answer to COPY"), false;
        bytes.remove_prefix(kCopyHeader);
        worker.header = true;
    }
    while (worker.header && read_tuple(part, &bytes)) {
    }
    worker.pending = std::string(bytes);
    return true;
}

// Reads a whole tuple of three fields and hands it over; false if it is not all there, or is the end.
bool Loader::read_tuple(const Part& part, std::string_view* bytes) {
    std::string_view rest = *bytes;
    if (rest.size() < 2)
        return false;
    const auto count =
        static_cast<std::int16_t>(static_cast<unsigned char>(rest[0]) << 8 | static_cast<unsigned char>(rest[1]));
    rest.remove_prefix(2);
    if (count == -1) {
        *bytes = rest;
        return false;
    }
    std::string_view fields[3];
    for (std::string_view& field : fields) {
        if (rest.size() < 4)
            return false;
        const std::uint32_t size = read32(rest);
        rest.remove_prefix(4);
        if (size == UINT32_MAX)
            continue; // NULL
        if (rest.size() < size)
            return false;
        field = rest.substr(0, size);
        rest.remove_prefix(size);
    }
    *bytes = rest;
    ++result_.rows;

    if (fields[0].data() == nullptr) { // nobody's
        ++result_.invalid;
        return true;
    }
    LoadedRow row{part.table, {}, 0, fields[2]};
    if (numbers_[part.table]) {
        std::from_chars(fields[0].data(), fields[0].data() + fields[0].size(), row.listing.number);
        row.listing.kind = Key::Kind::kNumber;
    } else {
        row.listing = Key::of(fields[0]);
    }
    DaysetView view;
    bool canonical = false;
    if (fields[1].size() != 8 || validate(fields[2].data(), fields[2].size(), &view, &canonical) != nullptr) {
        ++result_.invalid;
        row.readable = false;
        row_(row);
        return true;
    }
    row.version = static_cast<std::int64_t>(std::uint64_t{read32(fields[1])} << 32 | read32(fields[1].substr(4)));
    row_(row);
    return true;
}

void Loader::fail(const PgError& error, const std::string& what) {
    result_.error = {error ? what + ": " + error.message : what, error.sqlstate};
    finish();
}

void Loader::finish() {
    Done done = std::exchange(done_, nullptr);
    const Result result = result_;
    close();
    if (done)
        done(result);
}

} // namespace availability::relay

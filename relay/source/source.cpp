#include "relay/source/source.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "relay/clock.hpp"
#include "relay/source/lsn.hpp"

namespace availability::relay {

namespace {

using std::chrono::milliseconds;

constexpr char kPlugin[] = "availability_decoder";
constexpr char kObjectInUse[] = "55006";
constexpr char kUndefinedTable[] = "42P01";
constexpr char kUndefinedSchema[] = "3F000";
constexpr char kInsufficientPrivilege[] = "42501";
constexpr milliseconds kFirstBackOff(100);
constexpr milliseconds kLastBackOff(5000);
// Another relay has the slot: how long after it has gone this one takes over.
constexpr milliseconds kTakeover(300);
constexpr int kFailoverVersion = 170000;
// Making a slot waits for every transaction that runs.
constexpr std::chrono::hours kMakeSlotTimeout(1);
constexpr milliseconds kLastWords(100);
constexpr int kConfirmationsOfSlotMetrics = 5;

// Whether the same may work in a moment: the connection was lost, the server ends or begins, or lacks resources.
bool passes(const PgError& error) {
    const std::string_view kind = std::string_view(error.sqlstate).substr(0, 2);
    return error && (kind.empty() || kind == "08" || kind == "53" || kind == "57");
}

} // namespace

Source::Source(boost::asio::io_context& io, const Settings& settings, bool bootstrap, SourceHandler& handler)
    : io_(io), settings_(settings), bootstrap_(bootstrap), handler_(handler),
      assembler_(settings.database_tables, handler),
      stream_(io, std::chrono::seconds(settings.database_timeout_seconds), *this), retry_timer_(io),
      heartbeat_timer_(io) {}

Source::~Source() {
    stream_.close();
    if (control_ != nullptr)
        control_->close();
    if (stream_connection_ != nullptr)
        stream_connection_->close();
}

void Source::start() {
    if (!settings_.relay_state_file.empty())
        if (const std::string error = read_state_file(settings_.relay_state_file, &memory_); !error.empty())
            return fatal(error);
    schedule_heartbeat();
    attempt();
}

void Source::restart(const std::string& reason, bool fresh) {
    if (fresh && fresh_reason_.empty())
        fresh_reason_ = reason;
    if (!streaming_) // the attempt that is under way sees to it
        return;
    spdlog::info("the stream begins anew: {}", reason);
    retry(milliseconds(0));
}

void Source::attempt() {
    ++life_;
    ++attempts_;
    if (stopped_)
        return;
    handler_.on_source_state("connecting", true);
    if (control_ != nullptr)
        control_->close();
    control_ = std::make_shared<PgConnection>(io_, std::chrono::seconds(settings_.database_timeout_seconds));
    control_busy_ = true;
    control_->connect(settings_.database_conninfo, false, [this](const PgError& error) {
        if (error)
            return failed("could not connect to the database", error);
        connect_stream();
    });
}

void Source::connect_stream() {
    stream_connection_ = std::make_shared<PgConnection>(
        io_, bootstrap_ ? milliseconds(kMakeSlotTimeout)
                        : milliseconds(std::chrono::seconds(settings_.database_timeout_seconds)));
    stream_connection_->connect(settings_.database_conninfo, true, [this](const PgError& error) {
        if (error)
            return failed("could not connect for replication", error);
        // A relay whose machine has gone lets go of the slot after this time.
        stream_connection_->query(fmt::format("SET wal_sender_timeout = '{}s'", settings_.database_timeout_seconds),
                                  [this](PgRows rows) {
                                      if (rows.error)
                                          return failed("could not set wal_sender_timeout", rows.error);
                                      identify();
                                  });
    });
}

void Source::identify() {
    stream_connection_->query("IDENTIFY_SYSTEM", [this](PgRows rows) {
        if (rows.error || rows.rows.size() != 1 || rows.rows[0].size() < 3 || !parse_lsn(rows.text(0, 2), &server_lsn_))
            return failed("could not identify the server", rows.error);
        system_id_ = rows.text(0, 0);
        timeline_ = std::strtoll(rows.text(0, 1).c_str(), nullptr, 10);
        if (bootstrap_)
            return make_state();
        // Timelines only ever grow: what a former primary says has been overtaken, however well it speaks.
        if (memory_.system_id == system_id_ && timeline_ < memory_.timeline)
            return failed(fmt::format("the server is on timeline {}, and timeline {} has been seen: it is a former "
                                      "primary, or was set back, which asks for availability-relay bootstrap",
                                      timeline_, memory_.timeline),
                          {});
        read_slot();
    });
}

// Before the slot is touched: an end in between must not leave a state that says that all is well.
void Source::make_state() {
    const std::string table = quote_qualified(settings_.database_state_table);
    const auto upsert = [this, table] {
        const Epoch at_least = std::max(static_cast<Epoch>(now_us()), memory_.epoch + 1);
        control_->query(upsert_state_statement(table, settings_.database_slot, at_least, system_id_, timeline_),
                        [this](PgRows rows) {
                            if (passes(rows.error))
                                return failed("could not write the state", rows.error);
                            if (rows.error)
                                return fatal("could not write the state: " + rows.error.message);
                            drop_slot();
                        });
    };
    control_->query(read_state_statement(table, settings_.database_slot), [this, table, upsert](PgRows rows) {
        if (!rows.error)
            return upsert();
        if (passes(rows.error))
            return failed("could not read the state", rows.error);
        control_->query(create_state_statement(table), [this, upsert](PgRows made) {
            if (passes(made.error))
                return failed(fmt::format("could not make table {}", settings_.database_state_table), made.error);
            if (made.error)
                return fatal(
                    fmt::format("could not make table {}: {}", settings_.database_state_table, made.error.message));
            upsert();
        });
    });
}

void Source::drop_slot() {
    const std::string slot = settings_.database_slot;
    control_->query(fmt::format("SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM "
                                "pg_catalog.pg_replication_slots WHERE slot_name = {}",
                                quote_literal(slot)),
                    [this, slot](PgRows rows) {
                        if (rows.error && rows.error.sqlstate == kObjectInUse)
                            return fatal(fmt::format("slot {} is in use: end the relay that has it first", slot));
                        if (passes(rows.error))
                            return failed("could not drop slot " + slot, rows.error);
                        if (rows.error)
                            return fatal(fmt::format("could not drop slot {}: {}", slot, rows.error.message));
                        make_slot();
                    });
}

void Source::make_slot() {
    const std::string slot = settings_.database_slot;
    spdlog::info("making slot {}; this waits for the transactions that run", slot);
    const bool failover = settings_.database_failover && stream_connection_->server_version() >= kFailoverVersion;
    stream_connection_->query(fmt::format("CREATE_REPLICATION_SLOT {} LOGICAL {} {}", quote_identifier(slot), kPlugin,
                                          failover ? "(SNAPSHOT 'nothing', FAILOVER true)" : "NOEXPORT_SNAPSHOT"),
                              [this, slot](PgRows rows) {
                                  if (passes(rows.error))
                                      return failed("could not make slot " + slot, rows.error);
                                  if (rows.error)
                                      return fatal(fmt::format("could not make slot {}: {}", slot, rows.error.message));
                                  bootstrap_ = false;
                                  memory_.system_id = system_id_;
                                  memory_.timeline = timeline_;
                                  memory_.lsn = 0;
                                  read_slot();
                              });
}

void Source::read_slot() {
    control_->query(
        read_state_statement(quote_qualified(settings_.database_state_table), settings_.database_slot),
        [this](PgRows rows) {
            const std::string& code = rows.error.sqlstate;
            if (code == kUndefinedTable || code == kUndefinedSchema)
                return fatal(fmt::format("table {} does not exist: run availability-relay bootstrap",
                                         settings_.database_state_table));
            if (code == kInsufficientPrivilege)
                return fatal(rows.error.message);
            RelayState state;
            if (!read_state(rows, &state))
                return failed("could not read the state", rows.error);
            if (state.in_recovery) // whose slots say nothing yet of those that it will have when it is promoted
                return failed("the server is a standby", {});
            const std::string& slot = settings_.database_slot;
            if (!state.slot_exists)
                return fatal(fmt::format(
                    "slot {} does not exist: changes since are unknown; run availability-relay bootstrap", slot));
            if (state.wal_status == "lost")
                return fatal(
                    fmt::format("slot {} is lost, its WAL was removed: run availability-relay bootstrap", slot));
            if (state.slot_plugin != kPlugin)
                return fatal(fmt::format("slot {} is of plugin {}, not {}", slot, state.slot_plugin, kPlugin));
            if (!state.exists)
                return fatal(fmt::format("slot {} has no state: run availability-relay bootstrap", slot));
            state_ = state;
            start_stream();
        });
}

void Source::start_stream() {
    if (state_.slot_active) {
        if (!waiting_told_)
            spdlog::info("slot {} is in use; waiting to take over", settings_.database_slot);
        waiting_told_ = true;
        handler_.on_source_state("waiting for the slot", true);
        retry_timer_.expires_after(kTakeover);
        retry_timer_.async_wait([this, life = life_](boost::system::error_code error) {
            if (!error && life == life_ && !stopped_)
                read_slot();
        });
        return;
    }
    waiting_told_ = false;
    std::string tables;
    for (const std::string& table : settings_.database_tables)
        tables += (tables.empty() ? "" : ",") + quote_qualified(table);
    const std::string statement = fmt::format(
        "START_REPLICATION SLOT {} LOGICAL 0/0 (format 'protobuf', transactions 'on', messages '{}', tables {})",
        quote_identifier(settings_.database_slot), kHeartbeatPrefix, quote_literal(tables));
    // Its own connection now; an error of the start leaves it.
    stream_.start(
        stream_connection_, statement,
        [this](const PgError& error) {
            if (error.sqlstate == kObjectInUse) { // another was faster
                state_.slot_active = true;
                return start_stream();
            }
            if (error)
                return failed("could not start the stream", error);
            started();
        },
        [this](const PgError& error) { failed("the stream ended", error); });
}

// The slot is ours, so what the slot and the state say now stays; what was read before may have been changed since by
// whoever had it.
void Source::started() {
    control_->query(
        read_state_statement(quote_qualified(settings_.database_state_table), settings_.database_slot),
        [this](PgRows rows) {
            RelayState state;
            if (!read_state(rows, &state) || !state.exists)
                return failed("could not read the state", rows.error);
            state_ = state;
            slot_confirmed_ = state.slot_confirmed;
            if (const std::string reason = why_fresh(); !reason.empty())
                return advance_epoch(reason);
            const bool contiguous = entered_ == state_.epoch && slot_confirmed_ <= confirmed_;
            if (!contiguous) // another relay had the slot meanwhile: what it confirmed, this one may never have seen
                entered_ = 0;
            enter(false);
        });
}

// Why what the sinks hold can't be trusted, empty if it can.
std::string Source::why_fresh() const {
    if (!fresh_reason_.empty())
        return fresh_reason_;
    if (!state_.loaded)
        return "the sinks have not had every calendar of the last epoch";
    if (slot_confirmed_ > state_.confirmed)
        return fmt::format("the slot stands at {}, and the relay confirmed {}: it was made anew or read by another",
                           format_lsn(slot_confirmed_), format_lsn(state_.confirmed));
    if (state_.system_id != system_id_)
        return "another database system";
    if (state_.timeline != timeline_)
        return fmt::format("timeline {} after {}", timeline_, state_.timeline);
    if (memory_.system_id == system_id_ && memory_.timeline == timeline_) {
        if (memory_.lsn > server_lsn_)
            return fmt::format("the database was set back: it stands at {}, and {} was seen", format_lsn(server_lsn_),
                               format_lsn(memory_.lsn));
        if (memory_.epoch > state_.epoch)
            return "the database was set back: its epoch is an earlier one";
    }
    return {};
}

void Source::advance_epoch(const std::string& reason) {
    const Epoch at_least = std::max(static_cast<Epoch>(now_us()), memory_.epoch + 1);
    control_->query(advance_epoch_statement(quote_qualified(settings_.database_state_table), settings_.database_slot,
                                            state_.epoch, at_least, system_id_, timeline_, slot_confirmed_),
                    [this, reason](PgRows rows) {
                        if (rows.error || rows.rows.size() != 1)
                            return failed("could not begin an epoch", rows.error);
                        state_.epoch = std::strtoull(rows.text(0, 0).c_str(), nullptr, 10);
                        state_.loaded = false;
                        state_.system_id = system_id_;
                        state_.timeline = timeline_;
                        spdlog::warn("epoch {} begins: {}", state_.epoch, reason);
                        fresh_reason_.clear();
                        entered_ = 0;
                        enter(true);
                    });
}

void Source::enter(bool fresh) {
    control_busy_ = false;
    failures_ = 0;
    streaming_ = true;
    heartbeats_.clear();
    memory_.epoch = state_.epoch;
    if (memory_.system_id != system_id_ || memory_.timeline != timeline_)
        memory_.lsn = 0;
    memory_.system_id = system_id_;
    memory_.timeline = timeline_;
    keep_position();
    assembler_.begin(state_.epoch);
    if (entered_ != state_.epoch) {
        entered_ = state_.epoch;
        confirmed_ = slot_confirmed_;
        received_ = slot_confirmed_;
        handler_.on_epoch(state_.epoch, fresh, slot_confirmed_);
    }
    stream_.confirm(slot_confirmed_);
    handler_.on_source_state("streaming", false);
    spdlog::info("streaming from slot {} at {}, epoch {}", settings_.database_slot, format_lsn(slot_confirmed_),
                 state_.epoch);
    beat();
    if (handler_.can_take() && !paused_for_good_)
        stream_.resume();
}

bool Source::on_message(std::string_view message) {
    assembler_.take(message);
    // What has been read by now goes on together.
    if (assembler_.pending() && !flush_posted_) {
        flush_posted_ = true;
        boost::asio::post(io_, [this] {
            flush_posted_ = false;
            if (streaming_)
                assembler_.flush();
        });
    }
    return handler_.can_take() && !paused_for_good_;
}

void Source::on_keepalive(std::uint64_t lsn) {
    assembler_.take_keepalive(lsn);
}

void Source::on_garbage(std::string_view what) {
    spdlog::error("the server sent {} bytes that are no message of the replication protocol", what.size());
}

void Source::resume() {
    if (streaming_ && !paused_for_good_)
        stream_.resume();
}

// The server is told with the next heartbeat, once it stands in the state.
void Source::confirm(std::uint64_t lsn) {
    confirmed_ = std::max(confirmed_, lsn);
    memory_.lsn = std::max(memory_.lsn, confirmed_);
}

void Source::heard(std::uint64_t lsn) {
    received_ = std::max(received_, lsn);
    heartbeats_.heard(lsn);
}

void Source::mark_loaded() {
    if (!streaming_ || state_.loaded || control_busy_)
        return;
    control_busy_ = true;
    control_->query(
        mark_loaded_statement(quote_qualified(settings_.database_state_table), settings_.database_slot, state_.epoch),
        [this](PgRows rows) {
            control_busy_ = false;
            if (rows.error || rows.rows.size() != 1)
                return failed("could not write the state", rows.error);
            state_.loaded = true;
        });
}

void Source::beat() {
    if (!streaming_ || control_busy_)
        return;
    control_busy_ = true;
    heartbeats_.sent(now_us());
    const auto now = std::chrono::steady_clock::now();
    const bool keeps = after_beat_ || now - kept_at_ >= std::chrono::duration<double>(settings_.relay_confirm_seconds);
    if (keeps)
        kept_at_ = now;
    control_->query(keeps
                        ? keep_confirmed_statement(quote_qualified(settings_.database_state_table),
                                                   settings_.database_slot, state_.epoch, confirmed_, kHeartbeatPrefix)
                        : heartbeat_statement(kHeartbeatPrefix),
                    [this, keeps, confirmed = confirmed_, life = life_](PgRows rows) {
                        if (life == life_)
                            emitted(std::move(rows), confirmed, keeps);
                    });
}

void Source::emitted(PgRows rows, std::uint64_t confirmed, bool kept) {
    control_busy_ = false;
    std::uint64_t lsn = 0;
    if (rows.error || rows.rows.size() != 1 || !parse_lsn(rows.text(0, 0), &lsn)) {
        heartbeats_.given_up();
        if (rows.error && rows.error.sqlstate.empty())
            return connect_control_again();
        if (!std::exchange(beat_failed_, true))
            spdlog::warn("no heartbeat: {}", rows.error.message);
        return;
    }
    beat_failed_ = false;
    heartbeats_.told(lsn);
    if (kept) {
        if (rows.text(0, 2) != "1")
            return restart("another relay has changed the epoch", false);
        stream_.confirm(confirmed);
    }
    if (after_beat_) {
        if (!kept || confirmed < confirmed_) // sent before the end began
            return beat();
        return std::exchange(after_beat_, nullptr)();
    }
    if (kept && times_kept_++ % kConfirmationsOfSlotMetrics == 0)
        read_slot_metrics();
}

// The stream may live on when the connection beside it does not.
void Source::connect_control_again() {
    if (!streaming_)
        return;
    control_busy_ = true;
    control_ = std::make_shared<PgConnection>(io_, std::chrono::seconds(settings_.database_timeout_seconds));
    control_->connect(settings_.database_conninfo, false, [this](const PgError& error) {
        control_busy_ = false;
        if (error)
            spdlog::warn("no heartbeat: could not connect to the database: {}", error.message);
    });
}

void Source::read_slot_metrics() {
    if (!streaming_ || control_busy_)
        return;
    control_busy_ = true;
    keep_position();
    control_->query(
        fmt::format("SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn)::bigint,"
                    " pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), confirmed_flush_lsn)::bigint"
                    " FROM pg_catalog.pg_replication_slots WHERE slot_name = {}",
                    quote_literal(settings_.database_slot)),
        [this](PgRows rows) {
            control_busy_ = false;
            if (rows.error && rows.error.sqlstate.empty())
                return connect_control_again();
            if (!rows.error && rows.rows.size() == 1)
                handler_.on_slot_metrics(std::strtoll(rows.text(0, 0).c_str(), nullptr, 10),
                                         std::strtoll(rows.text(0, 1).c_str(), nullptr, 10));
        });
}

void Source::schedule_heartbeat() {
    heartbeat_timer_.expires_after(
        std::chrono::microseconds(static_cast<std::int64_t>(settings_.relay_heartbeat_seconds * 1e6)));
    heartbeat_timer_.async_wait([this](boost::system::error_code error) {
        if (error || stopped_)
            return;
        beat();
        schedule_heartbeat();
    });
}

void Source::keep_position() {
    if (settings_.relay_state_file.empty() || memory_.system_id.empty()) // nothing has been seen
        return;
    if (const std::string error = write_state_file(settings_.relay_state_file, memory_); !error.empty())
        spdlog::error("{}", error);
}

void Source::failed(const std::string& what, const PgError& error) {
    if (stopped_)
        return;
    const milliseconds longest = std::min(kLastBackOff, kFirstBackOff * (1 << std::min(failures_, 8U)));
    ++failures_;
    const milliseconds delay(
        std::uniform_int_distribution<std::int64_t>(longest.count() / 2, longest.count())(random_));
    spdlog::warn("{}{}{}; again in {} ms", what, error ? ": " : "", error.message, delay.count());
    handler_.on_source_state(what, true);
    retry(delay);
}

void Source::fatal(const std::string& message) {
    ++life_;
    stopped_ = true;
    streaming_ = false;
    handler_.on_fatal(message);
}

void Source::retry(milliseconds delay) {
    ++life_;
    streaming_ = false;
    stream_.close();
    if (stream_connection_ != nullptr)
        stream_connection_->close();
    control_busy_ = true;
    retry_timer_.expires_after(delay);
    retry_timer_.async_wait([this, life = life_](boost::system::error_code error) {
        if (!error && life == life_ && !stopped_)
            attempt();
    });
}

void Source::stop(std::function<void()> done) {
    stopped_ = true;
    keep_position();
    heartbeat_timer_.cancel();
    if (!streaming_) {
        ++life_;
        retry_timer_.cancel();
        return done();
    }
    const auto end = [this, done = std::move(done)](boost::system::error_code) {
        ++life_;
        streaming_ = false;
        stream_.close();
        control_->close();
        done();
    };
    // The last position goes the usual way; then the server gets the time to read what is on its way to it.
    after_beat_ = [this, end] {
        stream_.confirm_now();
        retry_timer_.expires_after(kLastWords);
        retry_timer_.async_wait(end);
    };
    retry_timer_.expires_after(10 * kLastWords);
    retry_timer_.async_wait([end](boost::system::error_code error) {
        if (!error)
            end(error);
    });
    beat();
}

} // namespace availability::relay

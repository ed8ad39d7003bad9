#include "relay/source/state.hpp"

#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "relay/source/lsn.hpp"

namespace availability::relay {

std::string create_state_statement(const std::string& table) {
    const std::string schema = table.substr(0, table.find("\".\"") + 1);
    return fmt::format(
        "CREATE SCHEMA IF NOT EXISTS {};"
        "CREATE TABLE IF NOT EXISTS {} (slot text PRIMARY KEY, epoch bigint NOT NULL, system_id text NOT NULL,"
        " timeline bigint NOT NULL, loaded boolean NOT NULL, confirmed pg_lsn NOT NULL, changed_at timestamptz NOT "
        "NULL DEFAULT pg_catalog.now());"
        "COMMENT ON TABLE {} IS 'epochs of availability-relay, one row a slot'",
        schema, table, table);
}

std::string read_state_statement(const std::string& table, const std::string& slot) {
    return fmt::format(
        "SELECT state.epoch, state.system_id, state.timeline, state.loaded, slots.plugin, slots.active, "
        "slots.wal_status,"
        " slots.confirmed_flush_lsn, slots.database = pg_catalog.current_database(), state.confirmed,"
        " pg_catalog.pg_is_in_recovery()"
        " FROM (SELECT {0}::pg_catalog.text AS slot) AS wanted"
        " LEFT JOIN {1} AS state ON state.slot = wanted.slot"
        " LEFT JOIN pg_catalog.pg_replication_slots AS slots ON slots.slot_name::pg_catalog.text = wanted.slot",
        quote_literal(slot), table);
}

// The clock is the relay's: that of a database which was set back may be, too.
std::string upsert_state_statement(const std::string& table, const std::string& slot, Epoch at_least,
                                   const std::string& system_id, std::int64_t timeline) {
    return fmt::format("INSERT INTO {0} AS state (slot, epoch, system_id, timeline, loaded, confirmed) VALUES ({1}, "
                       "{2}, {3}, {4}, false, '0/0')"
                       " ON CONFLICT (slot) DO UPDATE SET epoch = greatest(state.epoch + 1, excluded.epoch), system_id "
                       "= excluded.system_id,"
                       " timeline = excluded.timeline, loaded = false, confirmed = '0/0', changed_at = "
                       "pg_catalog.now() RETURNING epoch",
                       table, quote_literal(slot), at_least, quote_literal(system_id), timeline);
}

std::string advance_epoch_statement(const std::string& table, const std::string& slot, Epoch from, Epoch at_least,
                                    const std::string& system_id, std::int64_t timeline, std::uint64_t confirmed) {
    return fmt::format("UPDATE {0} SET epoch = greatest(epoch + 1, {1}), system_id = {2}, timeline = {3}, loaded = "
                       "false, confirmed = '{6}',"
                       " changed_at = pg_catalog.now() WHERE slot = {4} AND epoch = {5} RETURNING epoch",
                       table, at_least, quote_literal(system_id), timeline, quote_literal(slot), from,
                       format_lsn(confirmed));
}

namespace {

std::string heartbeat(const std::string& prefix) {
    return fmt::format("pg_catalog.pg_logical_emit_message(true, {}, ''), "
                       "pg_catalog.set_config('synchronous_commit', 'local', true)",
                       quote_literal(prefix));
}

} // namespace

std::string heartbeat_statement(const std::string& prefix) {
    return "SELECT " + heartbeat(prefix);
}

std::string keep_confirmed_statement(const std::string& table, const std::string& slot, Epoch epoch,
                                     std::uint64_t confirmed, const std::string& prefix) {
    return fmt::format(
        "WITH kept AS (UPDATE {0} SET confirmed = greatest(confirmed, '{3}') WHERE slot = {1} AND epoch = {2} "
        "RETURNING 1)"
        " SELECT {4}, (SELECT pg_catalog.count(*) FROM kept)",
        table, quote_literal(slot), epoch, format_lsn(confirmed), heartbeat(prefix));
}

std::string mark_loaded_statement(const std::string& table, const std::string& slot, Epoch epoch) {
    return fmt::format("UPDATE {0} SET loaded = true WHERE slot = {1} AND epoch = {2} RETURNING epoch", table,
                       quote_literal(slot), epoch);
}

bool read_state(const PgRows& rows, RelayState* state) {
    *state = {};
    if (rows.error || rows.rows.size() != 1 || rows.rows[0].size() != 11)
        return false;
    const auto& row = rows.rows[0];
    if (row[0]) {
        state->exists = true;
        std::from_chars(row[0]->data(), row[0]->data() + row[0]->size(), state->epoch);
        state->system_id = row[1].value_or("");
        std::from_chars(row[2]->data(), row[2]->data() + row[2]->size(), state->timeline);
        state->loaded = row[3] == "t";
        parse_lsn(row[9].value_or(""), &state->confirmed);
    }
    state->in_recovery = row[10] == "t";
    // A slot of another database can't be used from here.
    state->slot_exists = row[4].has_value() && row[8] == "t";
    state->slot_plugin = row[4].value_or("");
    state->slot_active = row[5] == "t";
    state->wal_status = row[6].value_or("");
    if (row[7])
        parse_lsn(*row[7], &state->slot_confirmed);
    return true;
}

std::string read_state_file(const std::string& path, RememberedState* state) {
    std::ifstream file(path);
    if (!file)
        return errno == ENOENT ? std::string() : fmt::format("could not read {}: {}", path, std::strerror(errno));
    std::string version;
    std::string lsn;
    RememberedState read;
    if (!(file >> version >> read.epoch >> read.system_id >> read.timeline >> lsn) || version != "1" ||
        !parse_lsn(lsn, &read.lsn))
        return fmt::format("{} is no state of the relay", path);
    *state = read;
    return {};
}

std::string write_state_file(const std::string& path, const RememberedState& state) {
    const std::string text =
        fmt::format("1 {} {} {} {}\n", state.epoch, state.system_id, state.timeline, format_lsn(state.lsn));
    const std::string aside = path + ".new";
    const int fd = open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return fmt::format("could not write {}: {}", aside, std::strerror(errno));
    const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
    const int error = errno;
    close(fd);
    if (!written || std::rename(aside.c_str(), path.c_str()) != 0)
        return fmt::format("could not write {}: {}", path, std::strerror(written ? errno : error));
    return {};
}

} // namespace availability::relay

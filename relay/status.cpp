// The command status: what the database says of the slot and its relay.

#include <cstdio>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "relay/commands.hpp"
#include "relay/source/lsn.hpp"
#include "relay/source/pg_connection.hpp"
#include "relay/source/state.hpp"

namespace availability::relay {

namespace {

struct Connection {
    explicit Connection(const std::string& conninfo) {
        const char* const keywords[] = {"connect_timeout", "fallback_application_name", "dbname", nullptr};
        const char* const values[] = {"10", "availability-relay", conninfo.c_str(), nullptr};
        connection = PQconnectdbParams(keywords, values, 1);
    }
    ~Connection() { PQfinish(connection); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    PGconn* connection;
};

PgRows query(PGconn* connection, const std::string& statement) {
    PgRows rows;
    PGresult* result = PQexec(connection, statement.c_str());
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        rows.error = {one_line(PQerrorMessage(connection)), state != nullptr ? state : ""};
    }
    for (int row = 0; row < PQntuples(result); ++row) {
        auto& fields = rows.rows.emplace_back();
        for (int column = 0; column < PQnfields(result); ++column)
            fields.emplace_back(PQgetisnull(result, row, column)
                                    ? std::nullopt
                                    : std::optional<std::string>(PQgetvalue(result, row, column)));
    }
    PQclear(result);
    return rows;
}

} // namespace

int status(const Settings& settings) {
    const Connection database(settings.database_conninfo);
    if (PQstatus(database.connection) != CONNECTION_OK) {
        std::fprintf(stderr, "could not connect to the database: %s\n",
                     one_line(PQerrorMessage(database.connection)).c_str());
        return kExitFailure;
    }
    RelayState state;
    const PgRows rows = query(database.connection, read_state_statement(quote_qualified(settings.database_state_table),
                                                                        settings.database_slot));
    if (!read_state(rows, &state)) {
        std::fprintf(stderr, "no state: %s\n", rows.error.message.c_str());
        return kExitPerson;
    }
    const std::string& slot = settings.database_slot;
    if (!state.slot_exists || !state.exists || state.wal_status == "lost") {
        std::printf("slot %s: %s; run availability-relay bootstrap\n", slot.c_str(),
                    state.slot_exists ? state.exists ? "lost, its WAL was removed" : "has no state" : "does not exist");
        return kExitPerson;
    }
    const PgRows wal = query(
        database.connection,
        fmt::format("SELECT pg_catalog.pg_size_pretty(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), "
                    "restart_lsn)),"
                    " pg_catalog.pg_size_pretty(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), "
                    "confirmed_flush_lsn)),"
                    " active_pid FROM pg_catalog.pg_replication_slots WHERE slot_name = {}",
                    quote_literal(slot)));
    std::printf("slot       %s\n", slot.c_str());
    std::printf("epoch      %llu%s\n", static_cast<unsigned long long>(state.epoch),
                state.loaded ? "" : ", not every sink has had its calendars yet");
    std::printf("system     %s, timeline %lld\n", state.system_id.c_str(), static_cast<long long>(state.timeline));
    std::printf("confirmed  %s\n", format_lsn(state.slot_confirmed).c_str());
    std::printf("active     %s\n", state.slot_active ? "yes" : "no relay has it");
    if (!wal.error && wal.rows.size() == 1) {
        std::printf("retained   %s of WAL (%s)\n", wal.text(0, 0).c_str(), state.wal_status.c_str());
        std::printf("behind     %s\n", wal.text(0, 1).c_str());
    }
    return state.slot_active && state.loaded ? 0 : kExitFailure;
}

} // namespace availability::relay

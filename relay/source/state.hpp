// What outlives the relay: its epoch, in a table of the database, where a relay on another machine finds it; and, where
// a file is given, the furthest position that was ever seen, out of reach of whoever sets the database back.
#pragma once

#include <cstdint>
#include <string>

#include "relay/event.hpp"
#include "relay/source/pg_connection.hpp"

namespace availability::relay {

// A row of the state table, and the slot.
struct RelayState {
    bool exists = false; // the row
    Epoch epoch = 0;
    std::string system_id;
    std::int64_t timeline = 0;
    bool loaded = false; // every sink has had every calendar of the epoch
    // No relay has confirmed more: it is written before the server is told. A slot that stands further was made anew,
    // or somebody else read from it.
    std::uint64_t confirmed = 0;

    bool in_recovery = false; // the server is a standby
    bool slot_exists = false;
    std::string slot_plugin;
    bool slot_active = false;
    std::string wal_status;
    std::uint64_t slot_confirmed = 0;
};

// Statements, with the quoted name of the state table and the slot put in.
std::string create_state_statement(const std::string& table);
std::string read_state_statement(const std::string& table, const std::string& slot);
std::string upsert_state_statement(const std::string& table, const std::string& slot, Epoch at_least,
                                   const std::string& system_id, std::int64_t timeline);
std::string advance_epoch_statement(const std::string& table, const std::string& slot, Epoch from, Epoch at_least,
                                    const std::string& system_id, std::int64_t timeline, std::uint64_t confirmed);
// A transaction that writes nothing but a message with the relay's prefix. It waits for the server's own disk alone:
// not for a standby, and not for the WAL writer where the database commits asynchronously, for then bookings would come
// to the sinks as late as it does. One row: the place of the message.
std::string heartbeat_statement(const std::string& prefix);
// A heartbeat goes with it. One row: the place of its message, and whether the state was that of the epoch.
std::string keep_confirmed_statement(const std::string& table, const std::string& slot, Epoch epoch,
                                     std::uint64_t confirmed, const std::string& prefix);
std::string mark_loaded_statement(const std::string& table, const std::string& slot, Epoch epoch);

// Reads the answer to read_state_statement(). False if it is none.
bool read_state(const PgRows& rows, RelayState* state);

struct RememberedState {
    Epoch epoch = 0;
    std::string system_id;
    std::int64_t timeline = 0;
    std::uint64_t lsn = 0;
};

// Nothing is remembered if there is no file. Returns an error, empty if there is none.
std::string read_state_file(const std::string& path, RememberedState* state);
// Replaces the file as a whole.
std::string write_state_file(const std::string& path, const RememberedState& state);

} // namespace availability::relay

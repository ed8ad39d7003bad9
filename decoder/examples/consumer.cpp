// A complete consumer of events over the streaming replication protocol, with libpq alone.
//
//   g++ -std=c++17 consumer.cpp -I$(pg_config --includedir) -lpq -o consumer
//   ./consumer "dbname=app" cache public.reservations_calendar
//
// With the first run it makes the slot and prints every calendar as it was at that moment, from the snapshot that the
// slot exports; then, and with every later run, it prints the events from there on: none is missing, and none tells
// what the calendars told already. It confirms a transaction once its last event is printed; what it had printed, but
// not confirmed, when it died comes again, and `version` tells that it is known.

#include <libpq-fe.h>

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

[[noreturn]] void fail(PGconn* connection, const char* what) {
    std::fprintf(stderr, "%s: %s", what, PQerrorMessage(connection));
    std::exit(1);
}

PGconn* connect(const std::string& parameters) {
    PGconn* connection = PQconnectdb(parameters.c_str());
    if (PQstatus(connection) != CONNECTION_OK)
        fail(connection, "could not connect");
    return connection;
}

PGresult* execute(PGconn* connection, const std::string& statement, ExecStatusType expected) {
    PGresult* result = PQexec(connection, statement.c_str());
    if (PQresultStatus(result) != expected)
        fail(connection, statement.c_str());
    return result;
}

std::uint64_t read64(const char* bytes) {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

void put64(std::string* message, std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8)
        message->push_back(static_cast<char>(value >> shift));
}

// Standby status update: written, flushed and applied up to the same place.
void confirm(PGconn* stream, std::uint64_t lsn) {
    using namespace std::chrono;
    const auto since_2000 =
        duration_cast<microseconds>(system_clock::now().time_since_epoch()) - microseconds(946684800000000);
    std::string message = "r";
    for (int i = 0; i < 3; ++i)
        put64(&message, lsn);
    put64(&message, static_cast<std::uint64_t>(since_2000.count()));
    message.push_back(0);
    if (PQputCopyData(stream, message.data(), static_cast<int>(message.size())) != 1 || PQflush(stream) != 0)
        fail(stream, "could not confirm");
}

// The end of the commit that an event belongs to: its "lsn".
std::uint64_t lsn_of(const std::string& event) {
    const std::size_t at = event.rfind("\"lsn\":\"");
    unsigned high = 0;
    unsigned low = 0;
    if (at == std::string::npos || std::sscanf(event.c_str() + at + 7, "%X/%X", &high, &low) != 2)
        return 0;
    return static_cast<std::uint64_t>(high) << 32 | low;
}

// Whether the event is the last of its transaction: the key comes behind all others.
bool is_last(const std::string& event) {
    static const std::string end = "\"last\":true}";
    return event.size() >= end.size() && event.compare(event.size() - end.size(), end.size(), end) == 0;
}

// Makes the slot and prints the calendars by the snapshot that it exports. The snapshot lives until the stream's next
// command.
void bootstrap(PGconn* stream, const std::string& parameters, const std::string& slot, const std::string& table) {
    PGresult* created =
        execute(stream, "CREATE_REPLICATION_SLOT \"" + slot + "\" LOGICAL availability_decoder EXPORT_SNAPSHOT",
                PGRES_TUPLES_OK);
    PGconn* reader = connect(parameters);
    PQclear(execute(reader, "BEGIN ISOLATION LEVEL REPEATABLE READ", PGRES_COMMAND_OK));
    PQclear(
        execute(reader, std::string("SET TRANSACTION SNAPSHOT '") + PQgetvalue(created, 0, 2) + "'", PGRES_COMMAND_OK));
    PGresult* calendars = execute(
        reader,
        "SELECT json_build_object('listing', listing_id::text, 'version', version, 'booked', booked::jsonb) FROM " +
            table,
        PGRES_TUPLES_OK);
    for (int row = 0; row < PQntuples(calendars); ++row)
        std::printf("%s\n", PQgetvalue(calendars, row, 0));
    PQclear(calendars);
    PQfinish(reader);
    PQclear(created);
}

} // namespace

int main(int count, char** arguments) {
    if (count != 4) {
        std::fprintf(stderr, "usage: consumer CONNECTION SLOT SCHEMA.CALENDAR\n");
        return 2;
    }
    const std::string parameters = arguments[1];
    const std::string slot = arguments[2];
    const std::string table = arguments[3];
    PGconn* stream = connect(parameters + " replication=database");
    PGresult* known = execute(stream, "SELECT FROM pg_catalog.pg_replication_slots WHERE slot_name = '" + slot + "'",
                              PGRES_TUPLES_OK);
    if (PQntuples(known) == 0)
        bootstrap(stream, parameters, slot, table);
    PQclear(known);
    std::fflush(stdout);
    PQclear(execute(stream,
                    "START_REPLICATION SLOT \"" + slot + "\" LOGICAL 0/0 (format 'json', tables '" + table + "')",
                    PGRES_COPY_BOTH));

    std::uint64_t printed = 0; // all up to there is printed
    for (;;) {
        char* data = nullptr;
        const int size = PQgetCopyData(stream, &data, 1);
        if (size == 0) {
            // All that has come is printed. Every few seconds the server wants to know that we live.
            std::fflush(stdout);
            pollfd socket = {PQsocket(stream), POLLIN, 0};
            poll(&socket, 1, 5000);
            confirm(stream, printed);
            if (PQconsumeInput(stream) != 1)
                fail(stream, "the connection is gone");
            continue;
        }
        if (size < 0)
            fail(stream, "the stream has ended");
        if (data[0] == 'w' && size >= 25) {
            const std::string event(data + 25, static_cast<std::size_t>(size) - 25);
            std::printf("%s\n", event.c_str());
            if (is_last(event))
                printed = lsn_of(event);
        } else if (data[0] == 'k' && size >= 18) {
            // What the server has sent up to there has been printed, and other transactions had nothing for us.
            const std::uint64_t sent = read64(data + 1);
            printed = sent > printed ? sent : printed;
            if (data[17] != 0) {
                std::fflush(stdout);
                confirm(stream, printed);
            }
        }
        PQfreemem(data);
    }
}

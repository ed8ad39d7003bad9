// Reads a replication stream and prints how long after its commit each transaction's message came: the number of
// transactions, and the median, the 99th and the 99.9th percentile in microseconds.
//   latency CONNECTION SLOT json|pgoutput OPTIONS SECONDS

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace {

constexpr std::int64_t kEpoch2000 = 946684800000000;

std::int64_t now() {
    using namespace std::chrono;
    return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

std::int64_t read64(const char* bytes) {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return static_cast<std::int64_t>(value);
}

// When the transaction of a message committed, in microseconds since 1970; 0 if the message does not say.
std::int64_t commit_time(const std::string& mode, const std::string& message) {
    if (mode == "pgoutput")
        return message[0] == 'C' ? read64(message.data() + 18) + kEpoch2000 : 0;
    const std::size_t at = message.rfind("\"at\":\"");
    std::tm time{};
    int microseconds = 0;
    if (at == std::string::npos ||
        std::sscanf(message.c_str() + at + 6, "%d-%d-%dT%d:%d:%d.%dZ", &time.tm_year, &time.tm_mon, &time.tm_mday,
                    &time.tm_hour, &time.tm_min, &time.tm_sec, &microseconds) != 7)
        return 0;
    time.tm_year -= 1900;
    time.tm_mon -= 1;
    return timegm(&time) * std::int64_t{1000000} + microseconds;
}

[[noreturn]] void fail(PGconn* connection) {
    std::fputs(PQerrorMessage(connection), stderr);
    std::exit(1);
}

} // namespace

int main(int count, char** arguments) {
    if (count != 6)
        return 2;
    const std::string mode = arguments[3];
    PGconn* stream = PQconnectdb((std::string(arguments[1]) + " replication=database").c_str());
    PGresult* started =
        PQexec(stream,
               (std::string("START_REPLICATION SLOT ") + arguments[2] + " LOGICAL 0/0 (" + arguments[4] + ")").c_str());
    if (PQresultStatus(started) != PGRES_COPY_BOTH)
        fail(stream);
    const std::int64_t end = now() + std::atoi(arguments[5]) * std::int64_t{1000000};
    std::vector<std::int64_t> delays;
    while (now() < end) {
        char* data = nullptr;
        const int size = PQgetCopyData(stream, &data, 1);
        if (size == 0) {
            pollfd socket = {PQsocket(stream), POLLIN, 0};
            poll(&socket, 1, 100);
            if (PQconsumeInput(stream) != 1)
                fail(stream);
            continue;
        }
        if (size < 0)
            fail(stream);
        const std::int64_t arrived = now();
        if (data[0] == 'w' && size > 25)
            if (const std::int64_t committed =
                    commit_time(mode, std::string(data + 25, static_cast<std::size_t>(size) - 25));
                committed != 0)
                delays.push_back(arrived - committed);
        PQfreemem(data);
    }
    if (delays.empty())
        return 1;
    std::sort(delays.begin(), delays.end());
    const auto percentile = [&](double share) {
        return static_cast<long long>(delays[static_cast<std::size_t>(share * static_cast<double>(delays.size() - 1))]);
    };
    std::printf("%zu %lld %lld %lld\n", delays.size(), percentile(0.5), percentile(0.99), percentile(0.999));
}

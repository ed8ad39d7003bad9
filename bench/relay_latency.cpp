// Looks at the relay from outside: how long after its commit a booking is at a subscriber, and in Redis, and how old
// what is told as `as of` is. Prints lines `name value`, in microseconds.
//
//   relay_latency PORT REDIS_SOCKET SECONDS LISTINGS AHEAD
//
// Listings are booked in turn. Redis is asked for a listing that will be booked soon, AHEAD after the last one that the
// stream has brought, every 0.2 ms until it shows the booking.

#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "relay/clock.hpp"
#include "relay/layout.hpp"
#include "relay/redis/hash_slot.hpp"
#include "relay/source/event_reader.hpp"
#include "relay/wire.hpp"

using namespace availability;
using namespace availability::relay;

namespace {

constexpr std::chrono::microseconds kPollInterval(200);
constexpr int kPollsOfRecord = 25;

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "relay_latency: %s\n", what);
    std::exit(1);
}

// A GET to the relay, and the bytes of the answer without its chunks.
class Answer {
  public:
    Answer(int port, const std::string& target) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
            fail("could not connect to the relay");
        const std::string request = "GET " + target + " HTTP/1.1\r\nHost: relay\r\n\r\n";
        if (send(socket_, request.data(), request.size(), 0) != static_cast<ssize_t>(request.size()))
            fail("could not ask the relay");
        while (raw_.find("\r\n\r\n") == std::string::npos)
            if (!receive(-1))
                fail("the relay closed the connection");
        if (raw_.compare(0, 12, "HTTP/1.1 200") != 0)
            fail(raw_.c_str());
        raw_.erase(0, raw_.find("\r\n\r\n") + 4);
    }
    ~Answer() { close(socket_); }

    // Appends what has come, waiting for as long; false at the end.
    bool read(int milliseconds, std::string* out) {
        if (!take(out))
            return false;
        if (!receive(milliseconds))
            return false;
        return take(out);
    }

  private:
    bool receive(int milliseconds) {
        pollfd waited{socket_, POLLIN, 0};
        if (poll(&waited, 1, milliseconds) == 0)
            return true;
        char bytes[65536];
        const ssize_t got = recv(socket_, bytes, sizeof(bytes), 0);
        if (got > 0)
            raw_.append(bytes, static_cast<std::size_t>(got));
        return got > 0;
    }
    bool take(std::string* out) {
        for (;;) {
            const std::size_t line = raw_.find("\r\n");
            if (line == std::string::npos)
                return true;
            const std::size_t size = std::strtoul(raw_.c_str(), nullptr, 16);
            if (raw_.size() < line + 4 + size)
                return true;
            if (size == 0)
                return false;
            out->append(raw_, line + 2, size);
            raw_.erase(0, line + 4 + size);
        }
    }

    int socket_;
    std::string raw_;
};

struct Seen {
    std::int64_t listing;
    std::int64_t version;
    std::int64_t at;
};

std::atomic<std::int64_t> last_listing{-1};
std::atomic<bool> ended{false};

void print(const char* name, std::vector<std::int64_t> delays) {
    if (delays.empty())
        fail(name);
    std::sort(delays.begin(), delays.end());
    const auto percentile = [&](double share) {
        return static_cast<long long>(delays[static_cast<std::size_t>(share * static_cast<double>(delays.size() - 1))]);
    };
    std::printf("%s.count %zu\n%s.p50 %lld\n%s.p99 %lld\n%s.max %lld\n", name, delays.size(), name, percentile(0.5),
                name, percentile(0.99), name, percentile(1));
}

std::string get(redisContext* redis, const std::string& key) {
    auto* reply = static_cast<redisReply*>(redisCommand(redis, "GET %b", key.data(), key.size()));
    if (reply == nullptr)
        fail("Redis is gone");
    std::string value = reply->type == REDIS_REPLY_STRING ? std::string(reply->str, reply->len) : std::string();
    freeReplyObject(reply);
    return value;
}

std::int64_t version_in(redisContext* redis, std::int64_t listing) {
    std::string key;
    layout::append_listing_key("avail:v3:", std::to_string(listing), &key);
    const std::string bytes = get(redis, key);
    layout::Entry entry;
    return layout::read_entry(layout::Layout::kCalendar, bytes, &entry) == nullptr ? entry.stamp.version : 0;
}

void watch_redis(const char* socket, std::int64_t listings, std::int64_t ahead, std::vector<Seen>* seen,
                 std::vector<std::int64_t>* ages) {
    redisContext* redis = redisConnectUnix(socket);
    if (redis == nullptr || redis->err != 0)
        fail("could not connect to Redis");
    std::string record_key;
    layout::append_record_key("avail:v3:relay:", redis::tag_of_slot(0), &record_key);
    std::int64_t listing = -1;
    std::int64_t before = 0;
    for (int polls = 0; !ended; ++polls) {
        if (polls % kPollsOfRecord == 0) {
            const std::string bytes = get(redis, record_key);
            layout::Record record;
            if (layout::read_record(bytes, &record) == nullptr && record.as_of != 0)
                ages->push_back(now_us() - record.as_of);
        }
        const std::int64_t last = last_listing;
        // Another one, also where its turn was missed.
        if (last >= 0 && (listing < 0 || (last - listing + listings) % listings < listings / 2)) {
            listing = (last + ahead) % listings;
            before = version_in(redis, listing);
        } else if (listing >= 0) {
            const std::int64_t version = version_in(redis, listing);
            if (version != before) {
                seen->push_back({listing, version, now_us()});
                listing = -1;
            }
        }
        std::this_thread::sleep_for(kPollInterval);
    }
    redisFree(redis);
}

} // namespace

int main(int count, char** arguments) {
    if (count != 6)
        return 2;
    const int port = std::atoi(arguments[1]);
    wire::SnapshotReader snapshot;
    {
        Answer answer(port, "/snapshot");
        std::string bytes;
        while (answer.read(-1, &bytes)) {
        }
        snapshot.feed(bytes);
        if (snapshot.next() != wire::SnapshotReader::Item::kHeader)
            fail("no snapshot");
    }
    EventReader events(snapshot.tables);
    wire::FrameReader frames;
    wire::StreamFrom from;
    from.epoch = snapshot.epoch;
    from.position = {snapshot.lsn, wire::kWholeCommit};

    Answer stream(port, "/stream?from=" + wire::format_from(from));
    std::vector<Seen> in_redis;
    std::vector<std::int64_t> record_ages;
    std::thread watcher(watch_redis, arguments[2], std::atoll(arguments[4]), std::atoll(arguments[5]), &in_redis,
                        &record_ages);
    std::vector<std::int64_t> delays;
    std::vector<std::int64_t> ages;
    std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> committed;
    std::int64_t as_of = 0;
    std::string bytes;
    for (const std::int64_t end = now_us() + std::atoll(arguments[3]) * 1000000; now_us() < end;) {
        if (!stream.read(5, &bytes))
            fail("the stream ended");
        const std::int64_t now = now_us();
        frames.feed(bytes);
        bytes.clear();
        for (;;) {
            const auto item = frames.next();
            if (item == wire::FrameReader::Item::kMore)
                break;
            if (item == wire::FrameReader::Item::kProgress) {
                as_of = std::max(as_of, frames.as_of);
            } else if (item == wire::FrameReader::Item::kEvent) {
                const Event event = events.read(frames.message);
                delays.push_back(now - event.at);
                committed[{event.listing.number, event.version}] = event.at;
                last_listing = event.listing.number;
            } else if (item != wire::FrameReader::Item::kHello) {
                fail("the stream broke");
            }
        }
        if (as_of != 0)
            ages.push_back(now - as_of);
    }
    ended = true;
    watcher.join();
    print("age_of_subscriber", ages);
    print("age_in_redis", record_ages);
    if (delays.empty())
        return 0; // nobody books
    print("subscriber", delays);
    std::vector<std::int64_t> redis_delays;
    for (const Seen& seen : in_redis)
        if (const auto found = committed.find({seen.listing, seen.version}); found != committed.end())
            redis_delays.push_back(seen.at - found->second);
    print("redis", redis_delays);
}

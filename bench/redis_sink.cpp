// How many events a second the Redis sink writes: ready-made batches, one core for the relay's loop, and Redis on
// another.
//
//   redis_sink NODE[,NODE…] single|cluster calendar|months LISTINGS EVENTS

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "relay/redis/redis_sink.hpp"
#include "relay/test/fake_feed.hpp"

using namespace test;
using namespace availability::relay::redis;

namespace {

constexpr std::size_t kBatch = 256;

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](timeval time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// A year of bookings, about ten: what a listing has that is in demand.
std::string calendar_of(std::uint64_t seed, Day first_day) {
    std::vector<DaySpan> spans;
    for (Day day = first_day; day < first_day + 365; day += 20 + static_cast<Day>(seed >> 3 & 31)) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        spans.push_back({day, day + 2 + static_cast<Day>(seed >> 60)});
    }
    return stored_bytes(spans);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 6)
        return std::fprintf(stderr, "usage: redis_sink NODES single|cluster calendar|months LISTINGS EVENTS\n"), 2;
    RedisOptions options;
    for (char* node = std::strtok(argv[1], ","); node != nullptr; node = std::strtok(nullptr, ","))
        options.client.nodes.push_back(*parse_endpoint(node));
    options.client.cluster = std::strcmp(argv[2], "cluster") == 0;
    const bool months = std::strcmp(argv[3], "months") == 0;
    options.keys.layout = months ? layout::Layout::kMonths : layout::Layout::kCalendar;
    const std::int64_t listings = std::atoll(argv[4]);
    const std::int64_t events = std::atoll(argv[5]);

    // Two states of each listing, which differ in one booking; events go to and fro between them.
    const Day today = static_cast<Day>(std::time(nullptr) / 86400);
    std::vector<std::string> states[2];
    for (std::int64_t i = 0; i < 1000; i++) {
        states[0].push_back(calendar_of(static_cast<std::uint64_t>(i) * 0x9E3779B97F4A7C15U, today));
        DaysetView view;
        DaysetView::open(states[0].back().data(), states[0].back().size(), &view);
        Dayset set(view);
        set.add({today + 100 + static_cast<Day>(i % 200), today + 104 + static_cast<Day>(i % 200)});
        states[1].emplace_back(set.stored_size(), '\0');
        set.write(states[1].back().data());
    }

    boost::asio::io_context io;
    prometheus::Registry registry;
    FakeFeed feed;
    RedisSink sink(std::move(options), {io, registry, {"avail:v3:"}});
    const auto epoch = static_cast<Epoch>(std::time(nullptr)) * 1000000;
    std::int64_t version = 0;
    // All listings once, so that each has a state, and then events.
    const auto fill = [&](std::int64_t count, bool first) {
        for (std::int64_t made = 0; made < count;) {
            BatchMaker batch(epoch);
            for (; made < count && batch.size() < kBatch; made++, version++) {
                const std::int64_t listing = version % listings;
                const auto state = static_cast<std::size_t>(version / listings % 2);
                const auto shape = static_cast<std::size_t>(listing % 1000);
                if (first)
                    batch.add(EventKind::kCalendar, Key::of(listing), version + 1, states[0][shape]);
                else
                    batch.add(EventKind::kCreated, Key::of(listing), version + 1, states[state][shape],
                              version + 1 - listings, states[1 - state][shape]);
            }
            feed.push(batch.take());
        }
    };
    const auto run = [&](const char* what, std::int64_t count) {
        const auto begin = std::chrono::steady_clock::now();
        const double cpu = cpu_seconds();
        sink.wake();
        while (!feed.idle() && feed.demands.empty())
            io.run_one();
        const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
        std::printf("%s: %lld events in %.2f s: %.0f a second; %.2f us of the relay's CPU an event\n", what,
                    static_cast<long long>(count), wall.count(), static_cast<double>(count) / wall.count(),
                    (cpu_seconds() - cpu) * 1e6 / static_cast<double>(count));
    };
    sink.start(&feed);
    sink.begin_epoch(epoch, false);
    fill(listings, true);
    run("calendars", listings);
    fill(events, false);
    run("events", events);
    for (const std::string& demand : feed.demands)
        std::printf("a new epoch was demanded: %s\n", demand.c_str());
    return feed.demands.empty() ? 0 : 1;
}

// How many events a second the Kafka sink delivers to librdkafka's mock cluster, which runs in a process of its own.
//
//   kafka_sink json|protobuf EVENTS

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "relay/kafka/kafka_sink.hpp"
#include "relay/test/fake_feed.hpp"
#include "relay/test/kafka_mock.hpp"

using namespace test;
using namespace availability::relay::kafka;

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

} // namespace

int main(int argc, char** argv) {
    if (argc != 3)
        return std::fprintf(stderr, "usage: kafka_sink json|protobuf EVENTS\n"), 2;
    KafkaMock mock(1);
    mock.create_topics("");
    KafkaOptions options;
    options.properties = {{"bootstrap.servers", mock.bootstrap()}};
    options.format = std::strcmp(argv[1], "protobuf") == 0 ? Format::kProtobuf : Format::kJson;
    options.tables = {"public.reservations_calendar"};
    const std::int64_t events = std::atoll(argv[2]);
    std::vector<DaySpan> spans;
    for (Day day = 20800; day < 21160; day += 36)
        spans.push_back({day, day + 5});
    const std::string booked = stored_bytes(spans);
    const std::string raw(100, 'x'); // an event as the decoder sends it has about as many bytes

    boost::asio::io_context io;
    prometheus::Registry registry;
    FakeFeed feed;
    KafkaSink sink(std::move(options), {io, registry, {}});
    sink.start(&feed);
    for (std::int64_t made = 0; made < events;) {
        BatchMaker batch(7);
        for (; made < events && batch.size() < kBatch; made++) {
            Event& event = batch.add(EventKind::kCreated, Key::of(made % 100000), made + 1, booked);
            event.reservation = Key::of(made);
            event.stay = {20800, 20805};
            event.raw = batch.copy(raw);
        }
        feed.push(batch.take());
    }
    const auto begin = std::chrono::steady_clock::now();
    const double cpu = cpu_seconds();
    sink.begin_epoch(7, false);
    while (!feed.idle())
        io.run_one();
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    std::printf("%lld events, two messages each, in %.2f s: %.0f a second; %.2f us of the relay's CPU an event\n",
                static_cast<long long>(events), wall.count(), static_cast<double>(events) / wall.count(),
                (cpu_seconds() - cpu) * 1e6 / static_cast<double>(events));
    bool done = false;
    sink.stop([&] { done = true; });
    while (!done)
        io.run_one();
    return 0;
}

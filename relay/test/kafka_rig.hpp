// A Kafka sink with a relay of its own that plays bookings.
#pragma once

#include <functional>

#include <boost/asio/io_context.hpp>
#include <prometheus/registry.h>
#include <spdlog/spdlog.h>

#include "relay/kafka/kafka_sink.hpp"
#include "relay/test/fake_feed.hpp"
#include "relay/test/kafka_mock.hpp"
#include "test/core/check.hpp"

namespace test {

using namespace availability::relay::kafka;

class KafkaRig {
  public:
    explicit KafkaRig(KafkaOptions options) {
        spdlog::set_level(std::getenv("RELAY_TEST_LOG") != nullptr ? spdlog::level::debug : spdlog::level::off);
        sink = std::make_unique<KafkaSink>(std::move(options), availability::relay::SinkContext{io, registry, {}});
        sink->start(&feed);
    }
    static KafkaOptions options(const std::string& bootstrap, const std::string& prefix) {
        KafkaOptions options;
        options.properties = {{"bootstrap.servers", bootstrap},
                              {"linger.ms", "1"},
                              {"retry.backoff.ms", "20"},
                              {"reconnect.backoff.max.ms", "100"}};
        options.topic_prefix = prefix;
        options.tables = {"public.reservations_calendar"};
        return options;
    }
    ~KafkaRig() {
        bool done = false;
        sink->stop([&] { done = true; });
        run_until([&] { return done; }, "the sink to stop");
        io.poll();
    }
    bool run_until(const std::function<bool()>& condition, const char* what) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) {
                std::printf("# waited too long for %s (problem: %s)\n", what, feed.problem.c_str());
                return false;
            }
            io.run_one_for(std::chrono::milliseconds(20));
            if (io.stopped())
                io.restart();
        }
        return true;
    }
    void push(BatchMaker* batch) {
        feed.push(batch->take());
        sink->wake();
    }

    boost::asio::io_context io;
    prometheus::Registry registry;
    FakeFeed feed;
    std::unique_ptr<KafkaSink> sink;
};

inline const std::string kBooked = stored_bytes({{20807, 20814}, {20820, 20821}}); // 2026-12-20 …

inline Event& add_booking(BatchMaker* batch, std::int64_t listing, std::int64_t version) {
    Event& event = batch->add(EventKind::kCreated, Key::of(listing), version, kBooked);
    event.reservation = Key::of(version);
    event.stay = {20807, 20814};
    return event;
}

// Bookings in batches; how many of each key arrive, and whether in order.
inline void push_bookings(KafkaRig* rig, int batches, std::int64_t* version) {
    for (int i = 0; i < batches; i++) {
        BatchMaker batch(7);
        for (int j = 0; j < 50; j++, ++*version)
            add_booking(&batch, *version % 20, *version);
        rig->push(&batch);
    }
}

// Every version is there; `repeated` ones are allowed, but for that each key is in order.
inline void check_complete(const std::string& bootstrap, const std::string& topic, std::int64_t versions,
                           bool repeated) {
    std::map<std::int64_t, int> seen;
    std::map<std::string, std::int64_t> last;
    bool ordered = true;
    for (const KafkaMessage& message : read_topic(bootstrap, topic)) {
        const std::size_t at = message.value.find("\"version\":");
        const std::int64_t version = std::atoll(message.value.c_str() + at + 10);
        seen[version]++;
        ordered = ordered && version > last[message.key];
        last[message.key] = std::max(last[message.key], version);
    }
    CHECK(static_cast<std::int64_t>(seen.size()) == versions);
    CHECK(ordered || repeated);
    if (!repeated)
        for (const auto& [version, times] : seen)
            CHECK(times == 1);
}

} // namespace test

// The sink that tells Kafka of every event.
//
// Batches are taken as long as what is under way stays within a bound; a batch is applied when the delivery reports of
// all its messages have come. The producer is idempotent: within its life brokers get each message once and in its
// order. When a message fails or the producer has a fatal error, another producer begins, and the feed from the first
// batch that was not applied.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/steady_timer.hpp>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include "relay/kafka/payload.hpp"
#include "relay/kafka/producer.hpp"
#include "relay/kafka/topics.hpp"
#include "relay/sink.hpp"

namespace availability::relay::kafka {

struct KafkaOptions {
    Properties properties; // librdkafka's own, by their names
    std::string topic_prefix;
    Format format = Format::kJson;
    std::vector<std::string> tables; // their names, by Event::table
    bool create_topics = false;
    int partitions = 12;
    int replication_factor = 3;
    std::size_t max_under_way_bytes = 16 << 20;
    // No delivery report for so long, though messages wait: told as a problem.
    std::chrono::milliseconds patience{5000};
};

class KafkaSink final : public Sink {
  public:
    // Throws std::runtime_error if librdkafka refuses the properties.
    KafkaSink(KafkaOptions options, const SinkContext& context);
    ~KafkaSink() override;

    const char* name() const override { return "kafka"; }
    bool needs_every_event() const override { return true; }
    void start(Feed* feed) override;
    void begin_epoch(Epoch epoch, bool known) override;
    void wake() override;
    void stop(std::function<void()> done) override;

    // For tests that make it fail.
    rd_kafka_t* producer_handle() const { return producer_ ? producer_->handle() : nullptr; }

  private:
    using Clock = std::chrono::steady_clock;
    struct UnderWay {
        std::uint64_t id;
        BatchPtr batch;
        std::size_t unanswered = 0;
        std::size_t next = 0;   // the event to produce next
        bool has_event = false; // of which its own message is under way, and its calendar not yet
        Clock::time_point taken;
    };

    void begin_producer();
    void begin_anew(const std::string& why);
    void answered(rd_kafka_event_t* event);
    void listed(const std::set<std::string>& names, const std::string& error);
    void delivered(void* opaque, rd_kafka_resp_err_t error);
    void producer_failed(bool fatal, const std::string& what);
    void trouble(const std::string& what);
    void works();

    void pull();
    bool produce_rest(UnderWay* under_way);
    bool produce_event(UnderWay* under_way, const Event& event);
    enum class Produced : std::uint8_t { kDone, kFull, kRefused };
    Produced produce(const Event& event, std::uint64_t id, std::size_t index, Topic topic, const std::string* value);
    void ended(UnderWay* under_way);
    void drop_under_way();
    void schedule_tick();
    void tick();

    KafkaOptions options_;
    SinkContext context_;
    Payload payload_;
    TopicOptions topics_;
    Feed* feed_ = nullptr;
    std::unique_ptr<Producer> producer_;
    boost::asio::steady_timer tick_timer_;
    boost::asio::steady_timer again_timer_;

    bool ready_ = false; // the topics are there
    bool has_epoch_ = false;
    bool pulling_ = false;
    bool stopped_ = false;
    bool has_problem_ = false;
    unsigned failures_ = 0;
    Epoch epoch_ = 0;
    std::string epoch_text_;
    std::uint64_t next_id_ = 1;
    std::unordered_map<std::uint64_t, UnderWay> under_way_;
    UnderWay* current_ = nullptr; // not all of it has been produced
    std::size_t bytes_ = 0;
    Clock::time_point progress_{};
    std::string key_;
    std::string value_;

    prometheus::Counter& messages_;
    prometheus::Counter& refused_;
    prometheus::Counter& producers_;
    prometheus::Gauge& under_way_bytes_;
    prometheus::Histogram& batch_seconds_;
};

} // namespace availability::relay::kafka

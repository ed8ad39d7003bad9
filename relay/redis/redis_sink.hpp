// The sink that keeps Redis exact.
//
// Batches are taken as long as what is under way stays within a bound; each of their events is one write under the
// guard of its stamp (relay/layout.hpp), sent at once over all nodes; a batch is applied when all its writes were
// answered. A write that gets no answer in time makes the sink wait, rewind its feed and begin again, for as long as it
// takes.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "relay/redis/client.hpp"
#include "relay/redis/hot_listings.hpp"
#include "relay/redis/records.hpp"
#include "relay/redis/write_commands.hpp"
#include "relay/redis/sink_metrics.hpp"
#include "relay/sink.hpp"

namespace availability::relay::redis {

struct RedisOptions {
    ClientOptions client; // its scripts are set by the sink
    KeyOptions keys;      // its prefixes are those of the context
    std::string record_prefix = "avail:v3:relay:";
    // Adds to the heartbeat's when it comes to how old readers must take what they read for.
    std::chrono::milliseconds record_interval{100};
    std::size_t max_under_way_bytes = 8 << 20;
    HotOptions hot;
    // TLS, if client.connection.tls is to be made from files.
    bool tls = false;
    std::string tls_ca_file;
    std::string tls_cert_file;
    std::string tls_key_file;
    // How far the sink is, as its queue knows it. If null: up to the last event that was applied.
    std::function<AppliedPosition()> position;
};

// What to connect with: null without TLS. Throws std::runtime_error if the files can't be used.
std::unique_ptr<boost::asio::ssl::context> make_tls(const RedisOptions& options);

class RedisSink final : public Sink, private ClientListener {
  public:
    // Throws std::runtime_error if the TLS files can't be used.
    RedisSink(RedisOptions options, const SinkContext& context);
    ~RedisSink() override;

    const char* name() const override { return "redis"; }
    bool needs_every_event() const override { return false; }
    void start(Feed* feed) override;
    void begin_epoch(Epoch epoch, bool known) override;
    void wake() override;
    void stop(std::function<void()> done) override;

    // Reads the file of hot listings anew.
    void reload_hot_listings(const std::string& file) { hot_.reload(file); }

  private:
    class Write;
    // A batch that was taken.
    struct UnderWay {
        BatchPtr batch;
        std::size_t unanswered = 0;
        std::size_t bytes = 0;
        bool ended = false; // all its writes have been given away
        Clock::time_point taken;
    };

    void identified(const std::string& node, const Identity& identity) override { records_.identified(node, identity); }
    void map_changed() override { records_.map_changed(); }
    void trouble(const std::string& what) override;

    void announced();
    void doubt(const std::string& reason);
    void pull();
    void take(BatchPtr batch);
    void write_group(UnderWay* under_way, const Event* const* events, std::size_t count);
    void write_one(UnderWay* under_way, const Event& event, bool full, std::uint8_t tries);
    void answered(Write& write, const Reply& reply);
    void refused(Write& write, const Reply& reply);
    void write_failed(std::string_view reason);
    void write_ended(UnderWay* under_way);
    void begin_again();
    void drop_under_way();
    void tick();
    void schedule_tick();
    AppliedPosition position() const;
    void set_works();

    RedisOptions options_;
    SinkContext context_;
    std::unique_ptr<boost::asio::ssl::context> tls_;
    Feed* feed_ = nullptr;
    Client client_;
    Records records_;
    WriteCommands commands_;
    HotListings hot_;
    SinkMetrics metrics_;
    boost::asio::steady_timer tick_timer_;
    boost::asio::steady_timer again_timer_;

    bool running_ = false; // the epoch is announced and nothing has failed
    bool pulling_ = false;
    bool stopped_ = false;
    bool has_problem_ = false;
    Epoch epoch_ = 0;
    std::uint64_t generation_ = 0; // answers to writes of an earlier one don't count
    unsigned failures_ = 0;        // in a row
    Clock::time_point trouble_at_{};
    std::deque<std::unique_ptr<UnderWay>> under_way_;
    std::size_t bytes_ = 0;
    AppliedPosition applied_;
    std::vector<const Event*> group_;
};

} // namespace availability::relay::redis

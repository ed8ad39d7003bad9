// The relay: takes what the source brings, keeps the store, feeds the sinks and the ring, and says what may be
// confirmed.
//
//   source → on_event (the store changes) → on_batch → a queue for each sink, and the ring → subscribers
//   sink → applied → the least position of all queues → source.confirm
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <prometheus/registry.h>

#include "relay/dead_letters.hpp"
#include "relay/fanout/ring.hpp"
#include "relay/fanout/server.hpp"
#include "relay/metrics.hpp"
#include "relay/probe.hpp"
#include "relay/settings.hpp"
#include "relay/sink.hpp"
#include "relay/sink_queue.hpp"
#include "relay/source/loader.hpp"
#include "relay/source/source.hpp"
#include "relay/store.hpp"

namespace availability::relay {

struct RunOptions {
    bool bootstrap = false;         // make the slot anew
    bool end_when_loaded = false;   // end once every sink has every calendar
    std::function<void()> on_ready; // the first time that the relay is ready
};

class Relay : private SourceHandler, private QueueOwner {
  public:
    Relay(boost::asio::io_context& io, Settings settings, RunOptions options);
    ~Relay() override;

    // Returns an error, empty if there is none; then the event loop does the rest.
    std::string start();
    // Takes nothing more, applies what there is, confirms it and lets the event loop end.
    void drain();
    // Takes over what can be of other settings.
    void reload(const Settings& settings);

    // Empty, or why it ended.
    const std::string& fatal_error() const { return fatal_error_; }
    Readiness readiness() const;
    std::string state() const { return source_state_; }

  private:
    struct SinkSlot {
        std::unique_ptr<Sink> sink;
        std::unique_ptr<SinkQueue> queue;
        SinkMetricsOfRelay metrics;
    };

    // SourceHandler
    void on_event(Event* event, Arena* arena) override;
    void on_batch(BatchPtr batch) override;
    void on_loss(Position before, std::uint64_t lost) override;
    void on_position(std::uint64_t lsn, std::int64_t heartbeat_at) override;
    void on_epoch(Epoch epoch, bool fresh, std::uint64_t from) override;
    void on_source_state(const std::string& state, bool problem) override;
    bool can_take() override;
    void on_slot_metrics(std::int64_t retained_bytes, std::int64_t behind_bytes) override;
    void on_fatal(const std::string& message) override;

    // QueueOwner
    void on_progress() override;
    void on_applied(const char* sink, const Batch& batch, std::int64_t taken_at) override;
    void on_dead_letter(const char* sink, const Event& event, std::string_view reason) override;
    void on_epoch_demanded(const char* sink, std::string_view reason) override;

    std::string make_sinks();
    void make_probe();
    void add_sink(std::unique_ptr<Sink> sink);
    SinkSlot* slot_of(const char* sink);
    void load();
    void loaded(const Loader::Result& result);
    void settle();
    void settle_loss();
    void tick();
    void update_metrics();
    std::int64_t lag_of(const SinkQueue& queue, std::int64_t now) const;
    void end_sinks();
    bool all_idle() const;

    boost::asio::io_context& io_;
    Settings settings_;
    RunOptions options_;
    std::shared_ptr<prometheus::Registry> registry_;
    Metrics metrics_;
    Store store_;
    Ring ring_;
    DeadLetters dead_letters_;
    std::vector<SinkSlot> sinks_;
    Source source_;
    Server server_;
    std::unique_ptr<Loader> loader_;
    std::unique_ptr<Probe> probe_;
    boost::asio::steady_timer tick_timer_;
    boost::asio::steady_timer drain_timer_;
    boost::asio::steady_timer load_timer_;

    Epoch epoch_ = 0;
    bool fresh_ = false;         // the sinks are given every calendar of the epoch
    bool loaded_ = false;        // the store has every calendar
    std::uint64_t load_lsn_ = 0; // and is exact once the stream has passed this
    unsigned load_failures_ = 0;
    bool load_ended_ = false;        // the server has been told that the sinks have had them
    Position last_;                  // of the last event that the store took
    std::string lost_;               // what did not come in this epoch: a new one is to begin
    Position settled_loss_;          // losses up to here have had an epoch
    std::int64_t loss_epoch_at_ = 0; // when the last of these was demanded
    std::uint64_t complete_lsn_ = 0; // the stream has brought all up to there
    std::int64_t last_at_ = 0;
    std::string source_state_ = "starting";
    bool source_problem_ = true;
    bool paused_ = false;
    bool settle_posted_ = false;
    bool draining_ = false;
    bool ended_ = false;
    bool was_ready_ = false;
    std::string fatal_error_;
    ServerCounters seen_;
    std::uint64_t seen_reconnects_ = 0;
};

} // namespace availability::relay

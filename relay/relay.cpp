#include "relay/relay.hpp"

#include <algorithm>
#include <cstring>

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "relay/clock.hpp"
#include "relay/redis/redis_sink.hpp"
#include "relay/sinks.hpp"
#include "relay/source/lsn.hpp"

namespace availability::relay {

namespace {

constexpr std::chrono::milliseconds kTick(200);
// A sink with a full queue that has applied nothing for so long lags alone.
constexpr std::int64_t kPatience = 2000000;
constexpr std::int64_t kLossRest = 60000000;
constexpr std::size_t kTombstones = 1000;
constexpr std::size_t kSinkStopMilliseconds = 2000;
constexpr double kMicroseconds = 1e6;

} // namespace

Relay::Relay(boost::asio::io_context& io, Settings settings, RunOptions options)
    : io_(io), settings_(std::move(settings)), options_(std::move(options)),
      registry_(std::make_shared<prometheus::Registry>()), metrics_(registry_),
      ring_(static_cast<std::size_t>(settings_.http_ring_bytes)), dead_letters_(settings_.relay_dead_letter_file),
      source_(io, settings_, options_.bootstrap, *this),
      server_(io, settings_, store_, ring_,
              {[this] {
                   update_metrics();
                   return metrics_.serialize();
               },
               [this] { return readiness(); }, [this] { return loaded_; }, [this] { return load_lsn_; }}),
      tick_timer_(io), drain_timer_(io), load_timer_(io) {}

Relay::~Relay() = default;

std::string Relay::start() {
    if (std::string error = dead_letters_.open(); !error.empty())
        return error;
    if (std::string error = make_sinks(); !error.empty())
        return error;
    if (!settings_.http_listen.empty())
        if (std::string error = server_.listen(); !error.empty())
            return error;
    for (SinkSlot& slot : sinks_)
        slot.sink->start(slot.queue.get());
    tick();
    source_.start();
    return {};
}

std::string Relay::make_sinks() {
    SinkContext context{io_, *registry_, settings_.redis_key_prefixes};
    try {
        const auto position = [this] {
            const SinkQueue& queue = *slot_of("redis")->queue;
            return std::pair(queue.confirmed(), queue.as_of());
        };
        if (auto sink = make_redis_sink(settings_, context, position))
            add_sink(std::move(sink));
        if (settings_.has_redis())
            make_probe();
        if (auto sink = make_kafka_sink(settings_, context))
            add_sink(std::move(sink));
    } catch (const std::exception& error) {
        return error.what();
    }
    return {};
}

void Relay::make_probe() {
    Probe::Hooks hooks;
    hooks.wanted = [this] { return readiness().ready; };
    hooks.epoch = [this] { return epoch_; };
    hooks.lag = [this] { return lag_of(*slot_of("redis")->queue, now_us()); };
    hooks.done = [this](double staleness_seconds, std::size_t differences) {
        metrics_.probes.Increment();
        metrics_.probe_staleness_seconds.Set(staleness_seconds);
        metrics_.probe_differences.Increment(static_cast<double>(differences));
        if (differences > 0)
            spdlog::error("probe: {} listings were {} s old in Redis, for longer than was told", differences,
                          staleness_seconds);
    };
    hooks.failed = [this](const std::string& what) {
        metrics_.probe_failures.Increment();
        spdlog::warn("probe: {}", what);
    };
    probe_ = std::make_unique<Probe>(io_, settings_, store_, std::move(hooks));
    probe_->start();
}

void Relay::add_sink(std::unique_ptr<Sink> sink) {
    Sink* raw = sink.get();
    QueueOwner& owner = *this;
    auto queue = std::make_unique<SinkQueue>(
        raw->name(), raw->needs_every_event(), static_cast<std::size_t>(settings_.relay_queue_bytes), store_, owner,
        [raw] { raw->wake(); }, now_us);
    sinks_.push_back({std::move(sink), std::move(queue), metrics_.sink(raw->name())});
}

Relay::SinkSlot* Relay::slot_of(const char* sink) {
    for (SinkSlot& slot : sinks_)
        if (std::strcmp(slot.queue->name(), sink) == 0)
            return &slot;
    return nullptr;
}

// --- what the source brings ----------------------------------------------------------------------

void Relay::on_epoch(Epoch epoch, bool fresh, std::uint64_t from) {
    epoch_ = epoch;
    fresh_ = fresh;
    if (fresh)
        lost_.clear();
    loaded_ = false;
    load_ended_ = false;
    load_failures_ = 0;
    last_ = {from, UINT64_MAX};
    complete_lsn_ = from;
    server_.end_streams("another epoch");
    ring_.begin_epoch(epoch, from);
    store_.begin_load();
    for (SinkSlot& slot : sinks_) {
        slot.queue->begin_epoch(epoch, from, fresh);
        slot.sink->begin_epoch(epoch, !fresh);
    }
    load();
}

void Relay::load() {
    loader_ = std::make_unique<Loader>(io_, settings_.database_conninfo, settings_.database_tables,
                                       static_cast<int>(settings_.database_load_connections),
                                       std::chrono::seconds(settings_.database_timeout_seconds));
    loader_->start(
        [this](const LoadedRow& row) {
            if (!row.readable)
                return store_.load_unreadable(row.table, row.listing);
            bool newer = false;
            const Slot slot = store_.load(row.table, row.listing, row.version, row.booked, &newer);
            if (newer && fresh_)
                for (SinkSlot& sink : sinks_)
                    sink.queue->want(slot);
        },
        [this](const Loader::Result& result) { loaded(result); });
}

void Relay::loaded(const Loader::Result& result) {
    if (result.error) {
        const auto delay = std::chrono::milliseconds(200 << std::min(load_failures_++, 5U));
        spdlog::error("{}; again in {} ms", result.error.message, delay.count());
        load_timer_.expires_after(delay);
        load_timer_.async_wait([this, epoch = epoch_](boost::system::error_code error) {
            if (!error && epoch == epoch_ && !ended_)
                load();
        });
        return;
    }
    if (result.invalid > 0)
        spdlog::error("{} of {} calendars can't be read: they are unknown", result.invalid, result.rows);
    load_lsn_ = result.lsn;
    store_.end_load([this](Slot slot) {
        // Known from before, and not there any more.
        for (SinkSlot& sink : sinks_)
            sink.queue->want(slot);
    });
    loaded_ = true;
    spdlog::info("{} calendars loaded, {} bytes", store_.listings(), store_.bytes());
    for (SinkSlot& slot : sinks_)
        slot.queue->end_load();
    source_.beat();
    on_progress();
}

void Relay::on_event(Event* event, Arena* arena) {
    metrics_.count_event(event->kind);
    if (event->position <= last_)
        return; // comes again: it is in the store
    last_ = event->position;
    last_at_ = event->at;
    if (event->kind == EventKind::kUnreadable) {
        if (!event->listing.empty())
            store_.forget(event->table, event->listing);
        dead_letters_.add("relay", settings_.database_tables[event->table], *event, event->reason);
        return;
    }
    Calendar before;
    if (const Slot slot = store_.find(event->table, event->listing); slot != kNoSlot)
        before = store_.get(slot);
    const std::string_view previous = before.dropped || !loaded_ ? std::string_view() : arena->copy(before.booked);
    const std::int64_t previous_version = previous.empty() ? kUnknownVersion : before.version;
    bool newer = false;
    store_.apply(event->table, event->listing, event->version, event->booked, event->kind == EventKind::kDropped,
                 &newer);
    if (newer) {
        event->previous = previous;
        event->previous_version = previous_version;
    }
}

void Relay::on_batch(BatchPtr batch) {
    complete_lsn_ = std::max(complete_lsn_, batch->lsn);
    ring_.add(*batch);
    for (SinkSlot& slot : sinks_)
        slot.queue->push(batch);
    source_.heard(batch->lsn);
    server_.notify();
    if (sinks_.empty())
        on_progress();
}

// What was lost may be any listing's: the sinks hold nothing that can be trusted, and a new epoch gives them every
// calendar as the database has it by now. The slot brings the same transaction again, with the same loss perhaps: it
// has been settled then.
void Relay::on_loss(Position before, std::uint64_t lost) {
    if (before <= last_ || before <= settled_loss_)
        return;
    metrics_.seq_gaps.Increment(static_cast<double>(std::max<std::uint64_t>(lost, 1)));
    settled_loss_ = before;
    const std::string reason =
        before.seq == kAtEnd ? fmt::format("the last changes of transaction {} did not come", format_lsn(before.lsn))
                             : fmt::format("{} changes of transaction {} did not come, before number {}", lost,
                                           format_lsn(before.lsn), before.seq);
    spdlog::error("{}", reason);
    if (lost_.empty())
        lost_ = reason;
    on_progress();
}

// A stream that loses something again and again shall not begin epochs without a rest.
void Relay::settle_loss() {
    const std::int64_t now = now_us();
    if (lost_.empty() || draining_ || (loss_epoch_at_ != 0 && now - loss_epoch_at_ < kLossRest))
        return;
    loss_epoch_at_ = now;
    source_.restart(lost_, true);
}

void Relay::on_position(std::uint64_t lsn, std::int64_t heartbeat_at) {
    complete_lsn_ = std::max(complete_lsn_, lsn);
    if (!lost_.empty()) // not all that was seen by then is there
        heartbeat_at = 0;
    ring_.add_progress(lsn, heartbeat_at);
    for (SinkSlot& slot : sinks_)
        slot.queue->pushed_up_to(lsn, heartbeat_at);
    source_.heard(lsn);
    server_.notify();
    on_progress();
}

void Relay::on_source_state(const std::string& state, bool problem) {
    source_state_ = state;
    source_problem_ = problem;
}

bool Relay::can_take() {
    for (const SinkSlot& slot : sinks_)
        if (slot.queue->full() && !slot.queue->lags_alone())
            paused_ = true;
    return !paused_;
}

void Relay::on_slot_metrics(std::int64_t retained_bytes, std::int64_t behind_bytes) {
    metrics_.retained_wal_bytes.Set(static_cast<double>(retained_bytes));
    metrics_.behind_bytes.Set(static_cast<double>(behind_bytes));
}

void Relay::on_fatal(const std::string& message) {
    fatal_error_ = message;
    // Not from within a call of the source.
    boost::asio::post(io_, [this] { end_sinks(); });
}

// --- what the queues tell ------------------------------------------------------------------------

void Relay::on_progress() {
    if (settle_posted_)
        return;
    settle_posted_ = true;
    boost::asio::post(io_, [this] {
        settle_posted_ = false;
        settle();
    });
}

void Relay::on_applied(const char* sink, const Batch& batch, std::int64_t taken_at) {
    SinkMetricsOfRelay& metrics = slot_of(sink)->metrics;
    const std::int64_t now = now_us();
    metrics.events.Increment(static_cast<double>(batch.events.size()));
    metrics.taken_to_applied_seconds.Observe(static_cast<double>(now - taken_at) / kMicroseconds);
    // One observation a commit: events of a commit have its time.
    std::int64_t at = 0;
    for (const Event& event : batch.events)
        if (event.at != at && event.at != 0) {
            at = event.at;
            metrics.commit_to_applied_seconds.Observe(static_cast<double>(std::max<std::int64_t>(now - at, 0)) /
                                                      kMicroseconds);
        }
}

void Relay::on_dead_letter(const char* sink, const Event& event, std::string_view reason) {
    slot_of(sink)->metrics.dead_letters.Increment();
    dead_letters_.add(sink, settings_.database_tables[event.table], event, reason);
}

void Relay::on_epoch_demanded(const char* sink, std::string_view reason) {
    spdlog::warn("{} demands a new epoch: {}", sink, reason);
    const std::string text = fmt::format("{}: {}", sink, reason);
    boost::asio::post(io_, [this, text] {
        if (!ended_)
            source_.restart(text, true);
    });
}

// After something has moved: what may be confirmed, whether the source may go on, who needs a replay, what has ended.
void Relay::settle() {
    if (ended_)
        return;
    std::uint64_t confirmed = complete_lsn_;
    bool complete = loaded_;
    bool replay = false;
    for (SinkSlot& slot : sinks_) {
        SinkQueue& queue = *slot.queue;
        confirmed = std::min(confirmed, queue.confirmed());
        complete = complete && queue.complete();
        if (queue.wants_replay() && queue.problem().empty()) {
            queue.begin_replay();
            replay = true;
        }
    }
    if (lost_.empty()) // whoever comes after this process has to meet the loss again
        source_.confirm(confirmed);
    else
        settle_loss();
    if (replay)
        return source_.restart("a sink needs the events that it missed", false);
    if (fresh_ && complete && !load_ended_) {
        load_ended_ = true;
        source_.mark_loaded();
    }
    if (paused_) {
        paused_ = false;
        if (can_take())
            source_.resume();
    }
    if (loaded_ && store_.tombstones() > kTombstones && all_idle())
        store_.forget_dropped();
    if (!was_ready_ && readiness().ready) {
        was_ready_ = true;
        if (options_.on_ready)
            options_.on_ready();
    }
    if (options_.end_when_loaded && fresh_ && load_ended_ && source_.is_marked_loaded() && !draining_)
        drain();
    if (draining_ && all_idle())
        end_sinks();
}

void Relay::tick() {
    tick_timer_.expires_after(kTick);
    tick_timer_.async_wait([this](boost::system::error_code error) {
        if (error || ended_)
            return;
        const std::int64_t now = now_us();
        for (SinkSlot& slot : sinks_)
            if (slot.queue->stalled(now - kPatience) && !slot.queue->lags_alone()) {
                if (slot.queue->complete()) // else its queue is full once more
                    spdlog::warn("{} stands still with a full queue and lags alone from here on{}{}",
                                 slot.queue->name(), slot.queue->problem().empty() ? "" : ": ", slot.queue->problem());
                slot.queue->lag_alone();
            }
        if (fresh_ && load_ended_ && !source_.is_marked_loaded())
            source_.mark_loaded(); // the connection was busy
        server_.drop_slow();
        on_progress();
        tick();
    });
}

bool Relay::all_idle() const {
    return std::all_of(sinks_.begin(), sinks_.end(), [](const SinkSlot& slot) { return slot.queue->idle(); });
}

// --- health --------------------------------------------------------------------------------------

// A heartbeat that has not come back is older than every commit behind it.
std::int64_t Relay::lag_of(const SinkQueue& queue, std::int64_t now) const {
    std::int64_t oldest = queue.oldest_at();
    const std::int64_t heartbeat = source_.waiting_heartbeat_at();
    if (heartbeat != 0 && (oldest == 0 || heartbeat < oldest))
        oldest = heartbeat;
    return oldest == 0 ? 0 : std::max<std::int64_t>(now - oldest, 0);
}

Readiness Relay::readiness() const {
    if (!source_.streaming())
        return {false, source_state_};
    if (!loaded_)
        return {false, "loading the calendars"};
    if (complete_lsn_ < load_lsn_)
        return {false, "reading the changes since the calendars were loaded"};
    if (!lost_.empty())
        return {false, lost_ + ": a new epoch is to begin"};
    const std::int64_t now = now_us();
    const double heartbeat = source_.waiting_heartbeat_at() == 0
                                 ? 0
                                 : static_cast<double>(now - source_.waiting_heartbeat_at()) / kMicroseconds;
    if (heartbeat > settings_.relay_ready_lag_seconds)
        return {false, fmt::format("the stream stands still: a heartbeat is out for {:.1f} s", heartbeat)};
    for (const SinkSlot& slot : sinks_) {
        const SinkQueue& queue = *slot.queue;
        if (!queue.problem().empty())
            return {false, fmt::format("{}: {}", queue.name(), queue.problem())};
        if (!queue.complete())
            return {false, fmt::format("{} is being given the calendars", queue.name())};
        const double lag = static_cast<double>(lag_of(queue, now)) / kMicroseconds;
        if (lag > settings_.relay_ready_lag_seconds)
            return {false, fmt::format("{} lags by {:.1f} s", queue.name(), lag)};
    }
    return {true, fmt::format("ready: epoch {}, position {}", epoch_, format_lsn(complete_lsn_))};
}

void Relay::update_metrics() {
    const std::int64_t now = now_us();
    const auto seconds = [&](std::int64_t since) {
        return since == 0 ? 0 : static_cast<double>(std::max<std::int64_t>(now - since, 0)) / kMicroseconds;
    };
    metrics_.epoch.Set(static_cast<double>(epoch_));
    metrics_.streaming.Set(source_.streaming() ? 1 : 0);
    metrics_.ready.Set(readiness().ready ? 1 : 0);
    metrics_.received_lsn.Set(static_cast<double>(complete_lsn_));
    metrics_.confirmed_lsn.Set(static_cast<double>(source_.confirmed_lsn()));
    metrics_.waiting_heartbeat_seconds.Set(seconds(source_.waiting_heartbeat_at()));
    metrics_.listings.Set(static_cast<double>(store_.listings()));
    metrics_.store_bytes.Set(static_cast<double>(store_.bytes()));
    metrics_.ring_bytes.Set(static_cast<double>(ring_.bytes()));
    for (SinkSlot& slot : sinks_) {
        const SinkQueue& queue = *slot.queue;
        slot.metrics.freshness_lag_seconds.Set(static_cast<double>(lag_of(queue, now)) / kMicroseconds);
        slot.metrics.oldest_unapplied_seconds.Set(seconds(queue.oldest_at()));
        slot.metrics.queue_bytes.Set(static_cast<double>(queue.bytes()));
        slot.metrics.wanted_calendars.Set(static_cast<double>(queue.wanted()));
        slot.metrics.lags_alone.Set(queue.complete() ? 0 : 1);
        slot.metrics.works.Set(queue.problem().empty() ? 1 : 0);
        slot.metrics.confirmed_lsn.Set(static_cast<double>(queue.confirmed()));
    }
    const ServerCounters& counters = server_.counters();
    metrics_.subscribers.Set(static_cast<double>(counters.subscribers));
    metrics_.connections.Set(static_cast<double>(counters.connections));
    metrics_.snapshots.Increment(static_cast<double>(counters.snapshots - seen_.snapshots));
    metrics_.streams.Increment(static_cast<double>(counters.streams - seen_.streams));
    metrics_.subscribers_dropped.Increment(static_cast<double>(counters.dropped_slow - seen_.dropped_slow));
    metrics_.connections_refused.Increment(static_cast<double>(counters.refused - seen_.refused));
    seen_ = counters;
    metrics_.reconnects.Increment(static_cast<double>(source_.reconnects() - seen_reconnects_));
    seen_reconnects_ = source_.reconnects();
}

// --- the end -------------------------------------------------------------------------------------

void Relay::drain() {
    if (draining_ || ended_)
        return;
    draining_ = true;
    spdlog::info("ending: applying what there is");
    source_.pause();
    drain_timer_.expires_after(std::chrono::seconds(settings_.relay_drain_seconds));
    drain_timer_.async_wait([this](boost::system::error_code error) {
        if (error || ended_)
            return;
        spdlog::warn("not all could be applied in time; it will come again");
        end_sinks();
    });
    on_progress();
}

void Relay::end_sinks() {
    if (ended_)
        return;
    ended_ = true;
    drain_timer_.cancel();
    tick_timer_.cancel();
    load_timer_.cancel();
    loader_ = nullptr;
    if (probe_ != nullptr)
        probe_->stop();
    source_.stop([this] {
        server_.end_streams("the relay ends");
        auto left = std::make_shared<std::size_t>(sinks_.size());
        const auto stopped = [this, left] {
            if (*left > 0 && --*left > 0)
                return;
            server_.close();
            io_.stop();
        };
        if (sinks_.empty())
            return boost::asio::post(io_, stopped);
        drain_timer_.expires_after(std::chrono::milliseconds(kSinkStopMilliseconds));
        drain_timer_.async_wait([this](boost::system::error_code error) {
            if (!error)
                io_.stop();
        });
        for (SinkSlot& slot : sinks_)
            slot.sink->stop(stopped);
    });
}

void Relay::reload(const Settings& settings) {
    for (const std::string& name : need_restart(settings_, settings))
        spdlog::warn("{} has changed, and needs a restart", name);
    relay::reload(settings, &settings_);
    if (std::string error = dead_letters_.open(); !error.empty())
        spdlog::error("{}", error);
    if (SinkSlot* slot = slot_of("redis"))
        static_cast<redis::RedisSink&>(*slot->sink).reload_hot_listings(settings_.redis_hot_listings_file);
}

} // namespace availability::relay

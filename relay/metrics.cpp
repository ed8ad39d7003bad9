#include "relay/metrics.hpp"

#include <prometheus/text_serializer.h>

namespace availability::relay {

namespace {

constexpr char kPrefix[] = "availability_relay_";

const prometheus::Histogram::BucketBoundaries& latency_buckets() {
    static const prometheus::Histogram::BucketBoundaries kBuckets = {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1,
                                                                     0.2,    0.5,   1,     2,     5,    10,   30,   60};
    return kBuckets;
}

template <typename Builder>
auto& family(const Builder& builder, prometheus::Registry& registry, const std::string& name, const std::string& help) {
    return Builder(builder).Name(kPrefix + name).Help(help).Register(registry);
}

} // namespace

prometheus::Gauge& Metrics::gauge(const char* name, const char* help) {
    return family(prometheus::BuildGauge(), *registry_, name, help).Add({});
}

prometheus::Counter& Metrics::counter(const char* name, const char* help) {
    return family(prometheus::BuildCounter(), *registry_, name, help).Add({});
}

Metrics::Metrics(std::shared_ptr<prometheus::Registry> registry)
    : registry_(std::move(registry)), epoch(gauge("epoch", "The epoch of all that is written now.")),
      streaming(gauge("streaming", "1 while the slot is this relay's and its stream runs.")),
      ready(gauge("ready", "1 while /readyz is green.")),
      received_lsn(gauge("received_lsn", "End of the WAL that the stream has brought.")),
      confirmed_lsn(gauge("confirmed_lsn", "End of the WAL that every sink has for good.")),
      retained_wal_bytes(gauge("retained_wal_bytes", "WAL that the server keeps for the slot.")),
      behind_bytes(gauge("slot_behind_bytes", "WAL written since the position that the slot has confirmed.")),
      waiting_heartbeat_seconds(
          gauge("waiting_heartbeat_seconds", "Age of the oldest heartbeat that has not come back; 0 if all have.")),
      listings(gauge("listings", "Calendars in memory.")),
      store_bytes(gauge("store_bytes", "Memory of the calendars.")),
      ring_bytes(gauge("ring_bytes", "Events kept for subscribers.")),
      subscribers(gauge("subscribers", "Subscribers of /stream.")),
      connections(gauge("http_connections", "Connections to the HTTP server.")),
      probe_staleness_seconds(
          gauge("probe_staleness_seconds",
                "The oldest difference that the last probe found between Redis and the database; 0 without.")),
      reconnects(counter("reconnects_total", "Times that the stream was begun anew.")),
      seq_gaps(
          counter("seq_gaps_total", "Calendar changes that were missing within a transaction; a new epoch begins.")),
      snapshots(counter("snapshots_total", "Snapshots given.")), streams(counter("streams_total", "Streams begun.")),
      subscribers_dropped(counter("subscribers_dropped_total", "Subscribers that were too slow.")),
      connections_refused(counter("http_connections_refused_total", "Connections beyond http.max_connections.")),
      probes(counter("probes_total", "Samples of Redis compared with the database.")),
      probe_failures(counter("probe_failures_total", "Probes that could not be made.")),
      probe_differences(
          counter("probe_differences_total", "Listings of a sample that differed for longer than the told lag.")) {
    auto& events = family(prometheus::BuildCounter(), *registry_, "events_total", "Events received, by kind.");
    for (int kind = static_cast<int>(EventKind::kCreated); kind <= static_cast<int>(EventKind::kUnreadable); ++kind)
        events_[static_cast<EventKind>(kind)] =
            &events.Add({{"kind", std::string(word_of(static_cast<EventKind>(kind)))}});
}

void Metrics::count_event(EventKind kind) {
    const auto found = events_.find(kind);
    if (found != events_.end())
        found->second->Increment();
}

SinkMetricsOfRelay Metrics::sink(const std::string& name) {
    const std::map<std::string, std::string> labels = {{"sink", name}};
    prometheus::Registry& r = *registry_;
    const auto g = [&](const char* metric, const char* help) -> prometheus::Gauge& {
        return family(prometheus::BuildGauge(), r, metric, help).Add(labels);
    };
    const auto c = [&](const char* metric, const char* help) -> prometheus::Counter& {
        return family(prometheus::BuildCounter(), r, metric, help).Add(labels);
    };
    const auto h = [&](const char* metric, const char* help) -> prometheus::Histogram& {
        return family(prometheus::BuildHistogram(), r, metric, help).Add(labels, latency_buckets());
    };
    return {
        g("freshness_lag_seconds",
          "Age of the oldest commit that the sink has not applied, of a heartbeat too; 0 when it has caught up."),
        g("oldest_unapplied_seconds", "Age of the oldest received commit that the sink has not applied; 0 without."),
        g("queue_bytes", "What waits for the sink."),
        g("wanted_calendars", "Calendars that the sink is still to be given."),
        g("sink_lags_alone", "1 while the sink has missed events and will get them again."),
        g("sink_works", "1 unless the sink has told a problem."),
        g("sink_confirmed_lsn", "End of the WAL that the sink has for good."),
        c("sink_events_total", "Events that the sink has applied."),
        c("dead_letters_total", "Events that could not be delivered."),
        h("commit_to_applied_seconds", "From a commit to its being applied."),
        h("taken_to_applied_seconds", "From a batch's being taken by the sink to its being applied.")};
}

std::string Metrics::serialize() const {
    return prometheus::TextSerializer().Serialize(registry_->Collect());
}

} // namespace availability::relay

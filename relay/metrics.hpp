// What the relay tells Prometheus, but for what the sinks tell themselves.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "relay/event.hpp"

namespace availability::relay {

// Of one sink.
struct SinkMetricsOfRelay {
    prometheus::Gauge& freshness_lag_seconds;
    prometheus::Gauge& oldest_unapplied_seconds;
    prometheus::Gauge& queue_bytes;
    prometheus::Gauge& wanted_calendars;
    prometheus::Gauge& lags_alone;
    prometheus::Gauge& works;
    prometheus::Gauge& confirmed_lsn;
    prometheus::Counter& events;
    prometheus::Counter& dead_letters;
    prometheus::Histogram& commit_to_applied_seconds;
    prometheus::Histogram& taken_to_applied_seconds;
};

class Metrics {
  public:
    explicit Metrics(std::shared_ptr<prometheus::Registry> registry);

    SinkMetricsOfRelay sink(const std::string& name);
    void count_event(EventKind kind);
    // The text format of all that is registered.
    std::string serialize() const;

    prometheus::Registry& registry() { return *registry_; }

  private:
    std::shared_ptr<prometheus::Registry> registry_;
    std::map<EventKind, prometheus::Counter*> events_;

    prometheus::Gauge& gauge(const char* name, const char* help);
    prometheus::Counter& counter(const char* name, const char* help);

  public:
    prometheus::Gauge& epoch;
    prometheus::Gauge& streaming;
    prometheus::Gauge& ready;
    prometheus::Gauge& received_lsn;
    prometheus::Gauge& confirmed_lsn;
    prometheus::Gauge& retained_wal_bytes;
    prometheus::Gauge& behind_bytes;
    prometheus::Gauge& waiting_heartbeat_seconds;
    prometheus::Gauge& listings;
    prometheus::Gauge& store_bytes;
    prometheus::Gauge& ring_bytes;
    prometheus::Gauge& subscribers;
    prometheus::Gauge& connections;
    prometheus::Gauge& probe_staleness_seconds;
    prometheus::Counter& reconnects;
    prometheus::Counter& seq_gaps;
    prometheus::Counter& snapshots;
    prometheus::Counter& streams;
    prometheus::Counter& subscribers_dropped;
    prometheus::Counter& connections_refused;
    prometheus::Counter& probes;
    prometheus::Counter& probe_failures;
    prometheus::Counter& probe_differences;
};

} // namespace availability::relay

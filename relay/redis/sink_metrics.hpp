// What the Redis sink tells Prometheus.
#pragma once

#include <array>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "relay/redis/client.hpp"

namespace availability::relay::redis {

class SinkMetrics {
  public:
    explicit SinkMetrics(prometheus::Registry& registry);

    prometheus::Counter& written;
    prometheus::Counter& older;
    prometheus::Counter& gaps;
    prometheus::Counter& epochs_demanded;
    prometheus::Counter& rewinds;
    prometheus::Gauge& under_way_bytes;
    prometheus::Gauge& masters;
    prometheus::Histogram& batch_seconds;

    // Takes over what has come to the client's counters.
    void update(const ClientCounters& counters);

  private:
    ClientCounters seen_;
    std::array<prometheus::Counter*, 10> errors_{};
    prometheus::Counter& retries_;
    prometheus::Counter& connections_;
    prometheus::Counter& losses_;
    prometheus::Counter& failures_;
};

} // namespace availability::relay::redis

#include "relay/redis/sink_metrics.hpp"

namespace availability::relay::redis {

namespace {

prometheus::Family<prometheus::Counter>& counter(prometheus::Registry& registry, const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Family<prometheus::Counter>& writes(prometheus::Registry& registry) {
    return counter(registry, "availability_relay_redis_writes_total",
                   "Writes of listings that Redis answered: written, older (a newer state was there), gap (all months "
                   "are written).");
}

prometheus::Family<prometheus::Gauge>& gauge(prometheus::Registry& registry, const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

} // namespace

SinkMetrics::SinkMetrics(prometheus::Registry& registry)
    : written(writes(registry).Add({{"result", "written"}})), older(writes(registry).Add({{"result", "older"}})),
      gaps(writes(registry).Add({{"result", "gap"}})),
      epochs_demanded(counter(registry, "availability_relay_redis_epochs_demanded_total",
                              "Times that Redis may have lost what it had acknowledged.")
                          .Add({})),
      rewinds(counter(registry, "availability_relay_redis_rewinds_total",
                      "Times that writes had no answer and were begun again.")
                  .Add({})),
      under_way_bytes(
          gauge(registry, "availability_relay_redis_under_way_bytes", "Batches taken and not applied.").Add({})),
      masters(gauge(registry, "availability_relay_redis_masters", "Nodes that keys are written to.").Add({})),
      batch_seconds(prometheus::BuildHistogram()
                        .Name("availability_relay_redis_batch_seconds")
                        .Help("From taking a batch to the last answer.")
                        .Register(registry)
                        .Add({}, prometheus::Histogram::BucketBoundaries{.0002, .0005, .001, .002, .005, .01, .02, .05,
                                                                         .1, .25, .5, 1, 5})),
      retries_(counter(registry, "availability_relay_redis_retries_total", "Commands that were sent again.").Add({})),
      connections_(counter(registry, "availability_relay_redis_connections_total", "Connections begun.").Add({})),
      losses_(
          counter(registry, "availability_relay_redis_lost_connections_total", "Connections that worked and were lost.")
              .Add({})),
      failures_(
          counter(registry, "availability_relay_redis_failures_total", "Commands without an answer in time.").Add({})) {
    auto& family = counter(registry, "availability_relay_redis_errors_total", "Errors that Redis answered, by kind.");
    for (std::size_t i = 0; i < errors_.size(); i++)
        errors_[i] = &family.Add({{"kind", name_of(static_cast<ErrorKind>(i))}});
}

void SinkMetrics::update(const ClientCounters& counters) {
    for (std::size_t i = 0; i < errors_.size(); i++)
        errors_[i]->Increment(static_cast<double>(counters.errors[i] - seen_.errors[i]));
    retries_.Increment(static_cast<double>(counters.retries - seen_.retries));
    connections_.Increment(static_cast<double>(counters.connections - seen_.connections));
    losses_.Increment(static_cast<double>(counters.losses - seen_.losses));
    failures_.Increment(static_cast<double>(counters.failures - seen_.failures));
    seen_ = counters;
}

} // namespace availability::relay::redis

// What the service tells Prometheus.
#pragma once

#include <array>
#include <map>
#include <string>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "service/http/exchange.hpp"

namespace availability::service {

class Metrics {
  public:
    using Labels = std::map<std::string, std::string>;

    Metrics();

    // One answer of the API.
    void observe(Route route, int source, unsigned status, bool stale, double seconds);
    void observe_verification(const char* histogram, double seconds);

    // What others count, told when it is asked for: the value of a gauge, the total of a counter.
    void gauge(const std::string& name, const std::string& help, double value, const Labels& labels = {});
    void counter(const std::string& name, const std::string& help, double total, const Labels& labels = {});

    // The text format.
    std::string serialize() const;

  private:
    static constexpr int kSources = 5; // those of the reader, and none
    prometheus::Histogram& latency(Route route, int source);
    prometheus::Counter& answers(Route route, unsigned status_class);

    prometheus::Registry registry_;
    prometheus::Family<prometheus::Histogram>& latencies_;
    prometheus::Family<prometheus::Counter>& answers_family_;
    std::array<std::array<prometheus::Histogram*, kSources>, kRoutes> latency_{};
    std::array<std::array<prometheus::Counter*, 6>, kRoutes> answer_{};
    prometheus::Counter& stale_;
    std::map<std::string, prometheus::Histogram*> verification_;
};

} // namespace availability::service

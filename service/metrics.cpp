#include "service/metrics.hpp"

#include <prometheus/text_serializer.h>

#include "service/reader/answer.hpp"

namespace availability::service {

namespace {

const std::string kPrefix = "availability_service_";

const prometheus::Histogram::BucketBoundaries& latency_buckets() {
    static const prometheus::Histogram::BucketBoundaries kBuckets = {
        0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
        0.01,    0.025,    0.05,    0.1,    0.12,    0.25,   0.5,   1,      2.5};
    return kBuckets;
}

const prometheus::Histogram::BucketBoundaries& age_buckets() {
    static const prometheus::Histogram::BucketBoundaries kBuckets = {0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1,
                                                                     2.5,   5,    10,   30,  60,   600};
    return kBuckets;
}

std::string source_word(int source) {
    return source < 0 ? "none" : std::string(reader::word_of(static_cast<reader::Source>(source)));
}

} // namespace

Metrics::Metrics()
    : latencies_(prometheus::BuildHistogram()
                     .Name(kPrefix + "request_seconds")
                     .Help("From a request's last byte to its answer, by route and by where the answer came from.")
                     .Register(registry_)),
      answers_family_(prometheus::BuildCounter()
                          .Name(kPrefix + "requests_total")
                          .Help("Requests that were answered, by route and class of status.")
                          .Register(registry_)),
      stale_(prometheus::BuildCounter()
                 .Name(kPrefix + "stale_answers_total")
                 .Help("Answers that were marked stale.")
                 .Register(registry_)
                 .Add({})) {
    for (const char* name : {"verification_mismatch_seconds", "verification_newer_seconds"})
        verification_[name] =
            &prometheus::BuildHistogram()
                 .Name(kPrefix + name)
                 .Help(std::string(name) == "verification_newer_seconds"
                           ? "How long an answer that was compared had been out of date when it was given; 0 if not."
                           : "Of answers that were older than they said: by how much.")
                 .Register(registry_)
                 .Add({}, age_buckets());
}

prometheus::Histogram& Metrics::latency(Route route, int source) {
    prometheus::Histogram*& histogram = latency_[static_cast<std::size_t>(route)][static_cast<std::size_t>(source + 1)];
    if (histogram == nullptr)
        histogram = &latencies_.Add({{"route", std::string(word_of(route))}, {"source", source_word(source)}},
                                    latency_buckets());
    return *histogram;
}

prometheus::Counter& Metrics::answers(Route route, unsigned status_class) {
    prometheus::Counter*& counter = answer_[static_cast<std::size_t>(route)][status_class];
    if (counter == nullptr)
        counter = &answers_family_.Add(
            {{"route", std::string(word_of(route))}, {"status", std::to_string(status_class) + "xx"}});
    return *counter;
}

void Metrics::observe(Route route, int source, unsigned status, bool stale, double seconds) {
    answers(route, status / 100 % 6).Increment();
    latency(route, source).Observe(seconds);
    if (stale)
        stale_.Increment();
}

void Metrics::observe_verification(const char* histogram, double seconds) {
    verification_.at(histogram)->Observe(seconds);
}

void Metrics::gauge(const std::string& name, const std::string& help, double value, const Labels& labels) {
    prometheus::BuildGauge().Name(kPrefix + name).Help(help).Register(registry_).Add(labels).Set(value);
}

void Metrics::counter(const std::string& name, const std::string& help, double total, const Labels& labels) {
    auto& counter = prometheus::BuildCounter().Name(kPrefix + name).Help(help).Register(registry_).Add(labels);
    if (total > counter.Value())
        counter.Increment(total - counter.Value());
}

std::string Metrics::serialize() const {
    return prometheus::TextSerializer().Serialize(registry_.Collect());
}

} // namespace availability::service

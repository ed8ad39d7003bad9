// Whether the topics are there and as they must be: asked of the brokers, made if the configuration says so.
#pragma once

#include <set>
#include <string>
#include <vector>

#include <librdkafka/rdkafka.h>

namespace availability::relay::kafka {

struct TopicOptions {
    std::vector<std::string> names; // by Topic
    bool create = false;            // those that are missing
    int partitions = 12;
    int replication_factor = 3;
};

// Asks; the answer comes as an event of the queue. Nothing is waited for.
void request_creation(rd_kafka_t* handle, rd_kafka_queue_t* queue, const TopicOptions& options);
void request_description(rd_kafka_t* handle, rd_kafka_queue_t* queue, const TopicOptions& options);

struct TopicAnswer {
    bool good = false;   // go on
    std::string problem; // for people; with `good`: a warning
};
TopicAnswer read_creation(rd_kafka_event_t* event);
// Those that are missing are a problem.
TopicAnswer read_names(const std::set<std::string>& names, const std::string& error, const TopicOptions& options);
// The topic of calendars must be compacted. Brokers that don't tell are believed, with a warning.
TopicAnswer read_description(rd_kafka_event_t* event, const TopicOptions& options);

} // namespace availability::relay::kafka

// The sinks that the settings ask for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "relay/settings.hpp"
#include "relay/sink.hpp"

namespace availability::relay {

namespace redis {
class RedisSink;
struct RedisOptions;
} // namespace redis

// Null if the settings name no Redis. Throws std::runtime_error with a message for people, also on files that can't be
// used. `position`: how far the sink's queue is: (lsn, as of).
std::unique_ptr<redis::RedisSink> make_redis_sink(const Settings& settings, const SinkContext& context,
                                                  std::function<std::pair<std::uint64_t, std::int64_t>()> position);
redis::RedisOptions redis_options(const Settings& settings);

// The same of Kafka.
std::unique_ptr<Sink> make_kafka_sink(const Settings& settings, const SinkContext& context);

} // namespace availability::relay

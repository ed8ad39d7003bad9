#include "relay/sinks.hpp"

#include <stdexcept>

#include "relay/kafka/kafka_sink.hpp"
#include "relay/redis/redis_sink.hpp"

namespace availability::relay {

redis::RedisOptions redis_options(const Settings& settings) {
    redis::RedisOptions options;
    for (const std::string& node : settings.redis_nodes) {
        const auto endpoint = redis::parse_endpoint(node);
        if (!endpoint)
            throw std::runtime_error("redis.nodes: \"" + node + "\" is not host:port");
        options.client.nodes.push_back(*endpoint);
    }
    options.client.cluster = settings.redis_cluster;
    options.client.connection.username = settings.redis_username;
    options.client.connection.password = settings.redis_password;
    options.client.connection.tls_server_name = settings.redis_tls_server_name;
    options.client.connection.timeout = std::chrono::milliseconds(settings.redis_timeout_milliseconds);
    options.tls = settings.redis_tls;
    options.tls_ca_file = settings.redis_tls_ca_file;
    options.tls_cert_file = settings.redis_tls_cert_file;
    options.tls_key_file = settings.redis_tls_key_file;
    options.record_prefix = settings.redis_record_prefix;
    options.keys.layout = settings.redis_layout == "months" ? layout::Layout::kMonths : layout::Layout::kCalendar;
    options.keys.ttl = std::chrono::seconds(settings.redis_ttl_seconds);
    options.keys.ttl_spread = settings.redis_ttl_spread;
    options.keys.months = static_cast<int>(settings.redis_months);
    options.hot.count = static_cast<std::size_t>(settings.redis_hot_listings);
    options.hot.file = settings.redis_hot_listings_file;
    // Half of the shortest life.
    if (settings.redis_ttl_seconds > 0)
        options.hot.interval =
            std::chrono::milliseconds(static_cast<std::int64_t>(static_cast<double>(settings.redis_ttl_seconds) * 500 *
                                                                (1 - settings.redis_ttl_spread)) +
                                      1);
    return options;
}

std::unique_ptr<redis::RedisSink> make_redis_sink(const Settings& settings, const SinkContext& context,
                                                  std::function<std::pair<std::uint64_t, std::int64_t>()> position) {
    if (!settings.has_redis())
        return nullptr;
    redis::RedisOptions options = redis_options(settings);
    options.position = [position = std::move(position)] {
        const auto [lsn, as_of] = position();
        return redis::AppliedPosition{lsn, as_of};
    };
    return std::make_unique<redis::RedisSink>(std::move(options), context);
}

std::unique_ptr<Sink> make_kafka_sink(const Settings& settings, const SinkContext& context) {
    if (!settings.has_kafka())
        return nullptr;
    kafka::KafkaOptions options;
    for (const auto& [name, value] : settings.kafka_properties)
        options.properties[name] = value;
    options.topic_prefix = settings.kafka_topic_prefix;
    options.format = settings.kafka_format == "protobuf" ? kafka::Format::kProtobuf : kafka::Format::kJson;
    options.tables = settings.database_tables;
    options.create_topics = settings.kafka_create_topics;
    options.partitions = static_cast<int>(settings.kafka_partitions);
    options.replication_factor = static_cast<int>(settings.kafka_replication_factor);
    return std::make_unique<kafka::KafkaSink>(std::move(options), context);
}

} // namespace availability::relay

#include "relay/settings.hpp"

#include <set>

#include <fmt/format.h>

#include "relay/redis_settings.hpp"
#include "relay/source/pg_connection.hpp"

namespace availability::relay {

namespace {

constexpr char kPrefix[] = "AVAILABILITY_RELAY_";

} // namespace

const std::vector<Option>& options() {
    static const std::vector<Option> kOptions = {
        {"database.conninfo", &Settings::database_conninfo,
         "how libpq connects: a service, keywords and values, or a URI"},
        {"database.tables", &Settings::database_tables, "the calendar companions, as schema.table"},
        {"database.slot", &Settings::database_slot, "the replication slot, made by bootstrap"},
        {"database.state_table", &Settings::database_state_table,
         "where the epoch stands, as schema.table; made by bootstrap"},
        {"database.failover", &Settings::database_failover,
         "makes the slot with failover, where the server is 17 or later"},
        {"database.load_connections", &Settings::database_load_connections,
         "connections that load the calendars at once"},
        {"database.timeout_seconds", &Settings::database_timeout_seconds,
         "silence after which a connection counts as lost"},
        {"relay.state_file", &Settings::relay_state_file,
         "keeps the epoch and the last position, to notice that the database was set back; none if empty"},
        {"relay.dead_letter_file", &Settings::relay_dead_letter_file,
         "takes events that can't be delivered; the log if empty"},
        {"relay.queue_bytes", &Settings::relay_queue_bytes, "bound of the queue before each sink"},
        {"relay.heartbeat_seconds", &Settings::relay_heartbeat_seconds,
         "how often a heartbeat goes through the WAL, which tells sinks and subscribers how fresh they are"},
        {"relay.confirm_seconds", &Settings::relay_confirm_seconds,
         "how often the position is written to the state table and confirmed"},
        {"relay.drain_seconds", &Settings::relay_drain_seconds,
         "how long the relay applies what it has when it is to end"},
        {"relay.ready_lag_seconds", &Settings::relay_ready_lag_seconds, "freshness lag with which /readyz turns red",
         false, true},
        {"relay.probe_sample", &Settings::relay_probe_sample,
         "listings that a probe compares with the database; 0 for none", false, true},
        {"relay.probe_seconds", &Settings::relay_probe_seconds, "how often it does", false, true},
        {"http.listen", &Settings::http_listen, "address and port of metrics, health and fan-out; none if empty"},
        {"http.token", &Settings::http_token, "what /snapshot and /stream ask for as bearer token; nothing if empty",
         true, true},
        {"http.ring_bytes", &Settings::http_ring_bytes, "bound of the events that are kept for subscribers"},
        {"http.max_connections", &Settings::http_max_connections, "connections at once; more are closed", false, true},
        {"redis.nodes", &Settings::redis_nodes,
         "host:port or unix:/path of the server, or of some nodes of the cluster; no Redis if empty"},
        {"redis.cluster", &Settings::redis_cluster, "whether it is a Redis Cluster"},
        {"redis.layout", &Settings::redis_layout, "calendar or months"},
        {"redis.key_prefixes", &Settings::redis_key_prefixes, "what keys begin with, for each table"},
        {"redis.record_prefix", &Settings::redis_record_prefix,
         "what the keys of the relay's records begin with; one relay, one prefix"},
        {"redis.months", &Settings::redis_months, "months from the current one on that layout months keeps"},
        {"redis.username", &Settings::redis_username, "the ACL user"},
        {"redis.password", &Settings::redis_password, "its password", true},
        {"redis.tls", &Settings::redis_tls, "whether to connect by TLS"},
        {"redis.tls_ca_file", &Settings::redis_tls_ca_file,
         "authorities that are trusted; those of the system if empty"},
        {"redis.tls_cert_file", &Settings::redis_tls_cert_file, "the client's certificate"},
        {"redis.tls_key_file", &Settings::redis_tls_key_file, "its key"},
        {"redis.tls_server_name", &Settings::redis_tls_server_name,
         "the name in the server's certificate; the host's if empty"},
        {"redis.ttl_seconds", &Settings::redis_ttl_seconds, "life of a key; 0 for no end"},
        {"redis.ttl_spread", &Settings::redis_ttl_spread, "share by which lives differ, up and down"},
        {"redis.hot_listings", &Settings::redis_hot_listings, "how many listings are refreshed before they expire"},
        {"redis.hot_listings_file", &Settings::redis_hot_listings_file,
         "the first of these, a line each; counted by readers if empty", false, true},
        {"redis.timeout_milliseconds", &Settings::redis_timeout_milliseconds,
         "silence after which a connection counts as lost"},
        {"kafka.properties", &Settings::kafka_properties, "librdkafka's own, by their names; no Kafka if empty"},
        {"kafka.topic_prefix", &Settings::kafka_topic_prefix, "what the topics' names begin with"},
        {"kafka.format", &Settings::kafka_format, "json or protobuf"},
        {"kafka.create_topics", &Settings::kafka_create_topics, "makes topics that are missing"},
        {"kafka.partitions", &Settings::kafka_partitions, "of topics that it makes"},
        {"kafka.replication_factor", &Settings::kafka_replication_factor, "of topics that it makes"},
        {"log.level", &Settings::log_level, "debug, info, warning or error", false, true},
        {"log.format", &Settings::log_format, "text or json"},
    };
    return kOptions;
}

std::string environment_name(const Option& option) {
    return options::environment_name(kPrefix, option.name);
}

std::string set_option(Settings* settings, const Option& option, const std::string& text) {
    return options::set_from_text(options::bind<Settings>({option}, settings).front(), text);
}

std::string read_toml(const std::string& text, const std::string& name, Settings* settings) {
    return options::read_toml(text, name, options::bind(options(), settings));
}

std::string read_file(const std::string& path, Settings* settings) {
    return options::read_file(path, options::bind(options(), settings));
}

std::string read_environment(char** environment, Settings* settings) {
    return options::read_environment(environment, kPrefix, options::bind(options(), settings));
}

namespace {

using options::has_port;
using options::is_one_of;

// Names of slots: what the server takes.
bool is_slot_name(const std::string& name) {
    return !name.empty() && name.size() < 64 &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
}

std::string check_redis(const Settings& settings) {
    if (std::string error = options::check_redis(settings); !error.empty())
        return error;
    if (settings.redis_hot_listings < 0 || settings.redis_timeout_milliseconds < 1)
        return "redis.hot_listings must be at least 0, and redis.timeout_milliseconds at least 1";
    return {};
}

std::string check_kafka(const Settings& settings) {
    if (settings.kafka_properties.count("bootstrap.servers") == 0)
        return "kafka.properties must have bootstrap.servers";
    for (const char* name : {"enable.idempotence", "acks", "request.required.acks"})
        if (settings.kafka_properties.count(name) != 0)
            return fmt::format("kafka.properties must not have {}: the relay sets it", name);
    if (!is_one_of(settings.kafka_format, {"json", "protobuf"}))
        return "kafka.format must be json or protobuf";
    if (settings.kafka_partitions < 1 || settings.kafka_replication_factor < 1)
        return "kafka.partitions and kafka.replication_factor must be at least 1";
    return {};
}

} // namespace

std::string check(const Settings& settings) {
    if (std::string error = options::check_conninfo("database.conninfo", settings.database_conninfo); !error.empty())
        return error;
    if (settings.database_tables.empty())
        return "database.tables must name at least one calendar companion";
    const std::set<std::string> tables(settings.database_tables.begin(), settings.database_tables.end());
    if (tables.size() != settings.database_tables.size())
        return "database.tables names a table twice";
    if (quote_qualified(settings.database_state_table).empty())
        return "database.state_table must be schema.table";
    for (const std::string& table : settings.database_tables)
        if (quote_qualified(table).empty())
            return fmt::format("database.tables: \"{}\" is not schema.table", table);
    if (!is_slot_name(settings.database_slot))
        return "database.slot must be of lower-case letters, digits and underscores, and shorter than 64";
    if (settings.database_load_connections < 1 || settings.database_load_connections > 32)
        return "database.load_connections must be from 1 to 32";
    if (settings.database_timeout_seconds < 1)
        return "database.timeout_seconds must be at least 1";
    if (settings.relay_queue_bytes < 1 << 20 || settings.http_ring_bytes < 1 << 16)
        return "relay.queue_bytes must be at least 1048576, and http.ring_bytes at least 65536";
    if (settings.relay_heartbeat_seconds < 0.01 || settings.relay_confirm_seconds < 0.01)
        return "relay.heartbeat_seconds and relay.confirm_seconds must be at least 0.01";
    if (settings.relay_drain_seconds < 0 || settings.relay_ready_lag_seconds <= 0)
        return "relay.drain_seconds must be at least 0, and relay.ready_lag_seconds more";
    if (settings.relay_probe_sample < 0 || settings.relay_probe_sample > 1000 || settings.relay_probe_seconds <= 0)
        return "relay.probe_sample must be from 0 to 1000, and relay.probe_seconds more than 0";
    if (!settings.http_listen.empty() && !has_port(settings.http_listen))
        return "http.listen must be address:port";
    if (settings.http_max_connections < 1)
        return "http.max_connections must be at least 1";
    if (std::string error = options::check_log(settings.log_level, settings.log_format); !error.empty())
        return error;
    if (settings.has_redis())
        if (std::string redis = check_redis(settings); !redis.empty())
            return redis;
    return settings.has_kafka() ? check_kafka(settings) : std::string();
}

std::string print(const Settings& settings) {
    Settings copy = settings;
    return options::print(options::bind(options(), &copy));
}

std::vector<std::string> need_restart(const Settings& before, const Settings& after) {
    return options::need_restart(options(), before, after);
}

void reload(const Settings& from, Settings* to) {
    options::reload(options(), from, to);
}

} // namespace availability::relay

// The relay's settings: one table of options (relay/options.hpp) is the only place that says which there are, how they
// are named, what they default to and what they mean.
//
//   option redis.nodes:   [redis] nodes = […]     AVAILABILITY_RELAY_REDIS_NODES=…     --redis.nodes …
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "relay/options.hpp"

namespace availability::relay {

struct Settings {
    std::string database_conninfo;
    std::vector<std::string> database_tables;
    std::string database_slot = "availability_relay";
    std::string database_state_table = "availability_relay.state";
    bool database_failover = true;
    std::int64_t database_load_connections = 2;
    std::int64_t database_timeout_seconds = 10;

    std::string relay_state_file;
    std::string relay_dead_letter_file;
    std::int64_t relay_queue_bytes = 32 << 20;
    double relay_heartbeat_seconds = 0.1;
    double relay_confirm_seconds = 1;
    std::int64_t relay_drain_seconds = 10;
    double relay_ready_lag_seconds = 10;
    std::int64_t relay_probe_sample = 20;
    double relay_probe_seconds = 5;

    std::string http_listen = "127.0.0.1:9187";
    std::string http_token;
    std::int64_t http_ring_bytes = 32 << 20;
    std::int64_t http_max_connections = 2000;

    std::vector<std::string> redis_nodes;
    bool redis_cluster = false;
    std::string redis_layout = "calendar";
    std::vector<std::string> redis_key_prefixes = {"avail:v3:"};
    std::string redis_record_prefix = "avail:v3:relay:";
    std::int64_t redis_months = 18;
    std::string redis_username;
    std::string redis_password;
    bool redis_tls = false;
    std::string redis_tls_ca_file;
    std::string redis_tls_cert_file;
    std::string redis_tls_key_file;
    std::string redis_tls_server_name;
    std::int64_t redis_ttl_seconds = 600;
    double redis_ttl_spread = 0.2;
    std::int64_t redis_hot_listings = 0;
    std::string redis_hot_listings_file;
    std::int64_t redis_timeout_milliseconds = 2000;

    std::map<std::string, std::string> kafka_properties;
    std::string kafka_topic_prefix;
    std::string kafka_format = "json";
    bool kafka_create_topics = false;
    std::int64_t kafka_partitions = 12;
    std::int64_t kafka_replication_factor = 3;

    std::string log_level = "info";
    std::string log_format = "text";

    bool has_redis() const { return !redis_nodes.empty(); }
    bool has_kafka() const { return !kafka_properties.empty(); }
};

using Option = availability::options::OptionOf<Settings>;

const std::vector<Option>& options();

// "AVAILABILITY_RELAY_REDIS_NODES".
std::string environment_name(const Option& option);

// Sets an option from text, as it stands in the environment or after a flag. Returns an error, empty if there is none.
std::string set_option(Settings* settings, const Option& option, const std::string& text);

// Reads a TOML file. Returns an error that names the file and the line, empty if there is none. Unknown keys and wrong
// types are errors.
std::string read_file(const std::string& path, Settings* settings);
// The same of a text; `name` stands for the file.
std::string read_toml(const std::string& text, const std::string& name, Settings* settings);

// Takes what the environment says; `get` is getenv but in tests. An unknown AVAILABILITY_RELAY_ variable is an error.
std::string read_environment(char** environment, Settings* settings);

// What no single option can say: required, ranges, combinations. Returns an error, empty if there is none.
std::string check(const Settings& settings);

// All options with their values as a TOML file, secrets as "***".
std::string print(const Settings& settings);

// The names of options that differ and need a restart.
std::vector<std::string> need_restart(const Settings& before, const Settings& after);
// Takes over those that can be.
void reload(const Settings& from, Settings* to);

} // namespace availability::relay

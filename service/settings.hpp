// The service's settings: one table of options (relay/options.hpp) is the only place that says which there are, how
// they are named, what they default to and what they mean.
//
//   option relay.urls:   [relay] urls = […]     AVAILABILITY_SERVICE_RELAY_URLS=…     --relay.urls …
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "relay/options.hpp"

namespace availability::service {

struct Settings {
    std::string database_conninfo;
    std::string database_bookings_conninfo;
    std::vector<std::string> database_tables;
    std::vector<std::string> database_names;
    std::vector<std::string> database_kinds;
    std::int64_t database_connections = 8;
    std::int64_t database_bookings_connections = 8;
    std::int64_t database_max_queue = 1000;
    double database_connect_timeout_seconds = 2;
    bool database_prepare = true;

    std::vector<std::string> relay_urls;
    std::string relay_token;
    double relay_timeout_seconds = 2;

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
    std::int64_t redis_timeout_milliseconds = 500;

    std::string reader_mode = "replica";
    std::string reader_canary = "replica";
    double reader_canary_share = 0;
    bool reader_kill_switch = false;
    std::int64_t reader_max_age_milliseconds = 500;
    std::int64_t reader_max_stale_milliseconds = 60000;
    std::int64_t reader_l1_bytes = 64 << 20;
    double reader_l1_ttl_seconds = 60;
    double reader_l1_hot_ttl_seconds = 30;
    double reader_unknown_ttl_seconds = 1;
    std::int64_t reader_hot_listings = 1000;
    std::vector<std::string> reader_warm;
    std::int64_t reader_batch_delay_microseconds = 1000;
    std::int64_t reader_max_batch = 256;
    std::int64_t reader_lease_wait_milliseconds = 50;
    std::int64_t reader_max_waiting = 10000;

    std::string http_listen = "127.0.0.1:8080";
    std::int64_t http_max_connections = 10000;
    std::int64_t http_max_header_bytes = 8192;
    std::int64_t http_max_target_bytes = 6144;
    std::int64_t http_max_body_bytes = 65536;
    double http_header_timeout_seconds = 5;
    double http_body_timeout_seconds = 10;
    double http_idle_timeout_seconds = 75;
    double http_write_timeout_seconds = 10;
    std::int64_t http_read_deadline_milliseconds = 1000;
    std::int64_t http_booking_deadline_milliseconds = 5000;
    std::int64_t http_max_listings = 200;
    std::int64_t http_max_days = 1100;
    std::int64_t http_max_limit = 1000;
    std::int64_t http_max_waiting = 10000;
    std::int64_t http_max_lag_milliseconds = 200;
    std::int64_t http_max_streams = 1000;
    std::int64_t http_stream_bytes = 1 << 20;
    double http_drain_delay_seconds = 0;
    double http_drain_seconds = 10;

    std::string control_listen;
    std::string control_token;
    double verification_share = 0;
    std::int64_t verification_max_waiting = 100;

    std::string log_level = "info";
    std::string log_format = "text";
    double log_requests = 0;

    bool has_redis() const { return !redis_nodes.empty(); }
    const std::string& bookings_conninfo() const {
        return database_bookings_conninfo.empty() ? database_conninfo : database_bookings_conninfo;
    }
    // The tracked table of a calendar companion, quoted: schema.<t> of schema.<t>_calendar. Empty if it is none.
    static std::string reservations_of(const std::string& calendar);
};

using Option = availability::options::OptionOf<Settings>;
inline constexpr char kEnvironmentPrefix[] = "AVAILABILITY_SERVICE_";

const std::vector<Option>& options();

// What no single option can say: required, ranges, combinations. Returns an error, empty if there is none.
std::string check(const Settings& settings);

} // namespace availability::service

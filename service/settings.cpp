#include "service/settings.hpp"

#include <set>

#include <fmt/format.h>

#include "relay/redis_settings.hpp"
#include "relay/source/pg_connection.hpp"
#include "service/reader/reader.hpp"

namespace availability::service {

using options::has_port;
using options::is_one_of;

const std::vector<Option>& options() {
    static const std::vector<Option> kOptions = {
        {"database.conninfo", &Settings::database_conninfo,
         "how libpq connects for reads: a service, keywords and values, or a URI"},
        {"database.bookings_conninfo", &Settings::database_bookings_conninfo,
         "the same for bookings; as for reads if empty"},
        {"database.tables", &Settings::database_tables, "the calendar companions, as schema.table"},
        {"database.names", &Settings::database_names, "what requests call them; what comes before _calendar if empty"},
        {"database.kinds", &Settings::database_kinds,
         "number or text: how each table writes its listings; the database is asked if empty"},
        {"database.connections", &Settings::database_connections, "connections for reads, at most"},
        {"database.bookings_connections", &Settings::database_bookings_connections,
         "connections for bookings, at most"},
        {"database.max_queue", &Settings::database_max_queue, "statements that wait for one; more are refused"},
        {"database.connect_timeout_seconds", &Settings::database_connect_timeout_seconds,
         "for a connection to be made"},
        {"database.prepare", &Settings::database_prepare, "prepares statements; off for poolers that don't keep them"},
        {"relay.urls", &Settings::relay_urls, "host:port of the relays, the first that answers; no stream if empty"},
        {"relay.token", &Settings::relay_token, "their bearer token", true},
        {"relay.timeout_seconds", &Settings::relay_timeout_seconds, "silence after which a relay counts as lost"},
        {"redis.nodes", &Settings::redis_nodes,
         "host:port or unix:/path of the server, or of some nodes of the cluster; no Redis if empty"},
        {"redis.cluster", &Settings::redis_cluster, "whether it is a Redis Cluster"},
        {"redis.layout", &Settings::redis_layout, "calendar or months, as the relay writes"},
        {"redis.key_prefixes", &Settings::redis_key_prefixes, "what keys begin with, for each table"},
        {"redis.record_prefix", &Settings::redis_record_prefix, "what the keys of the relay's records begin with"},
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
        {"redis.ttl_seconds", &Settings::redis_ttl_seconds, "life of a key that a reader fills; 0 for no end"},
        {"redis.ttl_spread", &Settings::redis_ttl_spread, "share by which lives differ, up and down"},
        {"redis.timeout_milliseconds", &Settings::redis_timeout_milliseconds,
         "silence after which a connection counts as lost"},
        {"reader.mode", &Settings::reader_mode, "replica, near, redis or database", false, true},
        {"reader.canary", &Settings::reader_canary, "the mode of the listings in the canary's share", false, true},
        {"reader.canary_share", &Settings::reader_canary_share, "how many they are, from 0 to 1", false, true},
        {"reader.kill_switch", &Settings::reader_kill_switch, "all reads to the database", false, true},
        {"reader.max_age_milliseconds", &Settings::reader_max_age_milliseconds,
         "age up to which an answer is not stale"},
        {"reader.max_stale_milliseconds", &Settings::reader_max_stale_milliseconds,
         "age up to which a stale answer is given, marked, when no fresher one can be had"},
        {"reader.l1_bytes", &Settings::reader_l1_bytes, "bound of the near cache"},
        {"reader.l1_ttl_seconds", &Settings::reader_l1_ttl_seconds, "life of its entries"},
        {"reader.l1_hot_ttl_seconds", &Settings::reader_l1_hot_ttl_seconds, "the same of hot listings"},
        {"reader.unknown_ttl_seconds", &Settings::reader_unknown_ttl_seconds,
         "how long it is remembered that there is no such listing"},
        {"reader.hot_listings", &Settings::reader_hot_listings, "how many listings count as hot"},
        {"reader.warm", &Settings::reader_warm, "listings of the first table that are read at the start"},
        {"reader.batch_delay_microseconds", &Settings::reader_batch_delay_microseconds,
         "how long misses wait for others to go with"},
        {"reader.max_batch", &Settings::reader_max_batch, "how many go at once"},
        {"reader.lease_wait_milliseconds", &Settings::reader_lease_wait_milliseconds,
         "how long to wait for another's fill before the database is asked all the same"},
        {"reader.max_waiting", &Settings::reader_max_waiting, "reads that wait for a tier; more are refused"},
        {"http.listen", &Settings::http_listen, "address and port of the API"},
        {"http.max_connections", &Settings::http_max_connections, "connections at once; more are closed", false, true},
        {"http.max_header_bytes", &Settings::http_max_header_bytes, "of a request's line and header fields"},
        {"http.max_target_bytes", &Settings::http_max_target_bytes, "of a request's target"},
        {"http.max_body_bytes", &Settings::http_max_body_bytes, "of a request's body"},
        {"http.header_timeout_seconds", &Settings::http_header_timeout_seconds, "for a request's head to come"},
        {"http.body_timeout_seconds", &Settings::http_body_timeout_seconds, "for its body to come"},
        {"http.idle_timeout_seconds", &Settings::http_idle_timeout_seconds, "between requests"},
        {"http.write_timeout_seconds", &Settings::http_write_timeout_seconds, "for an answer to go"},
        {"http.read_deadline_milliseconds", &Settings::http_read_deadline_milliseconds,
         "after which a read is answered by 503", false, true},
        {"http.booking_deadline_milliseconds", &Settings::http_booking_deadline_milliseconds,
         "after which a booking is given up", false, true},
        {"http.max_listings", &Settings::http_max_listings, "of one request", false, true},
        {"http.max_days", &Settings::http_max_days, "between two dates of one request", false, true},
        {"http.max_limit", &Settings::http_max_limit, "of the listings that a search returns", false, true},
        {"http.max_waiting", &Settings::http_max_waiting, "requests that wait for an answer; more are refused with 503",
         false, true},
        {"http.max_lag_milliseconds", &Settings::http_max_lag_milliseconds,
         "how late the event loop may be before requests are refused with 503", false, true},
        {"http.max_streams", &Settings::http_max_streams, "clients of /v1/events"},
        {"http.stream_bytes", &Settings::http_stream_bytes,
         "events that wait for one of them; behind by more, it is dropped"},
        {"http.drain_delay_seconds", &Settings::http_drain_delay_seconds,
         "how long /readyz is red before no connection is accepted any more, for balancers to notice", false, true},
        {"http.drain_seconds", &Settings::http_drain_seconds, "for requests that are under way, then", false, true},
        {"control.listen", &Settings::control_listen, "address and port of the control endpoints; none if empty"},
        {"control.token", &Settings::control_token, "the bearer token that they ask for", true, true},
        {"verification.share", &Settings::verification_share,
         "share of the answers that is compared with the database afterwards, from 0 to 1", false, true},
        {"verification.max_waiting", &Settings::verification_max_waiting,
         "comparisons under way; samples beyond are left out", false, true},
        {"log.level", &Settings::log_level, "debug, info, warning or error", false, true},
        {"log.format", &Settings::log_format, "text or json", false, true},
        {"log.requests", &Settings::log_requests,
         "share of the requests that is logged, from 0 to 1; those that fail (500 and above) always are, up to 10 a "
         "second",
         false, true},
    };
    return kOptions;
}

std::string Settings::reservations_of(const std::string& calendar) {
    constexpr std::string_view kSuffix = "_calendar\"";
    std::string quoted = relay::quote_qualified(calendar);
    if (quoted.size() < kSuffix.size() + 5 ||
        quoted.compare(quoted.size() - kSuffix.size(), kSuffix.size(), kSuffix) != 0)
        return {};
    quoted.resize(quoted.size() - kSuffix.size());
    if (quoted.compare(quoted.size() - 2, 2, ".\"") == 0)
        return {}; // nothing before the suffix
    return quoted + '"';
}

namespace {

std::string check_redis(const Settings& settings) {
    if (std::string error = options::check_redis(settings); !error.empty())
        return error;
    return settings.redis_timeout_milliseconds < 1 ? "redis.timeout_milliseconds must be at least 1" : "";
}

std::string check_database(const Settings& settings) {
    if (std::string error = options::check_conninfo("database.conninfo", settings.database_conninfo); !error.empty())
        return error;
    if (std::string error = options::check_conninfo("database.bookings_conninfo", settings.database_bookings_conninfo);
        !error.empty())
        return error;
    if (settings.database_tables.empty())
        return "database.tables must name at least one calendar companion";
    std::set<std::string> tables;
    for (const std::string& table : settings.database_tables) {
        if (relay::quote_qualified(table).empty())
            return fmt::format("database.tables: \"{}\" is not schema.table", table);
        if (Settings::reservations_of(table).empty())
            return fmt::format("database.tables: \"{}\" is no calendar companion: its name does not end with _calendar",
                               table);
        if (!tables.insert(table).second)
            return "database.tables names a table twice";
    }
    const std::set<std::string> names(settings.database_names.begin(), settings.database_names.end());
    if (!settings.database_names.empty() && (settings.database_names.size() != settings.database_tables.size() ||
                                             names.size() != settings.database_names.size()))
        return "database.names must name each table, and differ";
    if (!settings.database_kinds.empty() && settings.database_kinds.size() != settings.database_tables.size())
        return "database.kinds must have one for each table";
    for (const std::string& kind : settings.database_kinds)
        if (!is_one_of(kind, {"number", "text"}))
            return "database.kinds must be number or text";
    return {};
}

std::string check_reader(const Settings& settings) {
    reader::Mode mode{};
    for (const std::string& word : {settings.reader_mode, settings.reader_canary})
        if (!reader::parse_mode(word, &mode))
            return "reader.mode and reader.canary must be replica, near, redis or database";
    const auto needs = [&](const char* word) {
        return settings.reader_mode == word || (settings.reader_canary == word && settings.reader_canary_share > 0);
    };
    if ((needs("replica") || needs("near")) && settings.relay_urls.empty())
        return "reader.mode replica and near need relay.urls: the stream keeps them fresh";
    if (needs("redis") && !settings.has_redis())
        return "reader.mode redis needs redis.nodes";
    for (const double share : {settings.reader_canary_share, settings.verification_share, settings.log_requests})
        if (share < 0 || share > 1)
            return "reader.canary_share, verification.share and log.requests must be from 0 to 1";
    return {};
}

} // namespace

std::string check(const Settings& settings) {
    for (auto* check : {&check_database, &check_reader})
        if (std::string error = (*check)(settings); !error.empty())
            return error;
    if (settings.has_redis())
        if (std::string error = check_redis(settings); !error.empty())
            return error;
    for (const std::string& url : settings.relay_urls)
        if (!has_port(url))
            return fmt::format("relay.urls: \"{}\" is not host:port", url);
    if (!has_port(settings.http_listen))
        return "http.listen must be address:port";
    if (!settings.control_listen.empty() && !has_port(settings.control_listen))
        return "control.listen must be address:port";
    if (!settings.control_listen.empty() && settings.control_token.empty())
        return "control.listen needs control.token: whoever reaches it could turn the service off";
    // A count, a size or a time of nothing is no setting.
    Settings copy = settings;
    for (const options::Bound& option : options::bind(options(), &copy)) {
        const std::string_view name = option.name;
        const bool may_be_zero =
            name.find("share") != std::string_view::npos || name == "log.requests" || name == "redis.ttl_seconds" ||
            name == "redis.ttl_spread" || name == "reader.batch_delay_microseconds" ||
            name.find("drain") != std::string_view::npos || name == "reader.hot_listings" || name == "reader.l1_bytes";
        const double least = may_be_zero ? 0 : 1e-9;
        if (const auto* integer = std::get_if<std::int64_t*>(&option.value))
            if (static_cast<double>(**integer) < least || **integer > INT32_MAX)
                return fmt::format("{} must be from {} to {}", name, may_be_zero ? 0 : 1, INT32_MAX);
        if (const auto* number = std::get_if<double*>(&option.value))
            if (**number < least || **number > 1e6)
                return fmt::format("{} must be {}, and no more than 1000000", name,
                                   may_be_zero ? "at least 0" : "more than 0");
    }
    if (settings.http_max_header_bytes < 1024 || settings.http_max_header_bytes > 1 << 20)
        return "http.max_header_bytes must be from 1024 to 1048576";
    if (settings.http_max_days > 3660)
        return "http.max_days must be at most 3660";
    return options::check_log(settings.log_level, settings.log_format);
}

} // namespace availability::service

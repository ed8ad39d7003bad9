#include "relay/settings.hpp"

#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>
#include <libpq-fe.h>

// What the parser takes for impossible, a malformed file can bring about (3.3.0): an error like any other.
inline void fail_to_parse() { throw std::invalid_argument("malformed"); }
#define TOML_ASSERT(expression) ((expression) ? static_cast<void>(0) : fail_to_parse())
#include <toml++/toml.h>

#include "relay/source/pg_connection.hpp"

namespace availability::relay {

namespace {

using List = std::vector<std::string>;
using Map = std::map<std::string, std::string>;

constexpr char kPrefix[] = "AVAILABILITY_RELAY_";
constexpr char kHidden[] = "***";

std::string trimmed(const std::string& text) {
    const std::size_t first = text.find_first_not_of(" \t\n");
    if (first == std::string::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

List split(const std::string& text) {
    List parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, ',');)
        if (part = trimmed(part); !part.empty())
            parts.push_back(part);
    return parts;
}

bool parse(const std::string& text, std::int64_t* value) {
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, *value);
    return result.ec == std::errc() && result.ptr == end;
}

bool parse(const std::string& text, double* value) {
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, *value);
    return result.ec == std::errc() && result.ptr == end && std::isfinite(*value);
}

bool parse(const std::string& text, bool* value) {
    *value = text == "true" || text == "on" || text == "1";
    return *value || text == "false" || text == "off" || text == "0";
}

// Quoted as a basic string of TOML.
std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out += '\\';
        if (static_cast<unsigned char>(c) < 0x20)
            out += fmt::format("\\u{:04x}", static_cast<int>(c));
        else
            out += c;
    }
    return out + '"';
}

const Option* find(const std::string& name) {
    for (const Option& option : options())
        if (name == option.name)
            return &option;
    return nullptr;
}

bool is_table_of_options(const std::string& name) {
    for (const Option& option : options())
        if (std::strncmp(option.name, (name + ".").c_str(), name.size() + 1) == 0)
            return true;
    return false;
}

// One node of a TOML file into the field of an option. False if its type is another.
struct FromToml {
    const toml::node& node;
    Settings* settings;

    bool operator()(std::string Settings::*field) const { return take<std::string>(field); }
    bool operator()(bool Settings::*field) const { return take<bool>(field); }
    bool operator()(std::int64_t Settings::*field) const { return take<std::int64_t>(field); }
    bool operator()(double Settings::*field) const {
        if (!node.is_number())
            return false;
        settings->*field = *node.value<double>();
        return std::isfinite(settings->*field);
    }
    bool operator()(List Settings::*field) const {
        const toml::array* array = node.as_array();
        if (array == nullptr)
            return false;
        (settings->*field).clear();
        for (const toml::node& element : *array) {
            if (!element.is_string())
                return false;
            (settings->*field).push_back(*element.value<std::string>());
        }
        return true;
    }
    bool operator()(Map Settings::*field) const {
        const toml::table* table = node.as_table();
        if (table == nullptr)
            return false;
        for (const auto& [key, value] : *table) {
            std::string text;
            if (value.is_string())
                text = *value.value<std::string>();
            else if (value.is_boolean())
                text = *value.value<bool>() ? "true" : "false";
            else if (value.is_integer())
                text = std::to_string(*value.value<std::int64_t>());
            else
                return false;
            (settings->*field)[std::string(key.str())] = text;
        }
        return true;
    }

    template <typename T>
    bool take(T Settings::*field) const {
        const auto value = node.value_exact<T>();
        if (value)
            settings->*field = *value;
        return value.has_value();
    }
};

const char* type_of(const Option& option) {
    static constexpr const char* kTypes[] = {"a string",         "true or false", "an integer", "a number",
                                             "a list of strings", "a table"};
    return kTypes[option.field.index()];
}

std::string read_table(const toml::table& table, const std::string& prefix, const std::string& file, Settings* settings) {
    for (const auto& [key, node] : table) {
        const std::string name = prefix + std::string(key.str());
        const auto line = node.source().begin.line ? node.source().begin.line : key.source().begin.line;
        if (const Option* option = find(name)) {
            if (!std::visit(FromToml{node, settings}, option->field))
                return fmt::format("{}:{}: {} must be {}", file, line, name, type_of(*option));
        } else if (prefix.empty() && node.is_table() && is_table_of_options(name)) {
            if (std::string error = read_table(*node.as_table(), name + ".", file, settings); !error.empty())
                return error;
        } else {
            return fmt::format("{}:{}: unknown option {}", file, key.source().begin.line, name);
        }
    }
    return {};
}

// A conninfo with its password hidden.
std::string without_password(const std::string& conninfo) {
    PQconninfoOption* parsed = PQconninfoParse(conninfo.c_str(), nullptr);
    if (parsed == nullptr)
        return kHidden;
    std::string out;
    for (const PQconninfoOption* option = parsed; option->keyword != nullptr; ++option) {
        if (option->val == nullptr)
            continue;
        const bool hidden = std::strchr(option->dispchar, '*') != nullptr;
        std::string value;
        for (const char* c = hidden ? kHidden : option->val; *c != '\0'; ++c) {
            if (*c == '\'' || *c == '\\')
                value += '\\';
            value += *c;
        }
        out += fmt::format("{}{}='{}'", out.empty() ? "" : " ", option->keyword, value);
    }
    PQconninfoFree(parsed);
    return out;
}

// The properties of librdkafka that are secrets, by their names.
bool is_secret_property(const std::string& name) {
    return name.find("password") != std::string::npos || name.find("secret") != std::string::npos ||
           name.find(".pem") != std::string::npos || name == "sasl.oauthbearer.config" || name == "sasl.jaas.config";
}

struct ToText {
    const Settings& settings;
    const Option& option;

    std::string operator()(std::string Settings::*field) const {
        const std::string& value = settings.*field;
        if (field == &Settings::database_conninfo)
            return quoted(without_password(value));
        return quoted(option.secret && !value.empty() ? kHidden : value);
    }
    std::string operator()(bool Settings::*field) const { return settings.*field ? "true" : "false"; }
    std::string operator()(std::int64_t Settings::*field) const { return std::to_string(settings.*field); }
    std::string operator()(double Settings::*field) const {
        const std::string text = fmt::format("{}", settings.*field);
        return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
    }
    std::string operator()(List Settings::*field) const {
        std::string out;
        for (const std::string& value : settings.*field)
            out += (out.empty() ? "" : ", ") + quoted(value);
        return "[" + out + "]";
    }
    std::string operator()(Map Settings::*field) const {
        std::string out;
        for (const auto& [name, value] : settings.*field)
            out += (out.empty() ? "" : ", ") + quoted(name) + " = " + quoted(is_secret_property(name) ? kHidden : value);
        return "{" + out + "}";
    }
};

} // namespace

const std::vector<Option>& options() {
    static const std::vector<Option> kOptions = {
        {"database.conninfo", &Settings::database_conninfo, "how libpq connects: a service, keywords and values, or a URI"},
        {"database.tables", &Settings::database_tables, "the calendar companions, as schema.table"},
        {"database.slot", &Settings::database_slot, "the replication slot, made by bootstrap"},
        {"database.state_table", &Settings::database_state_table, "where the epoch stands, as schema.table; made by bootstrap"},
        {"database.failover", &Settings::database_failover, "makes the slot with failover, where the server is 17 or later"},
        {"database.load_connections", &Settings::database_load_connections, "connections that load the calendars at once"},
        {"database.timeout_seconds", &Settings::database_timeout_seconds, "silence after which a connection counts as lost"},
        {"relay.state_file", &Settings::relay_state_file,
         "keeps the epoch and the last position, to notice that the database was set back; none if empty"},
        {"relay.dead_letter_file", &Settings::relay_dead_letter_file, "takes events that can't be delivered; the log if empty"},
        {"relay.queue_bytes", &Settings::relay_queue_bytes, "bound of the queue before each sink"},
        {"relay.heartbeat_seconds", &Settings::relay_heartbeat_seconds, "how often a heartbeat goes through the WAL, and the position is confirmed"},
        {"relay.drain_seconds", &Settings::relay_drain_seconds, "how long the relay applies what it has when it is to end"},
        {"relay.ready_lag_seconds", &Settings::relay_ready_lag_seconds, "freshness lag with which /readyz turns red", false, true},
        {"relay.probe_sample", &Settings::relay_probe_sample, "listings that a probe compares with the database; 0 for none", false, true},
        {"relay.probe_seconds", &Settings::relay_probe_seconds, "how often it does", false, true},
        {"http.listen", &Settings::http_listen, "address and port of metrics, health and fan-out; none if empty"},
        {"http.token", &Settings::http_token, "what /snapshot and /stream ask for as bearer token; nothing if empty", true, true},
        {"http.ring_bytes", &Settings::http_ring_bytes, "bound of the events that are kept for subscribers"},
        {"http.max_connections", &Settings::http_max_connections, "connections at once; more are closed", false, true},
        {"redis.nodes", &Settings::redis_nodes, "host:port or unix:/path of the server, or of some nodes of the cluster; no Redis if empty"},
        {"redis.cluster", &Settings::redis_cluster, "whether it is a Redis Cluster"},
        {"redis.layout", &Settings::redis_layout, "calendar or months"},
        {"redis.key_prefixes", &Settings::redis_key_prefixes, "what keys begin with, for each table"},
        {"redis.record_prefix", &Settings::redis_record_prefix, "what the keys of the relay's records begin with; one relay, one prefix"},
        {"redis.months", &Settings::redis_months, "months from the current one on that layout months keeps"},
        {"redis.username", &Settings::redis_username, "the ACL user"},
        {"redis.password", &Settings::redis_password, "its password", true},
        {"redis.tls", &Settings::redis_tls, "whether to connect by TLS"},
        {"redis.tls_ca_file", &Settings::redis_tls_ca_file, "authorities that are trusted; those of the system if empty"},
        {"redis.tls_cert_file", &Settings::redis_tls_cert_file, "the client's certificate"},
        {"redis.tls_key_file", &Settings::redis_tls_key_file, "its key"},
        {"redis.tls_server_name", &Settings::redis_tls_server_name, "the name in the server's certificate; the host's if empty"},
        {"redis.ttl_seconds", &Settings::redis_ttl_seconds, "life of a key; 0 for no end"},
        {"redis.ttl_spread", &Settings::redis_ttl_spread, "share by which lives differ, up and down"},
        {"redis.hot_listings", &Settings::redis_hot_listings, "how many listings are refreshed before they expire"},
        {"redis.hot_listings_file", &Settings::redis_hot_listings_file, "the first of these, a line each; counted by readers if empty", false, true},
        {"redis.timeout_milliseconds", &Settings::redis_timeout_milliseconds, "silence after which a connection counts as lost"},
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
    std::string name = kPrefix;
    for (const char* c = option.name; *c != '\0'; ++c)
        name += *c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(*c)));
    return name;
}

std::string set_option(Settings* settings, const Option& option, const std::string& text) {
    const bool done = std::visit(
        [&](auto field) {
            auto& value = settings->*field;
            using T = std::decay_t<decltype(value)>;
            if constexpr (std::is_same_v<T, std::string>) {
                value = text;
            } else if constexpr (std::is_same_v<T, List>) {
                value = split(text);
            } else if constexpr (std::is_same_v<T, Map>) {
                for (const std::string& part : split(text)) {
                    const std::size_t equals = part.find('=');
                    if (equals == 0 || equals == std::string::npos)
                        return false;
                    value[trimmed(part.substr(0, equals))] = trimmed(part.substr(equals + 1));
                }
            } else {
                return parse(text, &value);
            }
            return true;
        },
        option.field);
    return done ? std::string() : fmt::format("{} must be {}", option.name, type_of(option));
}

std::string read_toml(const std::string& text, const std::string& name, Settings* settings) {
    try {
        const toml::table table = toml::parse(text, name);
        return read_table(table, "", name, settings);
    } catch (const toml::parse_error& error) {
        return fmt::format("{}:{}: {}", name, error.source().begin.line, std::string(error.description()));
    } catch (const std::invalid_argument& error) {
        return fmt::format("{}: {}", name, error.what());
    }
}

std::string read_file(const std::string& path, Settings* settings) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (!file || !(text << file.rdbuf()))
        return fmt::format("could not read {}: {}", path, std::strerror(errno));
    return read_toml(text.str(), path, settings);
}

std::string read_environment(char** environment, Settings* settings) {
    for (; *environment != nullptr; ++environment) {
        const std::string variable = *environment;
        if (variable.compare(0, sizeof(kPrefix) - 1, kPrefix) != 0)
            continue;
        const std::size_t equals = variable.find('=');
        const std::string name = variable.substr(0, equals);
        // Which file to read, not an option in it.
        if (name == std::string(kPrefix) + "CONFIG")
            continue;
        const Option* found = nullptr;
        for (const Option& option : options())
            if (environment_name(option) == name)
                found = &option;
        if (found == nullptr)
            return fmt::format("unknown option {} in the environment", name);
        if (std::string error = set_option(settings, *found, variable.substr(equals + 1)); !error.empty())
            return fmt::format("{} in the environment: {}", name, error);
    }
    return {};
}

namespace {

bool is_one_of(const std::string& value, std::initializer_list<const char*> values) {
    for (const char* candidate : values)
        if (value == candidate)
            return true;
    return false;
}

bool has_port(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    std::int64_t port = -1;
    return colon != std::string::npos && colon > 0 && parse(address.substr(colon + 1), &port) && port >= 0 && port < 65536;
}

// Names of slots: what the server takes.
bool is_slot_name(const std::string& name) {
    return !name.empty() && name.size() < 64 && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
}

std::string check_redis(const Settings& settings) {
    for (const std::string& node : settings.redis_nodes)
        if (node.compare(0, 6, "unix:/") != 0 && !has_port(node))
            return fmt::format("redis.nodes: \"{}\" is not host:port", node);
    if (!is_one_of(settings.redis_layout, {"calendar", "months"}))
        return "redis.layout must be calendar or months";
    if (settings.redis_key_prefixes.size() != settings.database_tables.size())
        return "redis.key_prefixes must name as many prefixes as there are tables";
    const std::set<std::string> distinct(settings.redis_key_prefixes.begin(), settings.redis_key_prefixes.end());
    if (distinct.size() != settings.redis_key_prefixes.size())
        return "redis.key_prefixes must differ: listings of two tables would share their keys";
    for (const std::string& prefix : settings.redis_key_prefixes)
        if (prefix.find_first_of("{}") != std::string::npos)
            return "redis.key_prefixes must have no braces: the listing stands in them";
    if (settings.redis_months < 1 || settings.redis_months > 31)
        return "redis.months must be from 1 to 31";
    if (settings.redis_ttl_seconds < 0 || settings.redis_ttl_spread < 0 || settings.redis_ttl_spread >= 1)
        return "redis.ttl_seconds must be at least 0, and redis.ttl_spread from 0 to less than 1";
    if (settings.redis_tls_cert_file.empty() != settings.redis_tls_key_file.empty())
        return "redis.tls_cert_file and redis.tls_key_file go together";
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
    char* error = nullptr;
    PQconninfoOption* parsed = PQconninfoParse(settings.database_conninfo.c_str(), &error);
    if (parsed == nullptr) {
        PQfreemem(error); // it may quote a password
        return "database.conninfo is malformed";
    }
    PQconninfoFree(parsed);
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
    if (settings.relay_heartbeat_seconds < 0.01 || settings.relay_drain_seconds < 0 || settings.relay_ready_lag_seconds <= 0)
        return "relay.heartbeat_seconds must be at least 0.01, relay.drain_seconds at least 0, and relay.ready_lag_seconds more";
    if (settings.relay_probe_sample < 0 || settings.relay_probe_sample > 1000 || settings.relay_probe_seconds <= 0)
        return "relay.probe_sample must be from 0 to 1000, and relay.probe_seconds more than 0";
    if (!settings.http_listen.empty() && !has_port(settings.http_listen))
        return "http.listen must be address:port";
    if (settings.http_max_connections < 1)
        return "http.max_connections must be at least 1";
    if (!is_one_of(settings.log_level, {"debug", "info", "warning", "error"}))
        return "log.level must be debug, info, warning or error";
    if (!is_one_of(settings.log_format, {"text", "json"}))
        return "log.format must be text or json";
    if (settings.has_redis())
        if (std::string redis = check_redis(settings); !redis.empty())
            return redis;
    return settings.has_kafka() ? check_kafka(settings) : std::string();
}

std::string print(const Settings& settings) {
    std::string out;
    std::string section;
    for (const Option& option : options()) {
        const std::string name = option.name;
        const std::size_t dot = name.find('.');
        if (name.substr(0, dot) != section) {
            section = name.substr(0, dot);
            out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", section);
        }
        out += fmt::format("{} = {}\n", name.substr(dot + 1), std::visit(ToText{settings, option}, option.field));
    }
    return out;
}

std::vector<std::string> need_restart(const Settings& before, const Settings& after) {
    std::vector<std::string> names;
    for (const Option& option : options())
        std::visit(
            [&](auto field) {
                if (!option.reloadable && before.*field != after.*field)
                    names.push_back(option.name);
            },
            option.field);
    return names;
}

void reload(const Settings& from, Settings* to) {
    for (const Option& option : options())
        if (option.reloadable)
            std::visit([&](auto field) { to->*field = from.*field; }, option.field);
}

} // namespace availability::relay

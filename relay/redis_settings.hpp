// What checks of the settings of Redis share: the relay's, which writes it, and the service's, which reads and fills
// it.
#pragma once

#include <set>
#include <string>

#include <fmt/format.h>

#include "relay/options.hpp"

namespace availability::options {

// Of settings with redis_… and database_tables. Returns an error, empty if there is none.
template <typename Settings>
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
    return {};
}

} // namespace availability::options

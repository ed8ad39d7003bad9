#include "relay/redis/identity.hpp"

namespace availability::relay::redis {

void read_info(std::string_view info, Identity* identity) {
    while (!info.empty()) {
        const std::size_t end = info.find('\n');
        std::string_view line = info.substr(0, end);
        info = end == std::string_view::npos ? std::string_view() : info.substr(end + 1);
        if (!line.empty() && line.back() == '\r')
            line.remove_suffix(1);
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos)
            continue;
        const std::string_view name = line.substr(0, colon);
        const std::string_view value = line.substr(colon + 1);
        if (name == "run_id")
            identity->run_id = value;
        else if (name == "role")
            identity->is_master = value == "master";
        else if (name == "master_replid")
            identity->replication_id = value;
        else if (name == "master_replid2")
            identity->was_replica = value.find_first_not_of('0') != std::string_view::npos;
    }
}

} // namespace availability::relay::redis

// Who answers: to notice that a master is not the one that it was.
#pragma once

#include <string>
#include <string_view>

namespace availability::relay::redis {

struct Identity {
    std::string run_id;         // of the process
    std::string replication_id; // of the history of its data; another one after a promotion
    bool was_replica = false;   // it has the end of another history: promoted
    bool is_master = false;
};

// Takes what an answer to INFO (server, replication, or all) says of it.
void read_info(std::string_view info, Identity* identity);

} // namespace availability::relay::redis

// Where a table's calendars stand in Redis.
#pragma once

#include <string>

namespace availability::shared_cache {

struct Table {
    std::string prefix = "avail:v3:";              // of its keys
    std::string record_prefix = "avail:v3:relay:"; // of the records of the relay that writes them
};

} // namespace availability::shared_cache

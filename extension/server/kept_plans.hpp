// Plans that a session keeps for the few statements that each change of a row runs.
#pragma once

#include <initializer_list>

#include "extension/server/spi.hpp"

namespace availability {

struct KeptPlan {
    char* statement;
    SPIPlanPtr plan;
};

// As many plans as were used; they go with `memory`.
struct KeptPlans {
    MemoryContext memory;
    KeptPlan plans[16];
};

// Runs a statement by a plan that is made with its first use. Returns the number of rows processed. SPI must be
// connected.
uint64 run_kept_sql(KeptPlans* plans, const char* statement, std::initializer_list<SqlParameter> parameters);

// The same for a query, on what is committed now, whatever the transaction's snapshot.
uint64 query_kept_latest(KeptPlans* plans, const char* statement, std::initializer_list<SqlParameter> parameters);

// The same for a statement that writes.
uint64 run_kept_latest(KeptPlans* plans, const char* statement, std::initializer_list<SqlParameter> parameters);

} // namespace availability

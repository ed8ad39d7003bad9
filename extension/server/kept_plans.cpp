// Plans that a session keeps.

#include "extension/server/kept_plans.hpp"

#include <cstring>

extern "C" {
#include <utils/memutils.h>
}

namespace availability {

namespace {

// The plan of a statement; NULL if others take all the places.
SPIPlanPtr kept_plan(KeptPlans* plans, const char* statement, std::initializer_list<SqlParameter> parameters) {
    for (KeptPlan& kept : plans->plans) {
        if (kept.statement != nullptr && std::strcmp(kept.statement, statement) == 0)
            return kept.plan;
        if (kept.statement != nullptr)
            continue;
        // The plan goes with what it belongs to.
        MemoryContext memory = plans->memory;
        auto* release = static_cast<MemoryContextCallback*>(MemoryContextAlloc(memory, sizeof(MemoryContextCallback)));
        char* text = MemoryContextStrdup(memory, statement);
        kept.plan = keep_plan(statement, parameters);
        kept.statement = text;
        release->func = [](void* plan) { SPI_freeplan(static_cast<SPIPlanPtr>(plan)); };
        release->arg = kept.plan;
        MemoryContextRegisterResetCallback(memory, release);
        return kept.plan;
    }
    return nullptr;
}

} // namespace

uint64 run_kept_sql(KeptPlans* plans, const char* statement, std::initializer_list<SqlParameter> parameters) {
    SPIPlanPtr plan = kept_plan(plans, statement, parameters);
    return plan != nullptr ? run_plan(plan, parameters, false) : run_plain_sql(statement, parameters);
}

uint64 query_kept_latest(KeptPlans* plans, const char* statement, std::initializer_list<SqlParameter> parameters) {
    SPIPlanPtr plan = kept_plan(plans, statement, parameters);
    if (plan == nullptr)
        return query_latest(statement, SqlNames(), parameters);
    return under_latest_snapshot([&] { return run_plan(plan, parameters, true); });
}

uint64 run_kept_latest(KeptPlans* plans, const char* statement, std::initializer_list<SqlParameter> parameters) {
    SPIPlanPtr plan = kept_plan(plans, statement, parameters);
    return run_plan_latest(plan != nullptr ? plan : make_plan(statement, parameters), parameters);
}

} // namespace availability

// Aggregates: days, ranges and day sets into one day set.
//
// The state is a Dayset in an object that a memory context owns: its reset callback lets the memory
// of the C heap go. Every argument is read and checked before the state is touched, so that an
// error leaves it whole.

#include <cstddef>
#include <new>
#include <utility>

#include "extension/dayset/type.hpp"

extern "C" {
#include <utils/memutils.h>
}

using namespace availability;

namespace {

struct AggregateState {
    Dayset set;
    MemoryContextCallback release{};

    explicit AggregateState(Dayset initial) : set(std::move(initial)) {}
};

// Makes a state that lives as long as the context. It is registered only once it is built, and
// neither a reset callback nor its registration raises. `initial` makes the first set; it must not
// call PostgreSQL.
template <typename MakeSet>
AggregateState* make_state(MemoryContext context, MakeSet initial) {
    void* memory = MemoryContextAlloc(context, sizeof(AggregateState));
    auto* state = new (memory) AggregateState(initial());
    state->release.func = [](void* dying) { static_cast<AggregateState*>(dying)->~AggregateState(); };
    state->release.arg = state;
    MemoryContextRegisterResetCallback(context, &state->release);
    return state;
}

MemoryContext aggregate_context(FunctionCallInfo fcinfo) {
    MemoryContext context;
    if (!AggCheckCallContext(fcinfo, &context))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("aggregate support function called outside an aggregate")));
    return context;
}

// The state in argument n, nullptr before the first value.
AggregateState* state_argument(FunctionCallInfo fcinfo, int n) {
    return PG_ARGISNULL(n) ? nullptr : reinterpret_cast<AggregateState*>(PG_GETARG_POINTER(n));
}

Datum return_state(FunctionCallInfo fcinfo, AggregateState* state) {
    if (state == nullptr)
        PG_RETURN_NULL();
    PG_RETURN_POINTER(state);
}

Datum add_span(FunctionCallInfo fcinfo, DaySpan span) {
    const MemoryContext context = aggregate_context(fcinfo);
    AggregateState* state = state_argument(fcinfo, 0);
    if (state == nullptr)
        state = make_state(context, [] { return Dayset(); });
    state->set.add(span);
    PG_RETURN_POINTER(state);
}

using Join = void (Dayset::*)(const Dayset&);

// One more day set: the first becomes the state, the others join it.
Datum join_value(FunctionCallInfo fcinfo, Join join) {
    const MemoryContext context = aggregate_context(fcinfo);
    AggregateState* state = state_argument(fcinfo, 0);
    if (PG_ARGISNULL(1))
        return return_state(fcinfo, state);

    const DaysetView value = dayset_argument(fcinfo, 1);
    if (state == nullptr)
        state = make_state(context, [&value] { return Dayset(value); });
    else
        (state->set.*join)(Dayset(value));
    PG_RETURN_POINTER(state);
}

// The states of two workers. The second may live in a shorter context than the first has to, so it
// is copied.
Datum join_states(FunctionCallInfo fcinfo, Join join) {
    const MemoryContext context = aggregate_context(fcinfo);
    AggregateState* state = state_argument(fcinfo, 0);
    const AggregateState* other = state_argument(fcinfo, 1);
    if (other == nullptr)
        return return_state(fcinfo, state);

    if (state == nullptr)
        state = make_state(context, [other] { return Dayset(other->set); });
    else
        (state->set.*join)(other->set);
    PG_RETURN_POINTER(state);
}

// The state as bytes. A copy is brought into canonical form, since a window aggregate goes on with
// the state.
Datum stored_state(FunctionCallInfo fcinfo) {
    aggregate_context(fcinfo);
    StoredDayset stored;
    {
        Dayset set(state_argument(fcinfo, 0)->set);
        stored.assign(set);
    }
    return make_dayset(stored);
}

} // namespace

AVAILABILITY_FUNCTION(availability_dayset_agg_day) {
    if (PG_ARGISNULL(1))
        return return_state(fcinfo, state_argument(fcinfo, 0));
    const Day day = day_from_date(PG_GETARG_INT32(1));
    require_supported_day(day);
    return add_span(fcinfo, {day, day + 1});
}

AVAILABILITY_FUNCTION(availability_dayset_agg_range) {
    if (PG_ARGISNULL(1))
        return return_state(fcinfo, state_argument(fcinfo, 0));
    return add_span(fcinfo, require_supported(daterange_argument(fcinfo, 1)));
}

AVAILABILITY_FUNCTION(availability_union_agg) {
    return join_value(fcinfo, &Dayset::unite);
}
AVAILABILITY_FUNCTION(availability_intersect_agg) {
    return join_value(fcinfo, &Dayset::intersect);
}

AVAILABILITY_FUNCTION(availability_union_agg_combine) {
    return join_states(fcinfo, &Dayset::unite);
}
AVAILABILITY_FUNCTION(availability_intersect_agg_combine) {
    return join_states(fcinfo, &Dayset::intersect);
}

// Strict: no state, no rows, NULL.
AVAILABILITY_FUNCTION(availability_dayset_agg_final) {
    return stored_state(fcinfo);
}

AVAILABILITY_FUNCTION(availability_dayset_agg_serialize) {
    return stored_state(fcinfo);
}

AVAILABILITY_FUNCTION(availability_dayset_agg_deserialize) {
    aggregate_context(fcinfo);
    const bytea* bytes = PG_GETARG_BYTEA_PP(0);
    StoredDayset stored;
    accept_bytes(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), &stored);

    DaysetView view;
    DaysetView::open(stored.bytes, stored.size, &view);
    PG_RETURN_POINTER(make_state(CurrentMemoryContext, [&view] { return Dayset(view); }));
}

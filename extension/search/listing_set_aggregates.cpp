// Aggregates: ordinals and sets into one set. The state is a GrowingListingSet in the aggregate's memory context.

#include "extension/search/growing_listing_set.hpp"

extern "C" {
#include <utils/memutils.h>
}

using namespace availability;

namespace {

MemoryContext aggregate_context(FunctionCallInfo fcinfo) {
    MemoryContext context;
    if (!AggCheckCallContext(fcinfo, &context))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("aggregate support function called outside an aggregate")));
    return context;
}

GrowingListingSet* make_state(MemoryContext context) {
    return new (MemoryContextAlloc(context, sizeof(GrowingListingSet))) GrowingListingSet(context);
}

GrowingListingSet* state_argument(FunctionCallInfo fcinfo, int n) {
    return PG_ARGISNULL(n) ? nullptr : reinterpret_cast<GrowingListingSet*>(PG_GETARG_POINTER(n));
}

Datum return_state(FunctionCallInfo fcinfo, GrowingListingSet* state) {
    if (state == nullptr)
        PG_RETURN_NULL();
    PG_RETURN_POINTER(state);
}

// One more value: the first becomes the state, the others join it.
template <typename Join>
Datum join_value(FunctionCallInfo fcinfo, Join join) {
    const MemoryContext context = aggregate_context(fcinfo);
    GrowingListingSet* state = state_argument(fcinfo, 0);
    if (PG_ARGISNULL(1))
        return return_state(fcinfo, state);
    const ListingSetView value = listing_set_argument(fcinfo, 1);
    if (state == nullptr) {
        state = make_state(context);
        state->unite(value);
    } else {
        join(state, value);
    }
    PG_RETURN_POINTER(state);
}

// The states of two workers. The second may live in a shorter context than the first has to, so it is copied.
template <typename Join>
Datum join_states(FunctionCallInfo fcinfo, Join join) {
    const MemoryContext context = aggregate_context(fcinfo);
    GrowingListingSet* state = state_argument(fcinfo, 0);
    const GrowingListingSet* other = state_argument(fcinfo, 1);
    if (other == nullptr)
        return return_state(fcinfo, state);
    if (state == nullptr) {
        state = make_state(context);
        state->unite(*other);
    } else {
        join(state, *other);
    }
    PG_RETURN_POINTER(state);
}

constexpr auto kUnite = [](GrowingListingSet* state, const auto& other) { state->unite(other); };
constexpr auto kIntersect = [](GrowingListingSet* state, const auto& other) { state->intersect(other); };

} // namespace

AVAILABILITY_FUNCTION(availability_listing_set_agg) {
    const MemoryContext context = aggregate_context(fcinfo);
    GrowingListingSet* state = state_argument(fcinfo, 0);
    if (PG_ARGISNULL(1))
        return return_state(fcinfo, state);
    const Ordinal ordinal = require_ordinal(PG_GETARG_INT32(1));
    if (state == nullptr)
        state = make_state(context);
    state->add(ordinal);
    PG_RETURN_POINTER(state);
}

AVAILABILITY_FUNCTION(availability_listing_set_union_agg) {
    return join_value(fcinfo, kUnite);
}
AVAILABILITY_FUNCTION(availability_listing_set_intersect_agg) {
    return join_value(fcinfo, kIntersect);
}
AVAILABILITY_FUNCTION(availability_listing_set_union_agg_combine) {
    return join_states(fcinfo, kUnite);
}
AVAILABILITY_FUNCTION(availability_listing_set_intersect_agg_combine) {
    return join_states(fcinfo, kIntersect);
}

// Strict: no state, no rows, NULL.
AVAILABILITY_FUNCTION(availability_listing_set_agg_final) {
    aggregate_context(fcinfo);
    return state_argument(fcinfo, 0)->to_datum();
}

AVAILABILITY_FUNCTION(availability_listing_set_agg_serialize) {
    aggregate_context(fcinfo);
    return state_argument(fcinfo, 0)->to_datum();
}

AVAILABILITY_FUNCTION(availability_listing_set_agg_deserialize) {
    aggregate_context(fcinfo);
    const bytea* bytes = PG_GETARG_BYTEA_PP(0);
    const Datum set = accept_listing_set(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
    GrowingListingSet* state = make_state(CurrentMemoryContext);
    state->unite(view_of(set));
    PG_RETURN_POINTER(state);
}

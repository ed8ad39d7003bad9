// From a listing_set to its ordinals and back: members, and the casts.

#include "extension/search/growing_listing_set.hpp"

extern "C" {
#include <catalog/pg_type.h>
#include <funcapi.h>
#include <nodes/nodeFuncs.h>
#include <nodes/primnodes.h>
#include <nodes/supportnodes.h>
#include <optimizer/optimizer.h>
#include <utils/array.h>
}

using namespace availability;

static_assert(std::is_trivially_destructible_v<OrdinalCursor>);

AVAILABILITY_FUNCTION(availability_listing_set_members) {
    if (SRF_IS_FIRSTCALL()) {
        FuncCallContext* call = SRF_FIRSTCALL_INIT();
        const MemoryContext caller = MemoryContextSwitchTo(call->multi_call_memory_ctx);
        const ListingSetView set = view_listing_set(PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0)));
        call->user_fctx = new (palloc(sizeof(OrdinalCursor))) OrdinalCursor(set);
        MemoryContextSwitchTo(caller);
    }
    FuncCallContext* call = SRF_PERCALL_SETUP();
    Ordinal ordinal;
    if (!static_cast<OrdinalCursor*>(call->user_fctx)->next(&ordinal))
        SRF_RETURN_DONE(call);
    SRF_RETURN_NEXT(call, Int32GetDatum(static_cast<int32>(ordinal)));
}

// Of a set that the planner knows, members gives as many rows as it has.
AVAILABILITY_FUNCTION(availability_listing_set_members_support) {
    auto* request = reinterpret_cast<Node*>(PG_GETARG_POINTER(0));
    if (!IsA(request, SupportRequestRows))
        return PointerGetDatum(nullptr);
    auto* rows = reinterpret_cast<SupportRequestRows*>(request);
    List* args = is_funcclause(rows->node) ? reinterpret_cast<FuncExpr*>(rows->node)->args : NIL;
    Node* set =
        list_length(args) == 1 ? estimate_expression_value(rows->root, static_cast<Node*>(linitial(args))) : nullptr;
    if (set == nullptr || !IsA(set, Const))
        return PointerGetDatum(nullptr);
    const auto* constant = reinterpret_cast<const Const*>(set);
    rows->rows = constant->constisnull
                     ? 0
                     : static_cast<double>(view_listing_set(PG_DETOAST_DATUM_PACKED(constant->constvalue)).count());
    return PointerGetDatum(request);
}

AVAILABILITY_FUNCTION(availability_listing_set_from_array) {
    ArrayType* array = PG_GETARG_ARRAYTYPE_P(0);
    if (array_contains_nulls(array))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("array of ordinals must not contain nulls")));
    const int count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
    const auto* numbers = reinterpret_cast<const int32*>(ARR_DATA_PTR(array));
    GrowingListingSet set(CurrentMemoryContext);
    for (int i = 0; i < count; i++)
        set.add(require_ordinal(numbers[i]));
    return set.to_datum();
}

AVAILABILITY_FUNCTION(availability_listing_set_to_array) {
    const ListingSetView set = listing_set_argument(fcinfo, 0);
    const std::uint64_t count = set.count();
    if (count > (MaxAllocSize - 64) / sizeof(Datum))
        ereport(ERROR,
                (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("listing_set has too many members for an array")));
    auto* numbers = static_cast<Datum*>(palloc(Max(count, 1) * sizeof(Datum)));
    int used = 0;
    OrdinalCursor cursor(set);
    // Corrupt bytes may hold more than they say.
    for (Ordinal ordinal; static_cast<std::uint64_t>(used) < count && cursor.next(&ordinal);)
        numbers[used++] = Int32GetDatum(static_cast<int32>(ordinal));
    PG_RETURN_ARRAYTYPE_P(construct_array(numbers, used, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

AVAILABILITY_FUNCTION(availability_listing_set_from_bytea) {
    const bytea* bytes = PG_GETARG_BYTEA_PP(0);
    return accept_listing_set(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

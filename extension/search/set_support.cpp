// What the planner is told of the searches.

#include "extension/search/found_sets.hpp"

extern "C" {
#include <nodes/nodeFuncs.h>
#include <nodes/pathnodes.h>
#include <nodes/supportnodes.h>
#include <optimizer/cost.h>
#include <optimizer/optimizer.h>
#include <utils/lsyscache.h>
}

namespace availability {

namespace {

// A search takes about a millisecond, once a query.
constexpr Cost kSearchCost = 100;

// The value of an argument that the planner knows; NULL if it doesn't, or if it is null.
const Const* known_argument(PlannerInfo* root, List* args, int n) {
    if (n >= list_length(args))
        return nullptr;
    Node* value = estimate_expression_value(root, static_cast<Node*>(list_nth(args, n)));
    const auto* constant = IsA(value, Const) ? reinterpret_cast<const Const*>(value) : nullptr;
    return constant != nullptr && !constant->constisnull ? constant : nullptr;
}

bool known_span(PlannerInfo* root, List* args, DaySpan* span) {
    const Const* known = known_argument(root, args, 1);
    if (known == nullptr)
        return false;
    const DateRange range = read_daterange(PG_DETOAST_DATUM_PACKED(known->constvalue));
    *span = range.span;
    return !range.empty && !range.unbounded && range.span.supported();
}

// free_listings: what it will find, unless the call itself will raise an error.
bool estimate_listings(SupportRequestRows* request, List* args) {
    const Const* reservations = known_argument(request->root, args, 0);
    DaySpan stay;
    if (reservations == nullptr || !known_span(request->root, args, &stay))
        return false;
    Node* among_value = estimate_expression_value(request->root, static_cast<Node*>(lthird(args)));
    if (!IsA(among_value, Const) || !may_search(DatumGetObjectId(reservations->constvalue)))
        return false;
    const Const* among = known_argument(request->root, args, 2);
    const struct varlena* set = found_set({DatumGetObjectId(reservations->constvalue), stay, stay.days(),
                                           among != nullptr ? PG_DETOAST_DATUM_PACKED(among->constvalue) : nullptr});
    request->rows = static_cast<double>(view_listing_set(set).count());
    return true;
}

// best_starts and calendar_heat: a row for each start.
bool estimate_starts(SupportRequestRows* request, List* args) {
    DaySpan within;
    if (!known_span(request->root, args, &within))
        return false;
    const Const* nights = list_length(args) == 4 ? known_argument(request->root, args, 2) : nullptr;
    const Day length = nights != nullptr ? DatumGetInt32(nights->constvalue) : 1;
    request->rows = Max(within.days() - length + 1, 0);
    return true;
}

bool estimate_rows(SupportRequestRows* request) {
    if (!is_funcclause(request->node))
        return false;
    const auto* function = reinterpret_cast<const FuncExpr*>(request->node);
    char* name = get_func_name(function->funcid);
    return std::strcmp(name, "free_listings") == 0 ? estimate_listings(request, function->args)
                                                   : estimate_starts(request, function->args);
}

} // namespace

} // namespace availability

using namespace availability;

// SUPPORT function of the searches.
AVAILABILITY_FUNCTION(availability_search_support) {
    auto* request = reinterpret_cast<Node*>(PG_GETARG_POINTER(0));
    if (IsA(request, SupportRequestRows))
        return PointerGetDatum(estimate_rows(reinterpret_cast<SupportRequestRows*>(request)) ? request : nullptr);
    if (IsA(request, SupportRequestCost)) {
        // The result is kept while the snapshot sees the same.
        auto* cost = reinterpret_cast<SupportRequestCost*>(request);
        cost->startup = kSearchCost;
        cost->per_tuple = cpu_operator_cost;
        return PointerGetDatum(request);
    }
    return PointerGetDatum(nullptr);
}

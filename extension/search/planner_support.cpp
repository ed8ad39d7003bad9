// What the planner is told of is_available and is_booked: which index serves them, and how many rows they leave.

#include "extension/server/boundary.hpp"
#include "extension/search/statistics.hpp"
#include "extension/dayset/type.hpp"

extern "C" {
#include <catalog/namespace.h>
#include <catalog/pg_type.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <nodes/supportnodes.h>
#include <optimizer/optimizer.h>
#include <parser/parse_func.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
}

namespace availability {

namespace {

List* name_in_schema_of(Oid function, const char* name) {
    return list_make2(makeString(get_namespace_name(get_func_namespace(function))), makeString(pstrdup(name)));
}

// The operator that asks what the function asks: is_available … !&&, is_booked … &&.
Oid operator_of(Oid function) {
    const char* name = get_func_name(function);
    Oid* types;
    int arguments;
    get_func_signature(function, &types, &arguments);
    const char* symbol = std::strcmp(name, "is_available") == 0 ? "!&&" : "&&";
    return OpernameGetOprid(name_in_schema_of(function, symbol), types[0], ANYRANGEOID);
}

enum class Stay { kValid, kRefused, kUnknown };

Stay classify(const Node* stay) {
    if (!IsA(stay, Const))
        return Stay::kUnknown;
    const auto* constant = reinterpret_cast<const Const*>(stay);
    if (constant->constisnull)
        return Stay::kValid;
    const DateRange range = read_daterange(PG_DETOAST_DATUM_PACKED(constant->constvalue));
    return range.empty || range.unbounded || !range.span.supported() ? Stay::kRefused : Stay::kValid;
}

// The stay, wrapped in what raises the function's errors unless it is known to be valid: an index that finds no row
// would never call the function itself.
Node* checked_stay(Oid function, Node* stay) {
    if (classify(stay) == Stay::kValid)
        return stay;
    const Oid type = DATERANGEOID;
    const Oid check = LookupFuncName(name_in_schema_of(function, "checked_stay"), 1, &type, false);
    return reinterpret_cast<Node*>(
        makeFuncExpr(check, type, list_make1(stay), InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL));
}

List* index_condition(SupportRequestIndexCondition* request) {
    List* args = is_funcclause(request->node) ? reinterpret_cast<FuncExpr*>(request->node)->args : NIL;
    if (request->indexarg != 0 || list_length(args) != 2)
        return NIL;
    auto* stay = static_cast<Node*>(lsecond(args));
    const Oid op = operator_of(request->funcid);
    if (!OidIsValid(op) || !op_in_opfamily(op, request->opfamily) || exprType(stay) != DATERANGEOID ||
        classify(stay) == Stay::kRefused || !is_pseudo_constant_for_index(request->root, stay, request->index))
        return NIL;
    // With the stay checked the operator answers just what the function does.
    request->lossy = false;
    return list_make1(make_opclause(op, BOOLOID, false, static_cast<Expr*>(linitial(args)),
                                    reinterpret_cast<Expr*>(checked_stay(request->funcid, stay)), InvalidOid,
                                    request->indexcollation));
}

} // namespace

} // namespace availability

using namespace availability;

// SUPPORT function of is_available and is_booked.
AVAILABILITY_FUNCTION(availability_stay_support) {
    auto* request = reinterpret_cast<Node*>(PG_GETARG_POINTER(0));
    if (IsA(request, SupportRequestIndexCondition))
        return PointerGetDatum(index_condition(reinterpret_cast<SupportRequestIndexCondition*>(request)));
    if (IsA(request, SupportRequestSelectivity)) {
        auto* estimate = reinterpret_cast<SupportRequestSelectivity*>(request);
        const Oid op = operator_of(estimate->funcid);
        const double share =
            OidIsValid(op) ? estimate_share(estimate->root, estimate->args, estimate->varRelid, op) : -1;
        if (share < 0)
            return PointerGetDatum(nullptr);
        estimate->selectivity = share;
        return PointerGetDatum(request);
    }
    return PointerGetDatum(nullptr);
}

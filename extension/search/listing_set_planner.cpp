// What the planner is told of `set @> ordinal`: how many rows it leaves, and that an index on ordinals serves it.

#include "extension/search/listing_set_type.hpp"

#include <algorithm>

extern "C" {
#include <catalog/namespace.h>
#include <catalog/pg_am.h>
#include <catalog/pg_operator.h>
#include <catalog/pg_type.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <nodes/pathnodes.h>
#include <nodes/supportnodes.h>
#include <optimizer/optimizer.h>
#include <parser/parse_func.h>
#include <utils/fmgroids.h>
#include <utils/lsyscache.h>
#include <utils/selfuncs.h>
}

namespace availability {

namespace {

// Of a set that is not known before it runs.
constexpr double kDefaultShare = 0.3;

// An index is worth its descents while the set has at most so many of the rows.
constexpr double kIndexShare = 0.05;

// How many members a set will have; negative if that can't be known. A search whose arguments are known is run for it,
// as any stable function is.
double estimate_members(PlannerInfo* root, Node* set) {
    Node* value = estimate_expression_value(root, set);
    if (!IsA(value, Const))
        return -1;
    const auto* constant = reinterpret_cast<const Const*>(value);
    return constant->constisnull
               ? 0
               : static_cast<double>(view_listing_set(PG_DETOAST_DATUM_PACKED(constant->constvalue)).count());
}

double share_of_rows(PlannerInfo* root, List* args, int var_relid) {
    if (list_length(args) != 2)
        return kDefaultShare;
    const double members = estimate_members(root, static_cast<Node*>(linitial(args)));
    if (members < 0)
        return kDefaultShare;
    VariableStatData ordinal;
    examine_variable(root, static_cast<Node*>(lsecond(args)), var_relid, &ordinal);
    const double rows = ordinal.rel != nullptr ? ordinal.rel->tuples : 0;
    ReleaseVariableStats(ordinal);
    return rows > 0 ? std::clamp(members / rows, 0.0, 1.0) : kDefaultShare;
}

// `ordinal = ANY (set::integer[])` for an index on the ordinal.
List* index_condition(SupportRequestIndexCondition* request) {
    List* args = nullptr;
    if (is_opclause(request->node))
        args = reinterpret_cast<OpExpr*>(request->node)->args;
    else if (is_funcclause(request->node))
        args = reinterpret_cast<FuncExpr*>(request->node)->args;
    if (request->indexarg != 1 || list_length(args) != 2 || request->index->relam != BTREE_AM_OID ||
        !op_in_opfamily(Int4EqualOperator, request->opfamily))
        return NIL;
    auto* set = static_cast<Node*>(linitial(args));
    if (!is_pseudo_constant_for_index(request->root, set, request->index))
        return NIL;
    const double members = estimate_members(request->root, set);
    if (members < 0 || members > kIndexShare * request->index->rel->tuples)
        return NIL;

    const Oid type = exprType(set);
    List* name = list_make2(makeString(get_namespace_name(get_func_namespace(request->funcid))),
                            makeString(pstrdup("listing_set_to_array")));
    auto* any = makeNode(ScalarArrayOpExpr);
    any->opno = Int4EqualOperator;
    any->opfuncid = F_INT4EQ;
    any->useOr = true;
    any->args = list_make2(lsecond(args), makeFuncExpr(LookupFuncName(name, 1, &type, false), INT4ARRAYOID,
                                                       list_make1(set), InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL));
    any->location = -1;
    request->lossy = false;
    return list_make1(any);
}

} // namespace

} // namespace availability

using namespace availability;

// RESTRICT function of listing_set @> integer.
AVAILABILITY_FUNCTION(availability_listing_set_sel) {
    auto* root = reinterpret_cast<PlannerInfo*>(PG_GETARG_POINTER(0));
    auto* args = reinterpret_cast<List*>(PG_GETARG_POINTER(2));
    PG_RETURN_FLOAT8(share_of_rows(root, args, PG_GETARG_INT32(3)));
}

// SUPPORT function of listing_set_contains(listing_set, integer).
AVAILABILITY_FUNCTION(availability_listing_set_contains_support) {
    auto* request = reinterpret_cast<Node*>(PG_GETARG_POINTER(0));
    if (IsA(request, SupportRequestIndexCondition))
        return PointerGetDatum(index_condition(reinterpret_cast<SupportRequestIndexCondition*>(request)));
    return PointerGetDatum(nullptr);
}

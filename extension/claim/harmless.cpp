// Which expressions call nobody's code.

#include "extension/claim/harmless.hpp"

extern "C" {
#include <access/htup_details.h>
#include <access/transam.h>
#include <catalog/pg_language.h>
#include <catalog/pg_proc.h>
#include <catalog/pg_type.h>
#include <nodes/nodeFuncs.h>
#include <utils/fmgroids.h>
#include <utils/lsyscache.h>
#include <utils/syscache.h>
}

namespace availability {

namespace {

bool may_harm(Oid function, void*) {
    // The operators || of text and anything else are SQL, and stable for the sake of types whose output is.
    if (function == F_ANYTEXTCAT || function == F_TEXTANYCAT)
        return false;
    HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(tuple))
        return true;
    const auto* procedure = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
    const bool harmless = function < FirstGenbkiObjectId && procedure->prolang == INTERNALlanguageId &&
                          procedure->provolatile == PROVOLATILE_IMMUTABLE && !procedure->proretset &&
                          !procedure->prosecdef;
    ReleaseSysCache(tuple);
    return !harmless;
}

// A type whose values no function of somebody's own is called for.
bool is_plain_type(Oid type) {
    if (type == UNKNOWNOID)
        return true;
    const Oid element = get_element_type(type);
    const char kind = get_typtype(OidIsValid(element) ? element : type);
    if (kind == TYPTYPE_ENUM)
        return true;
    return type < FirstGenbkiObjectId && (kind == TYPTYPE_BASE || kind == TYPTYPE_RANGE || kind == TYPTYPE_MULTIRANGE);
}

bool is_plain_argument(Node* argument) {
    return IsA(argument, List) || is_plain_type(exprType(argument));
}

bool has_plain_types(Node* call, List* arguments) {
    if (!is_plain_type(exprType(call)))
        return false;
    ListCell* cell;
    foreach (cell, arguments)
        if (!is_plain_argument(static_cast<Node*>(lfirst(cell))))
            return false;
    return true;
}

bool harms(Node* node, void*) {
    if (node == nullptr)
        return false;
    switch (nodeTag(node)) {
    case T_FuncExpr:
        if (!has_plain_types(node, reinterpret_cast<FuncExpr*>(node)->args))
            return true;
        break;
    case T_OpExpr:
    case T_DistinctExpr:
    case T_NullIfExpr:
        if (!has_plain_types(node, reinterpret_cast<OpExpr*>(node)->args))
            return true;
        break;
    // The types' own output and input.
    case T_CoerceViaIO:
        if (!has_plain_types(node, list_make1(reinterpret_cast<CoerceViaIO*>(node)->arg)))
            return true;
        return walk_expression(node, harms, nullptr);
    case T_ScalarArrayOpExpr:
        if (!has_plain_types(node, reinterpret_cast<ScalarArrayOpExpr*>(node)->args))
            return true;
        break;
    // These call no function, whatever their type.
    case T_List:
    case T_Var:
    case T_Const:
    case T_RelabelType:
    case T_CollateExpr:
    case T_BoolExpr:
    case T_NullTest:
    case T_BooleanTest:
    case T_CaseExpr:
    case T_CaseWhen:
    case T_CaseTestExpr:
    case T_CoalesceExpr:
    case T_ArrayExpr:
        break;
    default:
        return true;
    }
    return check_functions_in_node(node, may_harm, nullptr) || walk_expression(node, harms, nullptr);
}

} // namespace

bool is_harmless(Node* expression) {
    return !harms(expression, nullptr);
}

} // namespace availability

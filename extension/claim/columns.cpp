// The columns that a claim reads, for the functions that write them.

#include "extension/claim/columns.hpp"

#include <cstring>

extern "C" {
#include <access/sysattr.h>
#include <catalog/pg_type.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>
#include <rewrite/rewriteHandler.h>
#include <utils/builtins.h>
#include <utils/fmgroids.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
}

namespace availability {

namespace {

// What make_active_stay() was given.
Node* without_active(Node* stay) {
    if (!IsA(stay, CaseExpr))
        return stay;
    const auto* choice = reinterpret_cast<CaseExpr*>(stay);
    return choice->arg == nullptr && list_length(choice->args) == 1
               ? reinterpret_cast<Node*>(linitial_node(CaseWhen, choice->args)->result)
               : stay;
}

Node* without_relabels(Node* expression) {
    while (IsA(expression, RelabelType))
        expression = reinterpret_cast<Node*>(reinterpret_cast<RelabelType*>(expression)->arg);
    return expression;
}

// The only column that an expression reads; 0 if there are several or none.
AttrNumber only_column(Node* expression) {
    Bitmapset* columns = nullptr;
    pull_varattnos(expression, 1, &columns);
    const int column = bms_membership(columns) == BMS_SINGLETON
                           ? bms_singleton_member(columns) + FirstLowInvalidHeapAttributeNumber
                           : 0;
    return static_cast<AttrNumber>(column);
}

bool is_generated(Relation reservations, AttrNumber column) {
    return column > 0 && TupleDescAttr(RelationGetDescr(reservations), column - 1)->attgenerated != '\0';
}

// An expression without relabels. In the place of a column that the table generates, which nobody writes, that which
// generates it.
Node* see_through(Relation reservations, Node* expression) {
    expression = without_relabels(expression);
    while (IsA(expression, Var) && is_generated(reservations, reinterpret_cast<Var*>(expression)->varattno))
        expression = without_relabels(build_column_default(reservations, reinterpret_cast<Var*>(expression)->varattno));
    return expression;
}

AttrNumber as_column(Node* expression, Oid type) {
    if (!IsA(expression, Var) || (OidIsValid(type) && getBaseType(exprType(expression)) != type))
        return 0;
    return reinterpret_cast<Var*>(expression)->varattno;
}

// A bound of a stay: a column of type date, or an expression that reads the column of the well-known name, such as
// check_out + 1.
AttrNumber bound_column(Relation reservations, Node* bound, const char* known_name) {
    bound = see_through(reservations, bound);
    if (const AttrNumber column = as_column(bound, DATEOID); column > 0)
        return column;
    const AttrNumber column = only_column(bound);
    return column > 0 && !is_generated(reservations, column) &&
                   get_atttype(RelationGetRelid(reservations), column) == DATEOID &&
                   std::strcmp(get_attname(RelationGetRelid(reservations), column, false), known_name) == 0
               ? column
               : InvalidAttrNumber;
}

// daterange(a, b), or daterange(a, b, '[)').
bool is_half_open_range(Node* expression) {
    if (!IsA(expression, FuncExpr))
        return false;
    const auto* call = reinterpret_cast<FuncExpr*>(expression);
    if (call->funcid == F_DATERANGE_DATE_DATE)
        return true;
    if (call->funcid != F_DATERANGE_DATE_DATE_TEXT || !IsA(lthird(call->args), Const))
        return false;
    const auto* flags = lthird_node(Const, call->args);
    return !flags->constisnull && std::strcmp(TextDatumGetCString(flags->constvalue), "[)") == 0;
}

} // namespace

ClaimColumns require_claim_columns(Relation relation, const ClaimExpressions& claim, const char* function) {
    const Oid reservations = RelationGetRelid(relation);
    ClaimColumns columns{};
    Node* stay = see_through(relation, without_active(claim.stay));
    columns.numbers[0] = as_column(see_through(relation, claim.listing), InvalidOid);
    columns.numbers[1] = as_column(stay, DATERANGEOID);
    if (columns.numbers[1] == 0 && is_half_open_range(stay)) {
        const List* bounds = reinterpret_cast<FuncExpr*>(stay)->args;
        columns.numbers[1] = bound_column(relation, static_cast<Node*>(linitial(bounds)), "check_in");
        columns.numbers[2] = bound_column(relation, static_cast<Node*>(lsecond(bounds)), "check_out");
        if (columns.numbers[2] == 0 || columns.numbers[2] == columns.numbers[1])
            columns.numbers[1] = 0;
    }
    if (columns.numbers[0] == 0 || columns.numbers[1] == 0)
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                 errmsg("%s can't tell which columns of table \"%s\" take the %s", function, get_rel_name(reservations),
                        columns.numbers[0] == 0 ? "listing" : "stay"),
                 errdetail("It writes a listing that is a column, and a stay that is a column of type daterange or "
                           "daterange(check_in, check_out) of two columns of type date."),
                 errhint("INSERT, UPDATE and DELETE book, move and cancel just as well.")));

    const auto name = [reservations](AttrNumber column) {
        return column > 0 ? quote_identifier(get_attname(reservations, column, false)) : nullptr;
    };
    const bool one_column = columns.numbers[2] == 0;
    columns.listing = name(columns.numbers[0]);
    columns.stay = one_column ? name(columns.numbers[1]) : nullptr;
    columns.check_in = one_column ? nullptr : name(columns.numbers[1]);
    columns.check_out = name(columns.numbers[2]);
    return columns;
}

} // namespace availability

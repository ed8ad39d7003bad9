// Claim expressions: from the text given to availability.track to the view of claims, and back from it.

#include <cstring>

#include "extension/claim/expressions.hpp"
#include "extension/server/companion.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/server/spi.hpp"

extern "C" {
#include <access/htup_details.h>
#include <access/relation.h>
#include <access/sysattr.h>
#include <access/transam.h>
#include <catalog/pg_collation.h>
#include <catalog/pg_type.h>
#include <executor/executor.h>
#include <miscadmin.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>
#include <parser/parse_coerce.h>
#include <parser/parse_collate.h>
#include <parser/parse_expr.h>
#include <parser/parse_relation.h>
#include <parser/parser.h>
#include <parser/parsetree.h>
#include <rewrite/rewriteHandler.h>
#include <rewrite/rewriteManip.h>
#include <utils/builtins.h>
#include <utils/datum.h>
#include <utils/lsyscache.h>
#include <utils/ruleutils.h>
#include <utils/syscache.h>
}

namespace availability {

namespace {

struct ExpressionSource {
    const char* argument;
    const char* text;
};

void expression_error_context(void* source) {
    const auto* expression = static_cast<const ExpressionSource*>(source);
    // The place of a syntax error is one in the expression, not in the statement that calls track.
    if (const int position = geterrposition(); position > 0) {
        errposition(0);
        internalerrposition(position);
        internalerrquery(expression->text);
    }
    errcontext("argument \"%s\" of availability.track: %s", expression->argument, expression->text);
}

[[noreturn]] void not_one_expression() {
    ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("not one expression over a row")));
    pg_unreachable();
}

bool is_star(const Node* expression) {
    return IsA(expression, ColumnRef) && IsA(llast(reinterpret_cast<const ColumnRef*>(expression)->fields), A_Star);
}

// The parser's PL/pgSQL entry takes an expression and whatever may follow one in a SELECT; only a bare
// expression is welcome here.
Node* raw_expression(const char* text) {
    List* statements = raw_parser(text, RAW_PARSE_PLPGSQL_EXPR);
    if (list_length(statements) != 1)
        not_one_expression();
    auto* select = reinterpret_cast<SelectStmt*>(linitial_node(RawStmt, statements)->stmt);
    if (!IsA(select, SelectStmt) || select->op != SETOP_NONE || list_length(select->targetList) != 1 ||
        select->distinctClause || select->intoClause || select->fromClause || select->whereClause ||
        select->groupClause || select->havingClause || select->windowClause || select->valuesLists ||
        select->sortClause || select->limitOffset || select->limitCount || select->lockingClause || select->withClause)
        not_one_expression();
    auto* target = linitial_node(ResTarget, select->targetList);
    if (target->name != nullptr || target->indirection != NIL || is_star(target->val))
        not_one_expression();
    return target->val;
}

bool refers_beyond_columns(Node* node, void*) {
    if (node == nullptr)
        return false;
    if (IsA(node, Var))
        return reinterpret_cast<Var*>(node)->varattno <= 0;
    return walk_expression(node, refers_beyond_columns, nullptr);
}

void refuse_virtual_columns(Relation reservations, Node* expression) {
    Bitmapset* columns = nullptr;
    pull_varattnos(expression, 1, &columns);
    for (int member = -1; (member = bms_next_member(columns, member)) >= 0;) {
        const int attribute = member + FirstLowInvalidHeapAttributeNumber;
        if (is_virtual_column(RelationGetDescr(reservations), attribute))
            ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                            errmsg("virtual generated column \"%s\" can't be part of a claim",
                                   get_attname(RelationGetRelid(reservations), attribute, false)),
                            errhint("Use the expression that generates it, or a stored column.")));
    }
}

// Planning may call functions, so it is done with the rights of the owner.
bool is_mutable(Node* expression, Oid owner) {
    const OwnerScope scope = enter_owner(owner);
    const bool found = contain_mutable_functions(
        reinterpret_cast<Node*>(expression_planner(static_cast<Expr*>(copyObjectImpl(expression)))));
    leave_owner(scope);
    return found;
}

// Whether a view is what track makes: three expressions over the rows of one table.
bool selects_claims(const Query* query, Oid reservations) {
    if (query->commandType != CMD_SELECT || query->hasSubLinks || query->hasAggs || query->hasWindowFuncs ||
        query->hasTargetSRFs || query->groupClause != NIL || query->groupingSets != NIL ||
        query->havingQual != nullptr || query->distinctClause != NIL || query->setOperations != nullptr ||
        query->limitCount != nullptr || query->limitOffset != nullptr || query->jointree->quals != nullptr ||
        list_length(query->targetList) != 3 || list_length(query->jointree->fromlist) != 1 ||
        !IsA(linitial(query->jointree->fromlist), RangeTblRef))
        return false;
    const auto* table = linitial_node(RangeTblRef, query->jointree->fromlist);
    const RangeTblEntry* entry = rt_fetch(table->rtindex, query->rtable);
    return entry->rtekind == RTE_RELATION && entry->relid == reservations;
}

[[noreturn]] void claims_view_replaced(Oid view) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("view \"%s\" was not made by availability.track", get_rel_name(view)),
                    errhint("Use availability.untrack and availability.track to change a claim.")));
    pg_unreachable();
}

} // namespace

bool is_supported_key_type(Oid type) {
    switch (type) {
    case INT2OID:
    case INT4OID:
    case INT8OID:
    case UUIDOID:
    case TEXTOID:
    case VARCHAROID:
        return true;
    default:
        return false;
    }
}

Node* parse_claim_expression(Relation reservations, const char* argument, const char* text) {
    ExpressionSource source{argument, text};
    ErrorContextCallback callback;
    callback.callback = expression_error_context;
    callback.arg = &source;
    callback.previous = error_context_stack;
    error_context_stack = &callback;

    ParseState* pstate = make_parsestate(nullptr);
    ParseNamespaceItem* item =
        addRangeTableEntryForRelation(pstate, reservations, AccessShareLock, nullptr, false, true);
    addNSItemToQuery(pstate, item, false, true, true);

    Node* expression = transformExpr(pstate, raw_expression(text), EXPR_KIND_CHECK_CONSTRAINT);
    if (std::strcmp(argument, "active") == 0)
        expression = coerce_to_boolean(pstate, expression, "active");
    if (exprType(expression) == UNKNOWNOID)
        expression =
            coerce_type(pstate, expression, UNKNOWNOID, TEXTOID, -1, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1);
    assign_expr_collations(pstate, expression);

    if (refers_beyond_columns(expression, nullptr))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("whole rows and system columns can't be part of a claim")));
    if (is_mutable(expression, reservations->rd_rel->relowner))
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_OBJECT_DEFINITION), errmsg("functions in a claim must be marked IMMUTABLE"),
                 errdetail("A claim may depend on its row alone, not on the clock, the session or "
                           "other rows."),
                 errhint("For timestamps with time zone, availability.stay_days(check_in, check_out, "
                         "time_zone) gives the nights in the listing's own time zone.")));
    refuse_virtual_columns(reservations, expression);

    error_context_stack = callback.previous;
    free_parsestate(pstate);
    return expression;
}

Node* make_active_stay(Node* active, Node* stay) {
    if (IsA(active, Const)) {
        const auto* constant = reinterpret_cast<Const*>(active);
        if (!constant->constisnull && DatumGetBool(constant->constvalue))
            return stay;
    }
    // A domain may refuse null, which is what an inactive row has.
    if (exprType(stay) != DATERANGEOID)
        stay = reinterpret_cast<Node*>(
            makeRelabelType(reinterpret_cast<Expr*>(stay), DATERANGEOID, -1, InvalidOid, COERCE_EXPLICIT_CAST));
    auto* when = makeNode(CaseWhen);
    when->expr = reinterpret_cast<Expr*>(active);
    when->result = reinterpret_cast<Expr*>(stay);
    when->location = -1;
    auto* choice = makeNode(CaseExpr);
    choice->casetype = exprType(stay);
    choice->casecollid = InvalidOid;
    choice->args = list_make1(when);
    choice->defresult = reinterpret_cast<Expr*>(makeNullConst(choice->casetype, -1, InvalidOid));
    choice->location = -1;
    return reinterpret_cast<Node*>(choice);
}

char* claims_view_sql(Oid reservations, const ClaimExpressions& claim) {
    List* context = deparse_context_for(get_rel_name(reservations), reservations);
    const bool partitioned = get_rel_relkind(reservations) == RELKIND_PARTITIONED_TABLE;
    return psprintf("SELECT %s AS listing, %s AS key, %s AS stay FROM %s%s",
                    deparse_expression(claim.listing, context, false, false),
                    deparse_expression(claim.key, context, false, false),
                    deparse_expression(claim.stay, context, false, false), partitioned ? "" : "ONLY ",
                    qualified_name(reservations));
}

char* expression_text(Oid reservations, Node* expression) {
    return deparse_expression(expression, deparse_context_for(get_rel_name(reservations), reservations), false, false);
}

void split_active_stay(Node* active_stay, Node** active, Node** stay) {
    *active = makeBoolConst(true, false);
    *stay = active_stay;
    if (!IsA(active_stay, CaseExpr))
        return;
    const auto* choice = reinterpret_cast<CaseExpr*>(active_stay);
    const auto* otherwise = reinterpret_cast<const Const*>(choice->defresult);
    if (choice->arg != nullptr || list_length(choice->args) != 1 || !IsA(otherwise, Const) || !otherwise->constisnull)
        return;
    const auto* when = linitial_node(CaseWhen, choice->args);
    *active = reinterpret_cast<Node*>(when->expr);
    *stay = reinterpret_cast<Node*>(when->result);
}

char* suspended_claims_sql(Oid reservations, Oid view) {
    constexpr const char* kColumns[] = {"listing", "key", "stay"};
    StringInfoData sql;
    initStringInfo(&sql);
    appendStringInfoString(&sql, "SELECT");
    for (const char* column : kColumns) {
        Oid type;
        int32 typmod;
        Oid collation;
        const AttrNumber number = get_attnum(view, column);
        if (number <= 0)
            claims_view_replaced(view);
        get_atttypetypmodcoll(view, number, &type, &typmod, &collation);
        appendStringInfo(&sql, "%s NULL::%s%s AS %s", sql.data[sql.len - 1] == 'T' ? "" : ",",
                         format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY),
                         OidIsValid(collation) ? psprintf(" COLLATE %s", generate_collation_name(collation)) : "",
                         column);
    }
    appendStringInfo(&sql, " FROM ONLY %s WHERE false", qualified_name(reservations));
    return sql.data;
}

namespace {

bool selects_nothing(const Query* query) {
    const auto* quals = reinterpret_cast<const Const*>(query->jointree->quals);
    return query->commandType == CMD_SELECT && quals != nullptr && IsA(quals, Const) && !quals->constisnull &&
           !DatumGetBool(quals->constvalue);
}

} // namespace

bool is_suspended(Oid view) {
    Relation relation = open_companion_view(view, AccessShareLock);
    const bool suspended = selects_nothing(get_view_query(relation));
    relation_close(relation, NoLock);
    return suspended;
}

ClaimExpressions load_claim_expressions(Oid reservations, Oid view) {
    Relation relation = open_companion_view(view, AccessShareLock);
    auto* query = static_cast<Query*>(copyObjectImpl(get_view_query(relation)));
    relation_close(relation, NoLock);
    if (selects_nothing(query))
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("tracking of table \"%s\" is suspended", get_rel_name(reservations)),
                        errhint("SELECT availability.retrack(%s);", quote_literal_cstr(qualified_name(reservations)))));
    if (!selects_claims(query, reservations))
        claims_view_replaced(view);

    Node* columns[3];
    for (int i = 0; i < 3; i++)
        columns[i] = reinterpret_cast<Node*>(static_cast<TargetEntry*>(list_nth(query->targetList, i))->expr);
    const int table = linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex;
    for (Node* column : columns)
        ChangeVarNodes(column, table, 1, 0);
    if (!is_supported_key_type(getBaseType(exprType(columns[0]))) ||
        !is_supported_key_type(getBaseType(exprType(columns[1]))) ||
        getBaseType(exprType(columns[2])) != DATERANGEOID ||
        refers_beyond_columns(reinterpret_cast<Node*>(query->targetList), nullptr))
        claims_view_replaced(view);
    return {columns[0], columns[1], columns[2]};
}

} // namespace availability

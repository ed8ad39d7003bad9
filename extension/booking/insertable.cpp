// Whether the caller could insert a reservation.
//
// Nothing but the INSERT itself knows: policies see the row that defaults and BEFORE triggers have made, with the
// caller's rights and settings. So it is planned and begun as the caller's, in a subtransaction that is undone, with
// one check more behind the policies' own. When that is reached, all of them have let the row pass, and it refuses: no
// row, no index entry, no event of an AFTER trigger is made that would have to be undone. Where nothing but grants can
// refuse, they are looked up instead.

#include "extension/booking/insertable.hpp"

#include "extension/booking/statements.hpp"
#include "extension/server/subtransaction.hpp"

extern "C" {
#include <catalog/pg_class.h>
#include <catalog/pg_type.h>
#include <executor/executor.h>
#include <miscadmin.h>
#include <nodes/makefuncs.h>
#include <nodes/params.h>
#include <parser/parsetree.h>
#include <tcop/dest.h>
#include <tcop/tcopprot.h>
#include <utils/acl.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/rls.h>
#include <utils/snapmgr.h>
}

namespace availability {

namespace {

// $1 … $3 are those of insert_sql().
constexpr int kLastCheck = 4;

// Called as the last check is evaluated: it refuses, since the value is false.
ParamExternData* fetch_parameter(ParamListInfo parameters, int number, bool, ParamExternData*) {
    if (number == kLastCheck)
        *static_cast<bool*>(parameters->paramFetchArg) = true;
    return &parameters->params[number - 1];
}

ParamListInfo make_parameters(const Target& target, Datum listing, Datum stay, const Attributes& attributes,
                              bool* reached) {
    ParamListInfo parameters = makeParamList(kLastCheck);
    const auto set = [parameters](int number, Oid type, Datum value) {
        parameters->params[number - 1] = {value, false, 0, type};
    };
    set(1, target.tracked->claim.listing_type, listing);
    set(2, DATERANGEOID, stay);
    set(3, JSONBOID, attributes.value);
    set(kLastCheck, BOOLOID, BoolGetDatum(false));
    parameters->paramFetch = fetch_parameter;
    parameters->paramFetchArg = reached;
    return parameters;
}

WithCheckOption* last_check(const char* table) {
    auto* value = makeNode(Param);
    value->paramkind = PARAM_EXTERN;
    value->paramid = kLastCheck;
    value->paramtype = BOOLOID;
    value->paramtypmod = -1;
    value->location = -1;
    auto* check = makeNode(WithCheckOption);
    check->kind = WCO_RLS_INSERT_CHECK;
    check->relname = pstrdup(table);
    check->qual = reinterpret_cast<Node*>(value);
    return check;
}

// The INSERT as rules and policies have made it. Rules may have put others beside it, which insert no reservation.
Query* rewritten_insert(const Target& target, const char* statement) {
    const Oid types[] = {target.tracked->claim.listing_type, DATERANGEOID, JSONBOID};
    List* queries = pg_analyze_and_rewrite_fixedparams(linitial_node(RawStmt, pg_parse_query(statement)), statement,
                                                       types, lengthof(types), nullptr);
    ListCell* cell;
    foreach (cell, queries) {
        auto* query = lfirst_node(Query, cell);
        if (query->commandType == CMD_INSERT &&
            rt_fetch(query->resultRelation, query->rtable)->relid == target.reservations())
            return query;
    }
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("%s can't hold days for table \"%s\", whose rules insert nothing into it", target.function,
                           RelationGetRelationName(target.relation))));
    pg_unreachable();
}

void begin_insert(const Target& target, const char* statement, ParamListInfo parameters) {
    Query* query = rewritten_insert(target, statement);
    query->withCheckOptions = lappend(query->withCheckOptions, last_check(RelationGetRelationName(target.relation)));
    PlannedStmt* plan = pg_plan_query(query, statement, 0, nullptr);
    CommandCounterIncrement();
    PushActiveSnapshot(GetTransactionSnapshot());
    QueryDesc* execution =
        CreateQueryDesc(plan, statement, GetActiveSnapshot(), InvalidSnapshot, None_Receiver, parameters, nullptr, 0);
    ExecutorStart(execution, 0);
    run_executor(execution);
}

bool only_grants_refuse(Relation reservations) {
    const TriggerDesc* triggers = reservations->trigdesc;
    return reservations->rd_rel->relkind != RELKIND_PARTITIONED_TABLE &&
           (triggers == nullptr || (!triggers->trig_insert_before_row && !triggers->trig_insert_before_statement)) &&
           check_enable_rls(RelationGetRelid(reservations), InvalidOid, true) != RLS_ENABLED;
}

void require_grants(const Target& target, const ClaimColumns& columns, const Attributes& attributes) {
    const Oid schema = RelationGetNamespace(target.relation);
    if (!may_use_schema(schema, GetUserId()))
        aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_SCHEMA, get_namespace_name(schema));
    if (pg_class_aclcheck(target.reservations(), GetUserId(), ACL_INSERT) == ACLCHECK_OK)
        return;
    const auto require = [&target](AttrNumber column) {
        if (column != InvalidAttrNumber &&
            pg_attribute_aclcheck(target.reservations(), column, GetUserId(), ACL_INSERT) != ACLCHECK_OK)
            aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, RelationGetRelationName(target.relation));
    };
    for (const AttrNumber column : columns.numbers)
        require(column);
    ListCell* cell;
    foreach (cell, attributes.numbers)
        require(static_cast<AttrNumber>(lfirst_int(cell)));
}

} // namespace

void require_insertable(const Target& target, const ClaimColumns& columns, Datum listing, Datum stay,
                        const Attributes& attributes) {
    if (only_grants_refuse(target.relation)) {
        require_grants(target, columns, attributes);
        return;
    }
    auto* reached = static_cast<bool*>(palloc0(sizeof(bool)));
    const char* statement = insert_sql(target, columns, attributes);
    ParamListInfo parameters = make_parameters(target, listing, stay, attributes, reached);
    ErrorData* error = in_subtransaction(Outcome::kUndone, [&] { begin_insert(target, statement, parameters); });
    if (*reached)
        return;
    if (error != nullptr)
        ReThrowError(error);
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("the new row of table \"%s\" would hold no days", RelationGetRelationName(target.relation)),
                    errhint("A trigger of the table skips it.")));
}

} // namespace availability

// availability.claim: what a given row of a tracked table claims, by the table's own expressions.
//
// The row is the caller's, who may give any; the expressions are the owner's and run with the owner's rights, since a
// superuser may ask for the claims of anybody's table. What they say of a row is for those who may read the table.

#include "extension/claim/evaluate.hpp"
#include "extension/claim/harmless.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/tracking/settings.hpp"

extern "C" {
#include <access/htup_details.h>
#include <catalog/pg_type.h>
#include <executor/executor.h>
#include <funcapi.h>
#include <miscadmin.h>
#include <nodes/nodeFuncs.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/typcache.h>
}

namespace availability {

namespace {

// Ready to use for all rows of one type, as long as the query runs.
struct ClaimOfRow {
    Oid row_type;
    TupleTableSlot* row;
    TupleDesc result;
    ExprContext* context;
    ExprState* expressions[3];
    Oid owner; // of the view of claims
    bool needs_owner;
};

void require_reader(Oid reservations) {
    if (pg_class_aclcheck(reservations, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
        pg_attribute_aclcheck_all(reservations, GetUserId(), ACL_SELECT, ACLMASK_ANY) != ACLCHECK_OK)
        aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(reservations)),
                       get_rel_name(reservations));
}

ClaimOfRow* prepare(Oid row_type) {
    const Oid reservations = get_typ_typrelid(row_type);
    if (!OidIsValid(reservations))
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("type %s is not the row type of a table", format_type_be(row_type))));
    const TrackedRow row = require_tracked_row(reservations);
    require_reader(reservations);
    const ClaimExpressions claim = load_claim_expressions(reservations, row.claims);

    auto* prepared = static_cast<ClaimOfRow*>(palloc0(sizeof(ClaimOfRow)));
    prepared->row_type = row_type;
    prepared->row = MakeSingleTupleTableSlot(lookup_rowtype_tupdesc_copy(row_type, -1), &TTSOpsHeapTuple);
    prepared->context = CreateStandaloneExprContext();
    prepared->result = CreateTemplateTupleDesc(3);
    prepared->owner = relation_owner(row.claims);
    prepared->needs_owner = !is_harmless(claim.listing) || !is_harmless(claim.key) || !is_harmless(claim.stay);
    Node* const nodes[] = {claim.listing, claim.key, claim.stay};
    const OwnerScope scope = enter_owner(prepared->owner);
    constexpr const char* kNames[] = {"listing", "key", "stay"};
    for (int i = 0; i < 3; i++) {
        prepared->expressions[i] = compile_expression(nodes[i]);
        TupleDescInitEntry(prepared->result, static_cast<AttrNumber>(i + 1), kNames[i], getBaseType(exprType(nodes[i])),
                           -1, 0);
        TupleDescInitEntryCollation(prepared->result, static_cast<AttrNumber>(i + 1), exprCollation(nodes[i]));
    }
    leave_owner(scope);
    BlessTupleDesc(prepared->result);
    return prepared;
}

} // namespace

} // namespace availability

using namespace availability;

AVAILABILITY_FUNCTION(availability_claim) {
    HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
    const Oid row_type = HeapTupleHeaderGetTypeId(row);
    auto* prepared = static_cast<ClaimOfRow*>(fcinfo->flinfo->fn_extra);
    if (prepared == nullptr || prepared->row_type != row_type) {
        MemoryContext caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
        prepared = prepare(row_type);
        fcinfo->flinfo->fn_extra = prepared;
        MemoryContextSwitchTo(caller);
    }

    HeapTupleData tuple{};
    tuple.t_len = HeapTupleHeaderGetDatumLength(row);
    tuple.t_data = row;
    ItemPointerSetInvalid(&tuple.t_self);
    prepared->context->ecxt_scantuple = ExecStoreHeapTuple(&tuple, prepared->row, false);
    Datum values[3];
    bool nulls[3];
    OwnerScope scope{};
    if (prepared->needs_owner)
        scope = enter_owner(prepared->owner);
    for (int i = 0; i < 3; i++)
        values[i] = ExecEvalExprSwitchContext(prepared->expressions[i], prepared->context, &nulls[i]);
    if (prepared->needs_owner)
        leave_owner(scope);
    const Datum result = HeapTupleGetDatum(heap_form_tuple(prepared->result, values, nulls));
    ExecClearTuple(prepared->row);
    ResetExprContext(prepared->context);
    return result;
}

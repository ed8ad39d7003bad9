// The claim of one row.

#include "extension/claim/evaluate.hpp"

#include "extension/dayset/type.hpp"
#include "extension/server/owner_scope.hpp"

extern "C" {
#include <access/transam.h>
#include <executor/executor.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>
#include <utils/datum.h>
#include <utils/lsyscache.h>
}

namespace availability {

namespace {

bool is_user_function(Oid function, void*) {
    return function >= FirstNormalObjectId;
}

bool calls_user_function(Node* node, void*) {
    if (node == nullptr)
        return false;
    // A domain's checks may call anything.
    if (IsA(node, CoerceToDomain) || check_functions_in_node(node, is_user_function, nullptr))
        return true;
    return walk_expression(node, calls_user_function, nullptr);
}

} // namespace

ExprState* compile_expression(Node* expression) {
    return ExecInitExpr(expression_planner(static_cast<Expr*>(copyObjectImpl(expression))), nullptr);
}

CompiledClaim compile_claim(const ClaimExpressions& claim, Oid owner) {
    CompiledClaim compiled;
    compiled.listing_type = getBaseType(exprType(claim.listing));
    compiled.key_type = getBaseType(exprType(claim.key));
    compiled.calls_user_functions = calls_user_function(claim.listing, nullptr) ||
                                    calls_user_function(claim.key, nullptr) || calls_user_function(claim.stay, nullptr);

    // The right to execute is checked here: a booker needs no right to the owner's functions.
    const OwnerScope scope = enter_owner(owner);
    compiled.listing = compile_expression(claim.listing);
    compiled.key = compile_expression(claim.key);
    compiled.stay = compile_expression(claim.stay);
    leave_owner(scope);
    compiled.context = CreateStandaloneExprContext();
    return compiled;
}

Claim evaluate_claim(const CompiledClaim& compiled, TupleTableSlot* slot, Oid owner, Day since,
                     UnsupportedStay unsupported) {
    OwnerScope scope{};
    if (compiled.calls_user_functions)
        scope = enter_owner(owner);

    ExprContext* context = compiled.context;
    context->ecxt_scantuple = slot;
    Claim claim{};
    bool listing_is_null;
    bool stay_is_null;
    const Datum listing = ExecEvalExprSwitchContext(compiled.listing, context, &listing_is_null);
    const Datum key = ExecEvalExprSwitchContext(compiled.key, context, &claim.key_is_null);
    const Datum stay = ExecEvalExprSwitchContext(compiled.stay, context, &stay_is_null);

    if (compiled.calls_user_functions)
        leave_owner(scope);

    if (!listing_is_null && !stay_is_null) {
        const DateRange range = read_daterange(PG_DETOAST_DATUM_PACKED(stay));
        DateRange kept = range;
        if (!range.unbounded && !range.empty) {
            kept.span = intersection(range.span, {since, kAfterAllDays});
            kept.empty = kept.span.empty();
        }
        if (unsupported == UnsupportedStay::kRefused || (!kept.unbounded && kept.span.supported()))
            claim.stay = require_supported(kept);
        if (claim.held()) {
            int16 length;
            bool by_value;
            get_typlenbyval(compiled.listing_type, &length, &by_value);
            claim.listing = datumCopy(listing, by_value, length);
            get_typlenbyval(compiled.key_type, &length, &by_value);
            if (!claim.key_is_null)
                claim.key = datumCopy(key, by_value, length);
        }
    }
    ResetExprContext(context);
    return claim;
}

} // namespace availability

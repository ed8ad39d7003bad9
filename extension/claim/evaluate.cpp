// The claim of one row.

#include "extension/claim/evaluate.hpp"

#include <algorithm>

#include "extension/claim/harmless.hpp"
#include "extension/dayset/type.hpp"
#include "extension/server/owner_scope.hpp"

extern "C" {
#include <executor/executor.h>
#include <mb/pg_wchar.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>
#include <utils/datum.h>
#include <utils/lsyscache.h>
}

namespace availability {

namespace {

// A copy of a listing or a key, in line and uncompressed.
Datum copy_key(Datum value, Oid type) {
    int16 length;
    bool by_value;
    get_typlenbyval(type, &length, &by_value);
    return length == -1 ? PointerGetDatum(PG_DETOAST_DATUM_COPY(value)) : datumCopy(value, by_value, length);
}

// Adds the functions and types that the plan depends on to *dependencies.
Expr* plan(Node* expression, List** dependencies) {
    List* relations = NIL;
    List* objects = NIL;
    Expr* planned = expression_planner_with_deps(static_cast<Expr*>(copyObjectImpl(expression)), &relations, &objects);
    if (dependencies != nullptr)
        *dependencies = list_concat(*dependencies, objects);
    return planned;
}

} // namespace

void require_readable(Datum value, Oid type, const char* what) {
    if (get_typlen(type) != -1)
        return;
    const Size length = VARSIZE_ANY_EXHDR(DatumGetPointer(value));
    if (length > kLongestText)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("%s is too long", what),
                        errdetail("It has %zu bytes, of %d at most.", length, kLongestText)));
    if (GetDatabaseEncoding() == PG_UTF8)
        return;
    const char* bytes = VARDATA_ANY(DatumGetPointer(value));
    if (GetDatabaseEncoding() != PG_SQL_ASCII)
        pg_server_to_any(bytes, static_cast<int>(length), PG_UTF8);
    else if (std::any_of(bytes, bytes + length, [](char byte) { return IS_HIGHBIT_SET(byte); }))
        ereport(ERROR, (errcode(ERRCODE_UNTRANSLATABLE_CHARACTER), errmsg("%s has no form in UTF-8", what),
                        errdetail("The database has no encoding, so that it can be of ASCII characters alone.")));
}

ExprState* compile_expression(Node* expression) {
    return ExecInitExpr(plan(expression, nullptr), nullptr);
}

CompiledClaim compile_claim(const ClaimExpressions& claim, Oid owner) {
    CompiledClaim compiled{};
    compiled.listing_type = getBaseType(exprType(claim.listing));
    compiled.key_type = getBaseType(exprType(claim.key));
    // The right to execute is checked here: a booker needs no right to the owner's functions.
    const OwnerScope scope = enter_owner(owner);
    const auto compile = [&compiled](Node* expression) {
        // As it is once the functions in SQL are inlined: what is left of them is what runs.
        Expr* planned = plan(expression, &compiled.dependencies);
        compiled.needs_owner = compiled.needs_owner || !is_harmless(reinterpret_cast<Node*>(planned));
        return ExecInitExpr(planned, nullptr);
    };
    compiled.listing = compile(claim.listing);
    compiled.key = compile(claim.key);
    compiled.stay = compile(claim.stay);
    leave_owner(scope);
    compiled.context = CreateStandaloneExprContext();
    return compiled;
}

Claim evaluate_claim(const CompiledClaim& compiled, TupleTableSlot* slot, Oid owner, Day since,
                     UnsupportedStay unsupported) {
    OwnerScope scope{};
    if (compiled.needs_owner)
        scope = enter_owner(owner);

    ExprContext* context = compiled.context;
    context->ecxt_scantuple = slot;
    Claim claim{};
    bool listing_is_null;
    bool stay_is_null;
    const Datum listing = ExecEvalExprSwitchContext(compiled.listing, context, &listing_is_null);
    const Datum key = ExecEvalExprSwitchContext(compiled.key, context, &claim.key_is_null);
    const Datum stay = ExecEvalExprSwitchContext(compiled.stay, context, &stay_is_null);

    if (compiled.needs_owner)
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
            claim.listing = copy_key(listing, compiled.listing_type);
            if (!claim.key_is_null)
                claim.key = copy_key(key, compiled.key_type);
            if (unsupported == UnsupportedStay::kRefused) {
                require_readable(claim.listing, compiled.listing_type, "the listing of a reservation");
                if (!claim.key_is_null)
                    require_readable(claim.key, compiled.key_type, "the key of a reservation");
            }
        }
    }
    ResetExprContext(context);
    return claim;
}

} // namespace availability

// The claim: what one reservation row holds, as expressions over the row.
//
// The expressions live in one place, the companion view <table>_claims, so that renames, dumps and dependencies work.
// (In the body of a function over the row, they would make the table's row type one that ALTER TABLE can't rewrite.)
// Here they are made from the text that availability.track is given, and read back from the view for the triggers
// (compiled).
#pragma once

#include <limits>

#include "extension/server/boundary.hpp"
#include "extension/core/day.hpp"

extern "C" {
#include <access/attnum.h>
#include <executor/tuptable.h>
#include <nodes/execnodes.h>
#include <utils/date.h>
#include <utils/rel.h>
}

namespace availability {

// The three expressions, as trees over the columns of the tracked table (varno 1).
struct ClaimExpressions {
    Node* listing;
    Node* key;
    Node* stay; // NULL where the row is not active
};

// Analyses one expression given to availability.track: over the columns of `reservations` alone, immutable, no
// subquery, aggregate or set. `argument` names it in errors.
Node* parse_claim_expression(Relation reservations, const char* argument, const char* text);

// CASE WHEN active THEN stay END, or the stay itself when active is the constant true.
Node* make_active_stay(Node* active, Node* stay);

// The query of the view of claims.
char* claims_view_sql(Oid reservations, const ClaimExpressions& claim);

// Reads the expressions back from the view. Raises 55000 if it is missing or its query is not one that track made.
ClaimExpressions load_claim_expressions(Oid reservations, Oid view);

// The horizon of a table that was tracked without `since`.
inline constexpr Day kNoHorizon = std::numeric_limits<Day>::min();

// The day of a horizon given as a date. Raises 22008 if it is not a supported one.
Day require_horizon(DateADT date);

// The claims of all rows that hold days, as a parenthesised query of (listing, key, stay), stays cut to begin
// no earlier than `since`. Stays that are not supported are among them, uncut. The rows of the companion `hold`, if
// that is one, are claims without a key.
char* claims_sql(Oid reservations, const ClaimExpressions& claim, Oid hold, Day since);

// Makes an expression over a row ready to run, in the current memory context.
ExprState* compile_expression(Node* expression);

// What the row triggers evaluate.
struct CompiledClaim {
    ExprState* listing;
    ExprState* key;
    ExprState* stay;
    ExprContext* context;
    Oid listing_type;
    Oid key_type;
    // Whether any function of somebody's own is called: only then does evaluation switch to the owner.
    bool calls_user_functions;
};

// Compiles into the current memory context, with the rights of `owner`.
CompiledClaim compile_claim(const ClaimExpressions& claim, Oid owner);

// A row's claim. Without a listing or a stay it holds nothing and `stay` is empty.
struct Claim {
    Datum listing;
    Datum key;
    bool key_is_null;
    DaySpan stay;

    bool held() const { return !stay.empty(); }
};

// What a stay that is unbounded or reaches outside the supported days means: 22008 in a row that comes, nothing in one
// that goes, which never took a day.
enum class UnsupportedStay { kRefused, kHoldsNothing };

// Evaluates the claim of the row in `slot` (of the root's row type) in the current memory context.
Claim evaluate_claim(const CompiledClaim& compiled, TupleTableSlot* slot, Oid owner, Day since,
                     UnsupportedStay unsupported);

// The types that a listing or a key may have: those that the decoder reads without calling an output function.
bool is_supported_key_type(Oid type);

} // namespace availability

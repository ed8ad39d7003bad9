// The claim of one row: what the row triggers evaluate.
#pragma once

#include "extension/claim/expressions.hpp"
#include "extension/core/day.hpp"

extern "C" {
#include <executor/tuptable.h>
#include <nodes/execnodes.h>
}

namespace availability {

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
    // Unless nobody's code is called: evaluation switches to the owner.
    bool needs_owner;
    // The functions and types whose change asks for compiling again: a list of PlanInvalItem*.
    List* dependencies;
};

// Compiles into the current memory context, with the rights of `owner`.
CompiledClaim compile_claim(const ClaimExpressions& claim, Oid owner);

// The longest text of a listing or a key, in bytes. A longer one could be stored out of line, where an update that
// leaves it alone leaves it, and the decoder could not read it: a row of two such texts, small columns and the calendar
// fits in a quarter of a page as long as the calendar, which each update writes anew, is what goes out of line.
inline constexpr int kLongestText = 512;

// Raises 54000 if a value of `type`, neither out of line nor compressed, is a longer text, and 22P05 if it is one that
// has no form in UTF-8, in which events are written; `what` names it.
void require_readable(Datum value, Oid type, const char* what);

// A row's claim. Without a listing or a stay it holds nothing and `stay` is empty.
struct Claim {
    Datum listing;
    Datum key;
    bool key_is_null;
    DaySpan stay;

    bool held() const { return !stay.empty(); }
};

// What a stay that is unbounded or reaches outside the supported days means: 22008 in a new row, nothing in an old one,
// which never took a day.
enum class UnsupportedStay { kRefused, kHoldsNothing };

// Evaluates the claim of the row in `slot` (of the root's row type) in the current memory context, as `owner`, who owns
// the view of claims. Raises what require_readable() raises of the listing and the key of a row that comes.
Claim evaluate_claim(const CompiledClaim& compiled, TupleTableSlot* slot, Oid owner, Day since,
                     UnsupportedStay unsupported);

} // namespace availability

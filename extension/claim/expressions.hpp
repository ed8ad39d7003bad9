// The claim: what one reservation row holds, as expressions over the row.
//
// The expressions live in one place, the companion view <table>_claims, so that renames, dumps and dependencies work.
// (In the body of a function over the row, they would make the table's row type one that ALTER TABLE can't rewrite.)
// Here they are made from the text that availability.track is given, and read back from the view.
#pragma once

#include "extension/server/boundary.hpp"

extern "C" {
#include <nodes/nodes.h>
#include <utils/relcache.h>
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

// The text of one expression over the row, as it stands in the view.
char* expression_text(Oid reservations, Node* expression);

// What make_active_stay() put together; the constant true where it put nothing.
void split_active_stay(Node* active_stay, Node** active, Node** stay);

// A query of no rows that reads no column, and whose columns are those of the view: what stands in the view of claims
// while the table's columns are altered.
char* suspended_claims_sql(Oid reservations, Oid view);

// Whether that stands in the view.
bool is_suspended(Oid view);

// Reads the expressions back from the view. Raises 55000 if it is missing or its query is not one that track made, or
// if the claim is suspended.
ClaimExpressions load_claim_expressions(Oid reservations, Oid view);

// The types that a listing or a key may have: those that the decoder reads without calling an output function.
bool is_supported_key_type(Oid type);

} // namespace availability

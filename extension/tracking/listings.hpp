// The table of listings beside a tracked table, and its key.
#pragma once

#include "extension/tracking/settings.hpp"

extern "C" {
#include <nodes/primnodes.h>
#include <utils/rel.h>
}

namespace availability {

struct ListingsKey {
    Oid table; // InvalidOid when none is known
    AttrNumber column;
};

// What the listing column of `reservations` references: by its foreign key of one column, or, for a table that is
// `given`, the primary key of one column. Raises 42P16 if a given table has neither.
ListingsKey find_listings(Relation reservations, Node* listing, Oid given);

// The key column by the list of columns of the trigger on a table of listings; InvalidAttrNumber if there is no such
// trigger.
AttrNumber remembered_key_column(Relation listings, const char* listing_trigger);

// Whether a listing is in the table of listings, as is committed now and as this transaction has it. Looked up as that
// table's owner, as foreign keys do. True if no listings are known.
bool has_listing(const TrackedRow& row, Oid type, Datum listing);

// The quoted key column of the table of listings: as its trigger remembers it, or, if that is missing, as
// track would find it. NULL when no listings are known.
const char* listings_key_column(const TrackedRow& row);

// What takes a listing away.
enum class Leaving { kDelete, kKeyChange, kTruncate };

// Whether a foreign key guarantees, before the statement ends, that no reservation keeps a listing that leaves. Without
// a foreign key, or if its check can be deferred, reservations may stay, and still hold their days if the listing comes
// back.
bool reservations_follow(Relation reservations, Node* listing, Oid listings, Leaving leaving);

// Whether code of the user's own, a BEFORE trigger or a rule, may keep the action of a foreign key away from a row.
bool may_keep_actions_away(Relation reservations);

// Whether a reservation still names the listing that its plain column refers to. As the table's owner.
bool has_reservations(Relation reservations, const TrackedRow& row, Oid type, Datum listing);

// The only column of a table's primary key. Raises 42P16 with the hint if there is no such key.
AttrNumber single_key_column(Relation relation, const char* hint);

} // namespace availability

// The triggers on a tracked table and on its table of listings.
#pragma once

#include "extension/tracking/settings.hpp"

extern "C" {
#include <utils/relcache.h>
}

namespace availability {

// On the tracked table. AFTER triggers fire in the order of their names. These fire after the foreign keys' RI_…, so
// that every session locks the listing before its calendar; and before triggers with lower-case names, so that the
// statements of those find the days taken.
inline constexpr char kClaimTrigger[] = "_availability_claim";
inline constexpr char kTruncateTrigger[] = "_availability_truncate";

// On the table of listings, <table> being the name of the tracked table when track ran. These fire after the RI_…
// triggers too: a cascade then locks reservations before their calendar, as a change of a reservation does. The claim
// triggers of the rows that it changes are queued after this one, and find no calendar left to change.
inline constexpr char kListingTriggerFormat[] = "_%s_listing";

// The names of the other two triggers on a table of listings: one after TRUNCATE, and one after an update that changes
// the key though it does not name it, in a BEFORE trigger of the user's. The first cannot be both, since its list of
// columns is where the key column is remembered.
char* listing_truncate_trigger(const char* listing_trigger);
char* listing_rekey_trigger(const char* listing_trigger);

// The name of the first from that of any of them.
char* listing_row_trigger(const char* trigger);

// A name that no trigger on the table of listings has, or one that an earlier tracking left: tables of one name in two
// schemas may share their listings.
const char* new_listing_trigger(Oid listings, Relation reservations);

// Whether a role may read all rows of the table of listings.
bool may_read_listings(Oid listings, Oid role);

// Raises 42501 unless `owner` may make the triggers, which will belong to it whoever owns the listings, and may read
// all rows.
void require_rights_on_listings(Oid listings, Oid owner);

// Makes the row and truncate triggers on the tracked table, and those on the table of listings, where missing, and
// enables those that are disabled. Returns how many it made or enabled.
uint64 ensure_triggers(const TrackedRow& row, const char* listings_column);

// Whether the tracked table has our row trigger, enabled or not.
bool has_claim_trigger(Oid reservations);

// The trigger on a table of listings that an earlier tracking of `table` left, as its name says; NULL if there is none.
const char* leftover_listing_trigger(Oid listings, const char* table);

// Drops that on the table of listings alone, which depends on the listings' key.
void drop_key_triggers(const TrackedRow& row);

// Drops all of them. Not by DROP TRIGGER, which only the owner of the table of listings may do.
void drop_triggers(const TrackedRow& row);

} // namespace availability

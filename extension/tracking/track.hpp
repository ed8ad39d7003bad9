// From a table of reservations to a tracked one, for track and retrack.
#pragma once

#include "extension/claim/expressions.hpp"
#include "extension/tracking/listings.hpp"

namespace availability {

// The arguments of track, with what was left out filled in.
struct TrackArguments {
    Oid reservations;
    const char* listing;
    const char* stay;
    const char* active;
    const char* key;
    ListingsKey listings;
    bool has_since;
    Day since;
    bool day_rows;
    const char* cancel;
    // Which texts are not the caller's but of the settings or the companions, where every name is qualified for a
    // search_path of pg_catalog alone.
    bool stored_listing;
    bool stored_stay;
    bool stored_active;
    bool stored_key;
    bool stored_cancel;
};

// Analysed with the caller's search_path and rights, before anything is done as the table's owner.
ClaimExpressions parse_claim(Relation relation, const TrackArguments& arguments);

// The UPDATE that cancels the reservation with key $1, analysed as the claim is; NULL if reservations are deleted.
Query* parse_cancel(Relation relation, const ClaimExpressions& claim, const TrackArguments& arguments);

// Makes companions, triggers and settings, and fills the companions; what an earlier tracking left is adopted. As the
// owner, with SPI connected and writers kept out.
void make_tracked(Relation relation, const ClaimExpressions& claim, Query* cancel, const TrackArguments& arguments);

} // namespace availability

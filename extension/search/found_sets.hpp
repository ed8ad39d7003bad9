// The results of searches, kept for as long as a snapshot sees the same.
#pragma once

#include "extension/search/set_search.hpp"

namespace availability {

// What a caller asks for; NULL members are absent.
struct SetQuestion {
    Oid reservations;
    DaySpan within;
    Day nights;
    const struct varlena* among; // a listing_set, detoasted; NULL: all listings
};

// The listings that are free in the active snapshot. A search that is asked again by the same role under a snapshot
// that sees the same, as for every row of a scan, or once by the planner and once by the executor, is not run again.
// The result lives to the end of the transaction. Raises
//   42704  the table is not tracked        55000  it has no sets, or they are not what index_sets made
//   42501  the caller may not read the calendars, or row-level security may hide some from him
const struct varlena* found_set(const SetQuestion& question);

// As above, only how many: nothing is made of them or kept.
std::uint64_t count_found(const SetQuestion& question);

// Whether the caller may search the table: what found_set() raises 42501 for otherwise.
bool may_search(Oid reservations);

// Opens what a search reads, for a caller who may; raises as found_set() does.
SetCompanions open_for_search(Oid reservations);

} // namespace availability

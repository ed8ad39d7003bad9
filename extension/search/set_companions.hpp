// The companions of set search: the sets of booked listings by day and block, and the delta, which names the listings
// whose calendars the sets don't show yet.
//
//   <table>_set    (day, block, listings)
//       the listings of the block, which has 65,536 ordinals, that have the day booked; of the day -infinity, those
//       that have a calendar at all
//   <table>_delta  (version, ordinal, booked)
//       appended with every change of a calendar, in its transaction: what the calendar became, or NULL where it is to
//       be looked up
//
// What holds in every snapshot, and makes a search exact: a listing without a row in the delta is in the sets as its
// calendar says, for the days from the first covered one on. The first covered day is the least finite one in
// <table>_set; there is always a row of it once the sets are filled. A snapshot that sees none, since it is older or
// somebody truncated the table, has its calendars searched one by one.
#pragma once

#include "extension/search/listing_set_type.hpp"
#include "extension/server/companion.hpp"
#include "extension/tracking/settings.hpp"

namespace availability {

// A calendar that is longer is looked up rather than copied.
inline constexpr Size kMostCopied = 512;

struct SetCompanions {
    Companion calendar; // as CompanionKind::kSearched
    Companion sets;
    Companion delta;
};
static_assert(std::is_trivially_destructible_v<SetCompanions>);

// Opens all three, the sets and the delta with `mode`; raises 55000 if the table has no sets, or as open_companion()
// does, or if they don't belong to one role.
SetCompanions open_set_companions(const TrackedRow& row, LOCKMODE mode);
void close_set_companions(const SetCompanions& companions);

// Where the changes of one table's calendars are noted.
struct DeltaTarget {
    Oid delta;
    Oid owner; // of the calendars
    Oid dayset;
};

// The delta alone, for who appends to it; raises 55000.
Companion open_delta(const DeltaTarget& target);

// The index of the calendar on ordinals, opened. Raises 55000 if it is missing.
Relation open_ordinal_index(const Companion& calendar);

// A key on a column of the sets' primary key.
void init_day_key(ScanKeyData* key, StrategyNumber strategy, DateADT day);
void init_block_key(ScanKeyData* key, StrategyNumber strategy, int32 block);

// Makes the companions, empty, and their triggers, and registers them. As the owner, with SPI connected. Raises 42P07.
void create_set_companions(const TrackedRow& row);

// Drops them and what belongs to them. As the owner, with SPI connected.
void drop_set_companions(const TrackedRow& row);

// The triggers on the calendar, where missing or disabled; returns how many it made or enabled.
uint64 ensure_set_triggers(const TrackedRow& row);

} // namespace availability

// Reading calendars for a search: all of them, or those of some ordinals.
#pragma once

#include "extension/search/set_companions.hpp"

extern "C" {
#include <executor/tuptable.h>
}

namespace availability {

// What is handed on for each calendar. Implementations are trivially destructible: PostgreSQL errors may jump past
// them.
class CalendarVisitor {
  public:
    virtual void visit(Ordinal ordinal, const DaysetView& booked, TupleTableSlot* row) = 0;
};

// The column of the listings' keys, and its type, one of those that a tracked table can have. Raises 55000 if it is
// another.
struct ListingColumn {
    AttrNumber number;
    Oid type;
};
ListingColumn listing_column(const SetCompanions& companions);

// Visits every calendar that the snapshot sees.
void visit_all_calendars(const SetCompanions& companions, Snapshot snapshot, CalendarVisitor* visitor);

// Visits those that the snapshot sees of the ordinals in the set, in ascending order of their ordinals or in no order:
// by the index, or, if they are many, in one scan of the table.
void visit_calendars(const SetCompanions& companions, Snapshot snapshot, const ListingSetView& ordinals,
                     CalendarVisitor* visitor);

// What takes the keys of listings.
class ListingVisitor : public CalendarVisitor {
  public:
    virtual void visit_listing(Datum listing) = 0;
};

// As visit_calendars(), for who wants no more than the listings' keys and knows that each of the ordinals has a
// calendar that the snapshot sees: the index has the keys.
void visit_listings(const SetCompanions& companions, Snapshot snapshot, const ListingSetView& ordinals,
                    ListingVisitor* visitor);

} // namespace availability

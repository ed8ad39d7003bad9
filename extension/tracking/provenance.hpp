// Which objects are companions of a tracked table: what may be dropped with it, and what goes when it is dropped.
//
// Two things show that an object is one. A tie is a dependency that availability.tracked's own trigger records when a
// row names the companion: nobody can forge it, and it holds whatever the owner makes of the object. Dumps have no
// ties, so that after a restore, as for a table that was tracked under 0.2, the shape has to do: what track makes, for
// this table alone. With the next write of its row the table's companions are tied.
//
// Ties are what takes companions along where their table, its columns or the extension are dropped with CASCADE, and
// what refuses that without CASCADE.
#pragma once

#include "extension/tracking/settings.hpp"

extern "C" {
#include <catalog/objectaddress.h>
}

namespace availability {

struct CompanionObject {
    const char* kind; // as in its name: calendar, day, …
    ObjectAddress address;
    bool proved;
};

// Those that a row names and that exist.
struct CompanionObjects {
    static constexpr int kMost = 16;
    CompanionObject objects[kMost];
    int count = 0;

    void add(const char* kind, Oid catalog, Oid oid);
};
static_assert(std::is_trivially_destructible_v<CompanionObjects>);

CompanionObjects find_companions(const TrackedRow& row);

// Raises 55000 if a companion is missing, or names the relation that a restored row takes for one.
void require_companions(const TrackedRow& row);

// Ties the companions that are proved.
void tie_companions(const TrackedRow& row);

// Ties one that was just made or replaced.
void tie_companion(const TrackedRow& row, const ObjectAddress& companion);

// Lets a view of claims be replaced by another one; tie_companions() ties them again.
void untie_companions(const TrackedRow& row);

// Drops the companions that are proved and belong to `owner`, or to a role whose rights `user` has. All others are
// left, and named by a warning.
void drop_companions(const TrackedRow& row, Oid owner, Oid user, DropBehavior behavior);

// The day rows alone; raises 55000 unless they are proved.
void drop_day_rows(const TrackedRow& row);

} // namespace availability

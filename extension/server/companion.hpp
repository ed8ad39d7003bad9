// The one door to companions: tables and views beside a tracked table, which belong to whoever owns them, who is
// anybody.
//
// Their owner may alter them in any way, so that nothing reads or writes one but through here: a companion that is open
// has been proved to be what track makes, and says what its owner has put on top. The proof is kept until the server
// says that the relation changed; it does not cost per row.
//
// What may be on top: columns, indexes, triggers, checks, generated columns, grants and row security of the owner's.
// What they call runs as the companion's owner; row security hides no row from us, as it hides none from foreign keys.
#pragma once

#include "extension/server/owner_scope.hpp"

extern "C" {
#include <access/attnum.h>
#include <storage/lockdefs.h>
#include <utils/relcache.h>
}

namespace availability {

enum class CompanionKind { kCalendar, kDay, kHold, kRequest };

// Places in Companion::columns.
enum CalendarColumn {
    kCalendarListing,
    kCalendarBooked,
    kCalendarVersion,
    kCalendarChange,
    kCalendarReservation,
    kCalendarStay,
    kCalendarWas,
};
enum DayColumn { kDayListing, kDayDay, kDayReservation };

// The types of columns that the tracked table decides.
struct CompanionTypes {
    Oid dayset;
    Oid listing;
    Oid listing_collation;
    Oid key;
};

// A companion that is open and proved.
struct Companion {
    static constexpr int kMostColumns = 8;

    Relation relation;
    // Whose rights all that is done with it has: the owner of the tracked table, or, where only that one got a new
    // owner, still the old one.
    Oid owner;
    Oid primary_key;
    // No index but the primary key, whose entries call nobody's code.
    bool only_key;
    // No trigger but calendar_updated(), no check or generated column: a row may be changed and deleted without the
    // executor.
    bool plain;
    // As well no other column: a row may be inserted without the executor.
    bool plain_inserts;
    AttrNumber columns[kMostColumns];

    Oid oid() const;
};
static_assert(std::is_trivially_destructible_v<Companion>);

// Opens a companion with a lock, which lasts until the end of the transaction. Raises 55000, which says what is wrong,
// if somebody dropped it or it is not what track makes:
//   an ordinary, permanent heap without rules, inheritance or deferred triggers;
//   each column by its name, of exactly its type and collation, without a type modifier, not generated, not null where
//   track made it so;
//   a primary key of just its columns in their order: a valid, immediate btree of default operator classes.
Companion open_companion(CompanionKind kind, Oid companion, const CompanionTypes& types, LOCKMODE mode);

// As above for whoever walks over tables of others: never waits for a lock and never raises for what the owner did.
// False if it can't be opened; *problem says why.
bool try_open_companion(CompanionKind kind, Oid companion, const CompanionTypes& types, LOCKMODE mode,
                        Companion* opened, const char** problem);

// The index of its primary key; close it with index_close(index, NoLock).
Relation open_primary_key(const Companion& companion, LOCKMODE mode);

// Keeps the lock.
void close_companion(const Companion& companion);

// Calls body() as the owner of an open companion, with SPI connected, and closes it. One scope, one companion: another
// one may belong to somebody else, whose code would get the rights of this one's owner.
template <typename Body>
auto with_companion(const Companion& companion, Body body) {
    if constexpr (std::is_void_v<decltype(body())>) {
        as_role(companion.owner, body);
        close_companion(companion);
    } else {
        const auto result = as_role(companion.owner, body);
        close_companion(companion);
        return result;
    }
}

// Empties a companion, as its owner, and closes it.
void truncate_companion(const Companion& companion);

// availability.calendar_updated(), the trigger that track makes on calendars; InvalidOid while the extension is at an
// earlier version than its library.
Oid calendar_trigger_function();

// Opens a view that is a companion. Raises 55000 if it was dropped or is no view. Its query is its owner's.
Relation open_companion_view(Oid view, LOCKMODE mode);

} // namespace availability

// Rows that are changed again before the event of an earlier change of theirs has fired.
//
// Row events fire in the order of the changes, but only once the statement has made them all. Two foreign keys of one
// row that follow their listing make two changes of it, the action of a foreign key may change a row that the statement
// itself has changed, and a statement inside a trigger or a function may change rows of the one around it. What is to
// be taken and released then is the difference between what a row held at first and what it holds at last.
//
//   v1 → v2, v2 → v3: events in order   at the first, v2 is replaced already: it is put off, and v2 stands for what v1
//                                       held; at the second, v3 is taken and what v1 held is released.
//   v2 → v3, v1 → v2: the inner         the second comes too late: v2 was released without ever having been taken.
//   statement's event comes first       This can't be decided, and is refused.
#pragma once

#include "extension/claim/evaluate.hpp"

extern "C" {
#include <utils/relcache.h>
}

namespace availability {

// What the calendars have of the row version that an event replaces: *held as the claim of `before` says, unless the
// event that made that version was put off.
void find_held(Relation relation, TupleTableSlot* before, const CompiledClaim& types, Claim* held);

// Whether the row version that an event made has been replaced, and the event is put off: the calendars keep what
// `held` says until the event of the version that took its place. Raises 27000 if that has fired already.
bool put_off(Relation relation, TupleTableSlot* after, const CompiledClaim& types, const Claim& held);

} // namespace availability

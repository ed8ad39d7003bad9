// Where this transaction left the calendars that it changed: a short way to their newest versions.
#pragma once

#include "extension/calendar/session.hpp"

extern "C" {
#include <executor/tuptable.h>
#include <storage/itemptr.h>
}

namespace availability {

void remember_newest(const Companion& calendar, Datum listing, const ItemPointerData& tid);

// Fetches the version that the active snapshot sees; false if it is not the one that is remembered.
bool fetch_newest(const Tracked& tracked, const Companion& calendar, Datum listing, TupleTableSlot* slot);

} // namespace availability

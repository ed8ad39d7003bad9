// Nothing is remembered: each change finds the newest version by the index.

#include "extension/calendar/newest_version.hpp"

namespace availability {

void remember_newest(const Companion&, Datum, const ItemPointerData&) {}

bool fetch_newest(const Tracked&, const Companion&, Datum, TupleTableSlot*) {
    return false;
}

} // namespace availability

// The index entries of a calendar's new version.
#pragma once

#include "extension/server/boundary.hpp"

namespace availability {

// Makes the entries of a version that went to another page, in the indexes that `entries` says. `replaces_own`: the
// version before it is of this transaction.
void write_index_entries(Relation calendar, TupleTableSlot* slot, bool replaces_own, IndexEntries entries);

} // namespace availability

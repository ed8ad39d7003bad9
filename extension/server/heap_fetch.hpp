// Fetching a row that is about to be updated.
#pragma once

#include "extension/server/boundary.hpp"

namespace availability {

// Like index_getnext_slot() forward, for a row that is about to be updated, but leaves dead versions on the row's page
// until room for new ones runs short. The server's own fetch prunes a page as soon as it has less free space than its
// fillfactor leaves. A page that is filled so far is then pruned after every update, which costs one more WAL record
// each time.
bool index_getnext_for_update(IndexScanDesc scan, TupleTableSlot* slot);

} // namespace availability

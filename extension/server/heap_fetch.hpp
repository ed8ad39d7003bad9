// Fetching a row that is about to be updated.
#pragma once

#include "extension/server/boundary.hpp"

namespace availability {

// As index_getnext_slot(), forward, for a row that is about to be updated: leaves dead versions on the row's page until
// room for new ones gets short. The server's own fetch prunes a page as soon as less is free than its fillfactor
// leaves, which is after every update of a page that is filled to there: one more WAL record for each.
bool index_getnext_for_update(IndexScanDesc scan, TupleTableSlot* slot);

} // namespace availability

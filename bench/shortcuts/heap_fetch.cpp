// As the server fetches a row, which prunes the row's page.

#include "extension/server/heap_fetch.hpp"

extern "C" {
#include <access/genam.h>
#include <access/tableam.h>
}

namespace availability {

bool index_getnext_for_update(IndexScanDesc scan, TupleTableSlot* slot) {
    return index_getnext_slot(scan, ForwardScanDirection, slot);
}

} // namespace availability

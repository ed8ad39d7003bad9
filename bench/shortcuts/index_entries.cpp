// Each entry of the primary key is checked for being unique, as the executor does.

#include "extension/calendar/index_entries.hpp"

extern "C" {
#include <utils/rel.h>
}

namespace availability {

void write_index_entries(Relation calendar, TupleTableSlot* slot, bool, IndexEntries entries) {
    EState* estate = CreateExecutorState();
    auto* result = makeNode(ResultRelInfo);
    InitResultRelInfo(result, calendar, 0, nullptr, 0);
    ExecOpenIndices(result, false);
    insert_index_entries(result, slot, estate, true, entries);
    ExecCloseIndices(result);
    FreeExecutorState(estate);
}

} // namespace availability

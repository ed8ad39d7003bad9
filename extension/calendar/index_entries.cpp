// The index entries of a calendar's new version.

#include "extension/calendar/index_entries.hpp"

extern "C" {
#include <access/genam.h>
#include <catalog/index.h>
#include <utils/rel.h>
}

namespace availability {

namespace {

// The primary key of a version that takes the place of one of the same transaction, when there is no other index. The
// key is the same and its row is ours: who looks for others with that key finds none but older versions of it, and
// there may be many.
bool write_primary_key(ResultRelInfo* result, TupleTableSlot* slot, EState* estate) {
    Relation index = result->ri_IndexRelationDescs[0];
    IndexInfo* info = result->ri_IndexRelationInfo[0];
    if (result->ri_NumIndices != 1 || !index->rd_index->indisprimary || !info->ii_ReadyForInserts)
        return false;
    Datum values[INDEX_MAX_KEYS];
    bool nulls[INDEX_MAX_KEYS];
    FormIndexDatum(info, slot, estate, values, nulls);
    index_insert(index, values, nulls, &slot->tts_tid, result->ri_RelationDesc, UNIQUE_CHECK_NO, false, info);
    return true;
}

} // namespace

void write_index_entries(Relation calendar, TupleTableSlot* slot, bool replaces_own, IndexEntries entries) {
    EState* estate = CreateExecutorState();
    auto* result = makeNode(ResultRelInfo);
    // In no range table: the executor would look there for the columns that an UPDATE names.
    InitResultRelInfo(result, calendar, 0, nullptr, 0);
    ExecOpenIndices(result, false);
    if (!replaces_own || !write_primary_key(result, slot, estate))
        insert_index_entries(result, slot, estate, true, entries);
    ExecCloseIndices(result);
    FreeExecutorState(estate);
}

} // namespace availability

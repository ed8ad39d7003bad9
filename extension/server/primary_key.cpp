// Looking up rows of a companion by its primary key.

#include "extension/server/primary_key.hpp"

#include <algorithm>

extern "C" {
#include <access/genam.h>
#include <access/heapam.h>
#include <access/relscan.h>
#include <access/skey.h>
#include <access/tableam.h>
#include <executor/tuptable.h>
#include <storage/bufmgr.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/relcache.h>
}

namespace availability {

Relation open_primary_key(Relation companion, std::initializer_list<AttrNumber> columns, LOCKMODE mode) {
    if (!companion->rd_indexvalid)
        list_free(RelationGetIndexList(companion));
    if (OidIsValid(companion->rd_pkindex)) {
        Relation index = index_open(companion->rd_pkindex, mode);
        // The owner may have made another one, whose keys would be compared by functions of other types.
        if (IndexRelationGetNumberOfKeyAttributes(index) == static_cast<int>(columns.size()) &&
            std::equal(columns.begin(), columns.end(), index->rd_index->indkey.values))
            return index;
    }
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("companion \"%s\" has not the primary key that track made", RelationGetRelationName(companion)),
             errhint("Use availability.untrack and availability.track to make it again.")));
    pg_unreachable();
}

void init_index_key(ScanKeyData* key, Relation index, AttrNumber column, StrategyNumber strategy, Datum value) {
    const Oid family = index->rd_opfamily[column - 1];
    const Oid type = index->rd_opcintype[column - 1];
    const Oid op = get_opfamily_member(family, type, type, strategy);
    if (!OidIsValid(op))
        elog(ERROR, "missing operator %d of operator family %u", strategy, family);
    ScanKeyEntryInitialize(key, 0, column, strategy, type, index->rd_indcollation[column - 1], get_opcode(op), value);
}

namespace {

// What the server never lets a page go below without pruning, whatever its fillfactor.
constexpr Size kShortOfRoom = BLCKSZ / 10;

// The row version of a HOT chain that the scan's snapshot sees; *all_dead if nobody ever will see one.
bool fetch_version(IndexScanDesc scan, ItemPointer tid, TupleTableSlot* slot, bool* all_dead) {
    Relation table = scan->heapRelation;
    const Buffer buffer = ReadBuffer(table, ItemPointerGetBlockNumber(tid));
    const Page page = BufferGetPage(buffer);
    if (PageIsFull(page) || PageGetHeapFreeSpace(page) < kShortOfRoom)
        heap_page_prune_opt(table, buffer);

    HeapTuple tuple = &reinterpret_cast<BufferHeapTupleTableSlot*>(slot)->base.tupdata;
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    const bool found = heap_hot_search_buffer(tid, table, buffer, scan->xs_snapshot, tuple, all_dead, true);
    LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
    if (found) {
        slot->tts_tableOid = RelationGetRelid(table);
        ExecStoreBufferHeapTuple(tuple, slot, buffer);
    }
    ReleaseBuffer(buffer);
    return found;
}

} // namespace

bool index_getnext_for_update(IndexScanDesc scan, TupleTableSlot* slot) {
    if (scan->heapRelation->rd_tableam != GetHeapamTableAmRoutine())
        return index_getnext_slot(scan, ForwardScanDirection, slot);
    while (ItemPointer tid = index_getnext_tid(scan, ForwardScanDirection)) {
        ExecClearTuple(slot);
        bool all_dead = false;
        if (fetch_version(scan, tid, slot, &all_dead))
            return true;
        scan->kill_prior_tuple = all_dead && !scan->xactStartedInRecovery;
    }
    return false;
}

} // namespace availability

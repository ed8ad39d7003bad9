// Fetching a row that is about to be updated.

#include "extension/server/heap_fetch.hpp"

extern "C" {
#include <access/genam.h>
#include <access/heapam.h>
#include <access/relscan.h>
#include <access/tableam.h>
#include <executor/tuptable.h>
#include <storage/bufmgr.h>
#include <utils/rel.h>
}

namespace availability {

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

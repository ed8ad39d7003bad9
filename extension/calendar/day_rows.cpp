// The day rows of a reservation.

#include <algorithm>

#include "extension/calendar/day_rows.hpp"
#include "extension/dayset/type.hpp"
#include "extension/server/companion.hpp"
#include "extension/server/primary_key.hpp"

extern "C" {
#include <access/genam.h>
#include <access/heapam.h>
#include <access/table.h>
#include <access/tableam.h>
#include <access/xact.h>
#include <catalog/index.h>
#include <executor/executor.h>
#include <utils/date.h>
#include <utils/memutils.h>
#include <utils/rel.h>
#include <utils/snapmgr.h>
}

namespace availability {

namespace {

// Rows of one multi-insert: a stay of any usual length goes in one.
constexpr Day kBatch = 128;

// Makes the index entries of new rows, all the indexes' of the table.
class IndexWriter {
  public:
    explicit IndexWriter(Relation days) : days_(days) {
        List* indexes = RelationGetIndexList(days);
        lone_key_ = list_length(indexes) == 1;
        list_free(indexes);
        if (lone_key_) {
            // What the executor would do, without what it does for any index.
            key_ = open_day_key(days, RowExclusiveLock);
            info_ = BuildIndexInfo(key_);
            return;
        }
        estate_ = CreateExecutorState();
        result_ = makeNode(ResultRelInfo);
        InitResultRelInfo(result_, days, 0, nullptr, 0);
        ExecOpenIndices(result_, false);
    }

    void write(TupleTableSlot* slot) {
        if (lone_key_) {
            static_assert(kDayListing == 1 && kDayDay == 2);
            index_insert(key_, slot->tts_values, slot->tts_isnull, &slot->tts_tid, days_, UNIQUE_CHECK_YES, false,
                         info_);
        } else {
            insert_index_entries(result_, slot, estate_, false, IndexEntries::kAll);
        }
    }

    void close() {
        if (lone_key_) {
            index_close(key_, NoLock);
            return;
        }
        ExecCloseIndices(result_);
        FreeExecutorState(estate_);
    }

  private:
    Relation days_;
    bool lone_key_;
    Relation key_ = nullptr;
    IndexInfo* info_ = nullptr;
    EState* estate_ = nullptr;
    ResultRelInfo* result_ = nullptr;
};
static_assert(std::is_trivially_destructible_v<IndexWriter>);

void fill_slot(TupleTableSlot* slot, Datum listing, Day day, Datum key, bool key_is_null) {
    ExecClearTuple(slot);
    std::fill_n(slot->tts_isnull, slot->tts_tupleDescriptor->natts, true);
    slot->tts_values[kDayListing - 1] = listing;
    slot->tts_isnull[kDayListing - 1] = false;
    slot->tts_values[kDayDay - 1] = DateADTGetDatum(date_from_day(day));
    slot->tts_isnull[kDayDay - 1] = false;
    slot->tts_values[kDayReservation - 1] = key;
    slot->tts_isnull[kDayReservation - 1] = key_is_null;
    ExecStoreVirtualTuple(slot);
}

} // namespace

Relation open_day_key(Relation days, LOCKMODE mode) {
    return open_primary_key(days, {kDayListing, kDayDay}, mode);
}

void insert_day_rows(const Tracked& tracked, Datum listing, Datum key, bool key_is_null, DaySpan span) {
    if (span.empty())
        return;
    Relation days = open_companion(tracked.row.day, RowExclusiveLock);
    IndexWriter indexes(days);
    TupleTableSlot* slots[kBatch];
    Day made = 0;
    for (DaySpan batch{span.first_day, span.first_day}; batch.first_day < span.end_day;
         batch.first_day = batch.end_day) {
        batch.end_day = std::min(span.end_day, batch.first_day + kBatch);
        for (; made < batch.days(); made++)
            slots[made] = MakeSingleTupleTableSlot(RelationGetDescr(days), &TTSOpsVirtual);
        for (Day i = 0; i < batch.days(); i++)
            fill_slot(slots[i], listing, batch.first_day + i, key, key_is_null);
        table_multi_insert(days, slots, batch.days(), GetCurrentCommandId(true), 0, nullptr);
        for (Day i = 0; i < batch.days(); i++)
            indexes.write(slots[i]);
    }
    for (Day i = 0; i < made; i++)
        ExecDropSingleTupleTableSlot(slots[i]);
    indexes.close();
    table_close(days, NoLock);
}

void delete_day_rows(const Tracked& tracked, Datum listing, DaySpan span) {
    if (span.empty())
        return;
    Relation days = open_companion(tracked.row.day, RowExclusiveLock);
    Relation index = open_day_key(days, AccessShareLock);
    ScanKeyData keys[3];
    init_index_key(&keys[0], index, kDayListing, BTEqualStrategyNumber, listing);
    init_index_key(&keys[1], index, kDayDay, BTGreaterEqualStrategyNumber,
                   DateADTGetDatum(date_from_day(span.first_day)));
    init_index_key(&keys[2], index, kDayDay, BTLessStrategyNumber, DateADTGetDatum(date_from_day(span.end_day)));

    // The calendar row is held, so that nobody else writes these rows: what a new snapshot sees is all there is. That
    // of the transaction may be older than a repair.
    CommandCounterIncrement();
    PushActiveSnapshot(GetLatestSnapshot());
    TupleTableSlot* slot = table_slot_create(days, nullptr);
    IndexScanDesc scan = begin_index_scan(days, index, GetActiveSnapshot(), 3);
    index_rescan(scan, keys, 3, nullptr, 0);
    while (index_getnext_slot(scan, ForwardScanDirection, slot))
        simple_table_tuple_delete(days, &slot->tts_tid, GetActiveSnapshot());
    index_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    PopActiveSnapshot();
    index_close(index, NoLock);
    table_close(days, NoLock);
}

} // namespace availability

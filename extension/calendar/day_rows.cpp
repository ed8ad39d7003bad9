// The day rows of a reservation.

#include "extension/calendar/day_rows.hpp"

#include <algorithm>

#include "extension/dayset/type.hpp"
#include "extension/server/companion.hpp"
#include "extension/server/index_writer.hpp"
#include "extension/server/primary_key.hpp"

extern "C" {
#include <access/genam.h>
#include <access/table.h>
#include <access/tableam.h>
#include <access/xact.h>
#include <utils/date.h>
#include <utils/rel.h>
#include <utils/snapmgr.h>
}

namespace availability {

namespace {

// Rows of one multi-insert: a stay of any usual length goes in one.
constexpr Day kBatch = 128;

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
    const IndexWriter indexes = open_indexes(days);
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
            write_index_entries(indexes, slots[i], false, IndexEntries::kAll);
    }
    for (Day i = 0; i < made; i++)
        ExecDropSingleTupleTableSlot(slots[i]);
    close_indexes(indexes);
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

    // The calendar row is locked, so that nobody else writes these rows and a new snapshot sees all of them. The
    // snapshot of the transaction may be older than a repair.
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

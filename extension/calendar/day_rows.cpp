// The day rows of a reservation.

#include <algorithm>

#include "extension/calendar/day_rows.hpp"
#include "extension/dayset/type.hpp"
#include "extension/server/index_writer.hpp"
#include "extension/server/primary_key.hpp"

extern "C" {
#include <access/genam.h>
#include <access/heapam.h>
#include <access/tableam.h>
#include <access/xact.h>
#include <catalog/pg_type.h>
#include <executor/executor.h>
#include <utils/date.h>
#include <utils/rel.h>
#include <utils/snapmgr.h>
}

namespace availability {

namespace {

// Rows of one multi-insert: a stay of any usual length goes in one.
constexpr Day kBatch = 128;

Datum date_datum(Day day) {
    return DateADTGetDatum(date_from_day(day));
}

// The rows of days to come.
struct NewDays {
    Datum listing;
    Datum key;
    bool key_is_null;
    DaySpan span;
};

void fill_slot(const Companion& days, TupleTableSlot* slot, const NewDays& rows, Day day) {
    const auto put = [&](DayColumn column, Datum value, bool is_null) {
        slot->tts_values[days.columns[column] - 1] = value;
        slot->tts_isnull[days.columns[column] - 1] = is_null;
    };
    ExecClearTuple(slot);
    // Columns that were dropped.
    std::fill_n(slot->tts_isnull, slot->tts_tupleDescriptor->natts, true);
    put(kDayListing, rows.listing, false);
    put(kDayDay, date_datum(day), false);
    put(kDayReservation, rows.key, rows.key_is_null);
    ExecStoreVirtualTuple(slot);
}

void insert_in_place(const Companion& days, const NewDays& rows) {
    const IndexWriter indexes = open_indexes(days);
    TupleTableSlot* slots[kBatch];
    Day made = 0;
    const DaySpan span = rows.span;
    for (DaySpan batch{span.first_day, span.first_day}; batch.first_day < span.end_day;
         batch.first_day = batch.end_day) {
        batch.end_day = std::min(span.end_day, batch.first_day + kBatch);
        for (; made < batch.days(); made++)
            slots[made] = MakeSingleTupleTableSlot(RelationGetDescr(days.relation), &TTSOpsVirtual);
        for (Day i = 0; i < batch.days(); i++)
            fill_slot(days, slots[i], rows, batch.first_day + i);
        table_multi_insert(days.relation, slots, batch.days(), GetCurrentCommandId(true), 0, nullptr);
        for (Day i = 0; i < batch.days(); i++)
            write_index_entries(indexes, slots[i], false, IndexEntries::kAll);
    }
    for (Day i = 0; i < made; i++)
        ExecDropSingleTupleTableSlot(slots[i]);
    close_indexes(indexes);
}

// What the owner put on the table is the executor's business.
void insert_by_statement(const Tracked& tracked, const Companion& days, const NewDays& rows) {
    SqlNames names;
    names.set("day", qualified_name(days.oid()));
    const uint64 inserted = as_role(days.owner, [&] {
        return run_kept_sql(&tracked.plans,
                            expand_sql("INSERT INTO {day} (listing_id, day, reservation_id)"
                                       " SELECT $1, $2 + n, $3 FROM generate_series(0, $4 - 1) AS n",
                                       names),
                            {{tracked.claim.listing_type, rows.listing},
                             {DATEOID, date_datum(rows.span.first_day)},
                             {tracked.claim.key_type, rows.key, rows.key_is_null},
                             {INT4OID, Int32GetDatum(rows.span.days())}});
    });
    if (inserted != static_cast<uint64>(rows.span.days()))
        ereport(ERROR, (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
                        errmsg("a trigger on companion \"%s\" kept days from being written",
                               RelationGetRelationName(days.relation))));
}

void delete_row(const Companion& days, ItemPointer row) {
    TM_FailureData failure;
    const TM_Result result = table_tuple_delete(days.relation, row, GetCurrentCommandId(true), GetActiveSnapshot(),
                                                InvalidSnapshot, true, &failure, false);
    if (result != TM_Ok)
        ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                        errmsg("could not serialize access due to concurrent change of companion \"%s\"",
                               RelationGetRelationName(days.relation))));
}

void delete_in_place(const Companion& days, Datum listing, DaySpan span) {
    Relation index = open_primary_key(days, AccessShareLock);
    ScanKeyData keys[3];
    init_index_key(&keys[0], index, 1, BTEqualStrategyNumber, listing);
    init_index_key(&keys[1], index, 2, BTGreaterEqualStrategyNumber, date_datum(span.first_day));
    init_index_key(&keys[2], index, 2, BTLessStrategyNumber, date_datum(span.end_day));

    CommandCounterIncrement();
    PushActiveSnapshot(GetLatestSnapshot());
    TupleTableSlot* slot = table_slot_create(days.relation, nullptr);
    IndexScanDesc scan = begin_index_scan(days.relation, index, GetActiveSnapshot(), 3);
    index_rescan(scan, keys, 3, nullptr, 0);
    while (index_getnext_slot(scan, ForwardScanDirection, slot))
        delete_row(days, &slot->tts_tid);
    index_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    PopActiveSnapshot();
    index_close(index, NoLock);
}

void delete_by_statement(const Tracked& tracked, const Companion& days, Datum listing, DaySpan span) {
    SqlNames names;
    names.set("day", qualified_name(days.oid()));
    as_role(days.owner, [&] {
        run_kept_latest(&tracked.plans,
                        expand_sql("DELETE FROM {day} WHERE listing_id = $1 AND day >= $2 AND day < $3", names),
                        {{tracked.claim.listing_type, listing},
                         {DATEOID, date_datum(span.first_day)},
                         {DATEOID, date_datum(span.end_day)}});
    });
}

} // namespace

void insert_day_rows(const Tracked& tracked, Datum listing, Datum key, bool key_is_null, DaySpan span) {
    if (span.empty())
        return;
    const Companion days = open_days(tracked, RowExclusiveLock);
    const NewDays rows = {listing, key, key_is_null, span};
    if (days.plain_inserts)
        insert_in_place(days, rows);
    else
        insert_by_statement(tracked, days, rows);
    close_companion(days);
}

// The calendar row is locked, so that nobody else writes these rows and a new snapshot sees all of them. The snapshot
// of the transaction may be older than a repair.
void delete_day_rows(const Tracked& tracked, Datum listing, DaySpan span) {
    if (span.empty())
        return;
    const Companion days = open_days(tracked, RowExclusiveLock);
    if (days.plain)
        delete_in_place(days, listing, span);
    else
        delete_by_statement(tracked, days, listing, span);
    close_companion(days);
}

} // namespace availability

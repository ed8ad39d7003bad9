// The row of one calendar: fetched, locked and written.

#include "extension/calendar/row.hpp"

#include <algorithm>

#include "extension/calendar/newest_version.hpp"
#include "extension/server/companion.hpp"
#include "extension/server/heap_fetch.hpp"
#include "extension/server/index_writer.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/server/primary_key.hpp"

extern "C" {
#include <access/genam.h>
#include <access/tableam.h>
#include <access/xact.h>
#include <catalog/index.h>
#include <executor/executor.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/snapmgr.h>
}

namespace availability {

namespace {

// A slot's values with those of the change put in.
void fill_calendar_row(const Companion& calendar, const CalendarChange& change, Datum booked, int64 version,
                       Datum* values, bool* nulls) {
    const auto put = [&](CalendarColumn column, Datum value, bool is_null) {
        values[calendar.columns[column] - 1] = value;
        nulls[calendar.columns[column] - 1] = is_null;
    };
    put(kCalendarBooked, booked, false);
    put(kCalendarVersion, Int64GetDatum(version), false);
    put(kCalendarChange, CStringGetTextDatum(change_word(change.change)), false);
    put(kCalendarReservation, change.key, change.key_is_null);
    put(kCalendarStay, change.stay.empty() ? 0 : make_daterange(change.stay), change.stay.empty());
    put(kCalendarWas, change.was.empty() ? 0 : make_daterange(change.was), change.was.empty());
}

Datum changed_days(const DaysetView& booked, const CalendarChange& change) {
    StoredDayset stored;
    stored.size = write_changed(booked, change.was, change.stay, stored.bytes);
    return make_dayset(stored);
}

// Runs a statement with $1 … $7: listing_id, booked, version, change, reservation_id, stay, was. Returns how many
// rows it wrote.
uint64 run_calendar_statement(const Tracked& tracked, const Companion& calendar, const CalendarChange& change,
                              const DaysetView& booked, int64 version, const char* statement) {
    SqlNames names;
    names.set("calendar", qualified_name(calendar.oid()));

    return as_role(calendar.owner, [&] {
        return run_kept_sql(&tracked.plans, expand_sql(statement, names),
                            {{tracked.claim.listing_type, change.listing},
                             {tracked.types.dayset, changed_days(booked, change)},
                             {INT8OID, Int64GetDatum(version)},
                             {TEXTOID, CStringGetTextDatum(change_word(change.change))},
                             {tracked.claim.key_type, change.key, change.key_is_null},
                             {DATERANGEOID, make_daterange(change.stay), change.stay.empty()},
                             {DATERANGEOID, make_daterange(change.was), change.was.empty()}});
    });
}

bool update_by_statement(const Tracked& tracked, const Companion& calendar, const CalendarChange& change,
                         TupleTableSlot* current, const DaysetView& booked, int64 version) {
    if (!lock_if_newest(calendar, &current->tts_tid))
        return false;
    if (run_calendar_statement(tracked, calendar, change, booked, version,
                               "UPDATE {calendar} SET booked = $2, version = $3, change = $4,"
                               " reservation_id = $5, stay = $6, was = $7 WHERE listing_id = $1") != 1)
        ereport(ERROR, (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
                        errmsg("a trigger on calendar \"%s\" kept it from changing",
                               RelationGetRelationName(calendar.relation))));
    return true;
}

bool update_in_place(const Tracked&, const Companion& calendar, const CalendarChange& change, TupleTableSlot* current,
                     const DaysetView& booked, int64 version) {
    slot_getallattrs(current);
    TupleTableSlot* next = table_slot_create(calendar.relation, nullptr);
    const int columns = next->tts_tupleDescriptor->natts;
    std::copy_n(current->tts_values, columns, next->tts_values);
    std::copy_n(current->tts_isnull, columns, next->tts_isnull);
    fill_calendar_row(calendar, change, changed_days(booked, change), version, next->tts_values, next->tts_isnull);
    ExecStoreVirtualTuple(next);

    TM_FailureData failure;
    IndexEntries entries = IndexEntries::kNone;
    const TM_Result result = update_tuple(calendar.relation, &current->tts_tid, next, GetCurrentCommandId(true),
                                          GetActiveSnapshot(), &failure, &entries);
    if (result == TM_SelfModified)
        ereport(ERROR, (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
                        errmsg("calendar was changed by an operation triggered by its own change")));
    if (result == TM_Ok) {
        remember_newest(calendar, change.listing, next->tts_tid);
        if (entries != IndexEntries::kNone) {
            const IndexWriter indexes = open_indexes(calendar);
            write_index_entries(indexes, next, true, entries);
            close_indexes(indexes);
        }
    }
    ExecDropSingleTupleTableSlot(next);
    return result == TM_Ok;
}

} // namespace

bool fetch_calendar(const Tracked& tracked, const Companion& calendar, Datum listing, TupleTableSlot* slot) {
    if (fetch_newest(tracked, calendar, listing, slot))
        return true;
    Relation index = open_primary_key(calendar, AccessShareLock);
    ScanKeyData key;
    init_index_key(&key, index, 1, BTEqualStrategyNumber, listing);
    IndexScanDesc scan = begin_index_scan(calendar.relation, index, GetActiveSnapshot(), 1);
    index_rescan(scan, &key, 1, nullptr, 0);
    const bool found = index_getnext_for_update(scan, slot);
    index_endscan(scan);
    index_close(index, NoLock);
    return found;
}

bool is_newer_than_snapshot(const Tracked& tracked, const Companion& calendar, Datum listing, TupleTableSlot* slot) {
    if (!IsolationUsesXactSnapshot())
        return false;
    PushActiveSnapshot(GetLatestSnapshot());
    const bool found = fetch_calendar(tracked, calendar, listing, slot);
    PopActiveSnapshot();
    return found;
}

bool insert_calendar(const Tracked& tracked, const Companion& calendar, const CalendarChange& change, int64 version) {
    return run_calendar_statement(
               tracked, calendar, change, DaysetView(), version,
               "INSERT INTO {calendar} (listing_id, booked, version, change, reservation_id, stay, was)"
               " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (listing_id) DO NOTHING") == 1;
}

bool lock_if_newest(const Companion& calendar, ItemPointer tid) {
    TupleTableSlot* locked = table_slot_create(calendar.relation, nullptr);
    TM_FailureData failure;
    const TM_Result result =
        table_tuple_lock(calendar.relation, tid, GetActiveSnapshot(), locked, GetCurrentCommandId(false),
                         LockTupleNoKeyExclusive, LockWaitBlock, 0, &failure);
    ExecDropSingleTupleTableSlot(locked);
    return result == TM_Ok;
}

bool update_calendar(const Tracked& tracked, const Companion& calendar, const CalendarChange& change,
                     TupleTableSlot* current, const DaysetView& booked, int64 version) {
    const auto update = calendar.plain ? update_in_place : update_by_statement;
    return update(tracked, calendar, change, current, booked, version);
}

} // namespace availability

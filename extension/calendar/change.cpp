// One change of one listing's calendar, with its day rows.
//
// The calendar row is the lock. The optimistic way costs one WAL record: read the newest version, check the bitmap,
// update it; if somebody was faster, the update waits for them, says so, and all is done again on what they left. A
// conflict is certain only once the row that shows it is locked and known to be the newest: a cancellation may be under
// way. Then is the time to look for holds that have expired. Under REPEATABLE READ the snapshot decides which version
// is read, and a newer one is 40001.

#include "extension/calendar/change.hpp"

#include <algorithm>

#include "extension/core/dayset_text.hpp"
#include "extension/calendar/day_rows.hpp"
#include "extension/dayset/type.hpp"
#include "extension/booking/holds.hpp"
#include "extension/server/primary_key.hpp"
#include "extension/server/owner_scope.hpp"

extern "C" {
#include <access/genam.h>
#include <access/sysattr.h>
#include <access/table.h>
#include <access/tableam.h>
#include <access/xact.h>
#include <catalog/index.h>
#include <executor/executor.h>
#include <executor/spi.h>
#include <lib/stringinfo.h>
#include <common/hashfn.h>
#include <miscadmin.h>
#include <storage/bufmgr.h>
#include <utils/builtins.h>
#include <utils/datum.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/rel.h>
#include <utils/snapmgr.h>
#include <utils/timestamp.h>
}

namespace availability {

namespace {

const char* change_name(Change change) {
    switch (change) {
    case Change::kCreated:
        return "created";
    case Change::kUpdated:
        return "updated";
    case Change::kCancelled:
        return "cancelled";
    }
    pg_unreachable();
}

// The parts of the stay that the reservation does not hold yet: before and after what it held.
struct TakenSpans {
    DaySpan before;
    DaySpan after;
};

TakenSpans difference(DaySpan a, DaySpan b) {
    if (intersection(a, b).empty())
        return {a, {0, 0}};
    return {{a.first_day, std::max(a.first_day, b.first_day)}, {std::min(a.end_day, b.end_day), a.end_day}};
}

void append_taken_days(StringInfo detail, const DaysetView& booked, DaySpan span) {
    for (DaySpan run = booked.next_run(span.first_day); !run.empty() && run.first_day < span.end_day;
         run = booked.next_run(run.end_day)) {
        run = intersection(run, span);
        char first_day[16] = {};
        char end_day[16] = {};
        format_day(run.first_day, first_day);
        format_day(run.end_day, end_day);
        appendStringInfo(detail, "%s[%s,%s)", detail->len > 0 ? ", " : "", first_day, end_day);
    }
}

// Says which days of the request are taken, and nothing of who took them.
[[noreturn]] void report_conflict(const Tracked& tracked, const CalendarChange& change, const DaysetView& booked,
                                  TakenSpans wanted) {
    StringInfoData taken;
    initStringInfo(&taken);
    append_taken_days(&taken, booked, wanted.before);
    append_taken_days(&taken, booked, wanted.after);

    Oid output;
    bool is_varlena;
    getTypeOutputInfo(tracked.claim.listing_type, &output, &is_varlena);
    const bool has_day_rows = OidIsValid(tracked.row.day);
    Relation companion = open_companion(has_day_rows ? tracked.row.day : tracked.row.calendar, AccessShareLock);
    Relation index = has_day_rows ? open_day_key(companion, AccessShareLock)
                                  : open_primary_key(companion, {tracked.columns.listing}, AccessShareLock);
    ereport(ERROR,
            (errcode(ERRCODE_UNIQUE_VIOLATION),
             errmsg("listing %s is already booked", OidOutputFunctionCall(output, change.listing)),
             errdetail("Taken days: %s.", taken.data), errtableconstraint(companion, RelationGetRelationName(index))));
    pg_unreachable();
}

// Another transaction changed the calendar: begin again, or give up if the snapshot is to last.
void calendar_moved_on() {
    if (IsolationUsesXactSnapshot())
        ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                        errmsg("could not serialize access due to concurrent update")));
}

// A slot's values with those of the change put in.
void fill_calendar_row(const Tracked& tracked, const CalendarChange& change, Datum booked, int64 version, Datum* values,
                       bool* nulls) {
    const CalendarColumns& columns = tracked.columns;
    const auto put = [&](AttrNumber column, Datum value, bool is_null) {
        values[column - 1] = value;
        nulls[column - 1] = is_null;
    };
    put(columns.booked, booked, false);
    put(columns.version, Int64GetDatum(version), false);
    put(columns.change, CStringGetTextDatum(change_name(change.change)), false);
    put(columns.reservation, change.key, change.key_is_null);
    put(columns.stay, change.stay.empty() ? 0 : make_daterange(change.stay), change.stay.empty());
    put(columns.was, change.was.empty() ? 0 : make_daterange(change.was), change.was.empty());
}

Datum changed_days(const DaysetView& booked, const CalendarChange& change) {
    StoredDayset stored;
    stored.size = write_changed(booked, change.was, change.stay, stored.bytes);
    return make_dayset(stored);
}

// Where this transaction left the calendars that it changed. The versions of a calendar that one transaction makes stay
// on their HOT chain until it ends: to find the newest by the index is to walk them all. A place is a guess: what it
// holds is taken only if the snapshot sees it and it is of the listing, of which a snapshot never sees two.
struct Place {
    uint32 hash;
    Oid calendar; // InvalidOid while there is none
    ItemPointerData tid;
};

// One place a hash: the last one wins. As many as the transaction needs, up to a bound.
struct Places {
    LocalTransactionId transaction;
    uint32 size; // a power of two
    uint32 used;
    Place* places;
};

constexpr uint32 kFewPlaces = 128;
constexpr uint32 kMostPlaces = 1 << 18;
Place few_places[kFewPlaces];
Places places;

Place& place_of(uint32 hash) {
    if (places.transaction != local_transaction()) {
        std::fill_n(few_places, kFewPlaces, Place{});
        places = {local_transaction(), kFewPlaces, 0, few_places};
    }
    return places.places[hash & (places.size - 1)];
}

uint32 hash_of(const Tracked& tracked, Relation calendar, Datum listing) {
    const Form_pg_attribute column = TupleDescAttr(RelationGetDescr(calendar), tracked.columns.listing - 1);
    return hash_combine(datum_image_hash(listing, column->attbyval, column->attlen), RelationGetRelid(calendar));
}

void add_places() {
    const Places old = places;
    places.size *= 8;
    places.used = 0;
    places.places = static_cast<Place*>(MemoryContextAllocZero(TopTransactionContext, places.size * sizeof(Place)));
    for (uint32 i = 0; i < old.size; i++)
        if (OidIsValid(old.places[i].calendar)) {
            place_of(old.places[i].hash) = old.places[i];
            places.used++;
        }
    if (old.places != few_places)
        pfree(old.places);
}

void remember_place(const Tracked& tracked, Relation calendar, Datum listing, const ItemPointerData& tid) {
    const uint32 hash = hash_of(tracked, calendar, listing);
    Place& place = place_of(hash);
    const bool is_new = !OidIsValid(place.calendar);
    place = {hash, RelationGetRelid(calendar), tid};
    if (is_new && ++places.used > places.size / 2 && places.size < kMostPlaces)
        add_places();
}

bool fetch_from_place(const Tracked& tracked, Relation calendar, Datum listing, TupleTableSlot* slot) {
    const uint32 hash = hash_of(tracked, calendar, listing);
    Place& place = place_of(hash);
    // The table may have been rewritten since.
    if (place.hash != hash || place.calendar != RelationGetRelid(calendar) ||
        ItemPointerGetBlockNumber(&place.tid) >= RelationGetNumberOfBlocks(calendar) ||
        !table_tuple_fetch_row_version(calendar, &place.tid, GetActiveSnapshot(), slot))
        return false;
    bool is_null;
    return compare_listings(tracked, slot_getattr(slot, tracked.columns.listing, &is_null), listing) == 0;
}

// Finds the calendar row that the active snapshot sees.
bool fetch_calendar(const Tracked& tracked, Relation calendar, Datum listing, TupleTableSlot* slot) {
    if (fetch_from_place(tracked, calendar, listing, slot))
        return true;
    Relation index = open_primary_key(calendar, {tracked.columns.listing}, AccessShareLock);
    ScanKeyData key;
    init_index_key(&key, index, 1, BTEqualStrategyNumber, listing);
    IndexScanDesc scan = begin_index_scan(calendar, index, GetActiveSnapshot(), 1);
    index_rescan(scan, &key, 1, nullptr, 0);
    const bool found = index_getnext_for_update(scan, slot);
    index_endscan(scan);
    index_close(index, NoLock);
    return found;
}

// Runs a statement with $1 … $7: listing_id, booked, version, change, reservation_id, stay, was. Returns how many
// rows it wrote.
uint64 run_calendar_statement(const Tracked& tracked, Relation calendar, const CalendarChange& change,
                              const DaysetView& booked, int64 version, const char* statement) {
    const Oid relation = RelationGetRelid(calendar);
    SqlNames names;
    names.set("calendar", qualified_name(relation));

    const OwnerScope scope = enter_owner(calendar->rd_rel->relowner);
    SPI_connect();
    const uint64 written = run_kept_sql(tracked, expand_sql(statement, names),
                                        {{tracked.claim.listing_type, change.listing},
                                         {get_atttype(relation, tracked.columns.booked), changed_days(booked, change)},
                                         {INT8OID, Int64GetDatum(version)},
                                         {TEXTOID, CStringGetTextDatum(change_name(change.change))},
                                         {tracked.claim.key_type, change.key, change.key_is_null},
                                         {DATERANGEOID, make_daterange(change.stay), change.stay.empty()},
                                         {DATERANGEOID, make_daterange(change.was), change.was.empty()}});
    SPI_finish();
    leave_owner(scope);
    return written;
}

// Whether a calendar that the active snapshot does not see is there all the same: track, repair or a new listing made
// it since the snapshot of this transaction, which lasts. To take it for none would lose what is to be released.
bool is_newer_than_snapshot(const Tracked& tracked, Relation calendar, Datum listing, TupleTableSlot* slot) {
    if (!IsolationUsesXactSnapshot())
        return false;
    PushActiveSnapshot(GetLatestSnapshot());
    const bool found = fetch_calendar(tracked, calendar, listing, slot);
    PopActiveSnapshot();
    return found;
}

// Makes the calendar of a listing that has none yet; false if somebody else just did.
bool insert_calendar(const Tracked& tracked, Relation calendar, const CalendarChange& change, int64 version) {
    return run_calendar_statement(
               tracked, calendar, change, DaysetView(), version,
               "INSERT INTO {calendar} (listing_id, booked, version, change, reservation_id, stay, was)"
               " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (listing_id) DO NOTHING") == 1;
}

// Whether this version of the row is the newest; waits for whoever is changing it, and keeps it locked if it is.
bool lock_if_newest(Relation calendar, ItemPointer tid) {
    TupleTableSlot* locked = table_slot_create(calendar, nullptr);
    TM_FailureData failure;
    const TM_Result result = table_tuple_lock(calendar, tid, GetActiveSnapshot(), locked, GetCurrentCommandId(false),
                                              LockTupleNoKeyExclusive, LockWaitBlock, 0, &failure);
    ExecDropSingleTupleTableSlot(locked);
    return result == TM_Ok;
}

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

// For a version that went to another page.
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

// Whether somebody added triggers, generated columns or checks, which ask for the whole executor.
bool needs_executor(Relation calendar) {
    const TupleConstr* constraints = RelationGetDescr(calendar)->constr;
    return calendar->trigdesc != nullptr ||
           (constraints != nullptr && (constraints->has_generated_stored || constraints->num_check > 0));
}

bool update_by_statement(const Tracked& tracked, Relation calendar, const CalendarChange& change,
                         TupleTableSlot* current, const DaysetView& booked, int64 version) {
    if (!lock_if_newest(calendar, &current->tts_tid))
        return false;
    if (run_calendar_statement(tracked, calendar, change, booked, version,
                               "UPDATE {calendar} SET booked = $2, version = $3, change = $4,"
                               " reservation_id = $5, stay = $6, was = $7 WHERE listing_id = $1") != 1)
        ereport(ERROR,
                (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
                 errmsg("a trigger on calendar \"%s\" kept it from changing", RelationGetRelationName(calendar))));
    return true;
}

bool update_in_place(const Tracked& tracked, Relation calendar, const CalendarChange& change, TupleTableSlot* current,
                     const DaysetView& booked, int64 version) {
    slot_getallattrs(current);
    TupleTableSlot* next = table_slot_create(calendar, nullptr);
    const int columns = next->tts_tupleDescriptor->natts;
    std::copy_n(current->tts_values, columns, next->tts_values);
    std::copy_n(current->tts_isnull, columns, next->tts_isnull);
    fill_calendar_row(tracked, change, changed_days(booked, change), version, next->tts_values, next->tts_isnull);
    ExecStoreVirtualTuple(next);

    bool is_null;
    const bool replaces_own = TransactionIdIsCurrentTransactionId(
        DatumGetTransactionId(slot_getsysattr(current, MinTransactionIdAttributeNumber, &is_null)));
    TM_FailureData failure;
    IndexEntries entries = IndexEntries::kNone;
    const TM_Result result = update_tuple(calendar, &current->tts_tid, next, GetCurrentCommandId(true),
                                          GetActiveSnapshot(), &failure, &entries);
    if (result == TM_SelfModified)
        ereport(ERROR, (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
                        errmsg("calendar was changed by an operation triggered by its own change")));
    if (result == TM_Ok) {
        remember_place(tracked, calendar, change.listing, next->tts_tid);
        if (entries != IndexEntries::kNone)
            write_index_entries(calendar, next, replaces_own, entries);
    }
    ExecDropSingleTupleTableSlot(next);
    return result == TM_Ok;
}

// What came of an attempt on the calendar row.
enum class Attempt {
    kDone,
    kAgain,     // on what this transaction changed itself
    kOvertaken, // by somebody else
};

Attempt done_unless_overtaken(bool done) {
    return done ? Attempt::kDone : Attempt::kOvertaken;
}

Attempt try_change(const Tracked& tracked, Relation calendar, const CalendarChange& change, TupleTableSlot* slot,
                   int64* version) {
    if (!fetch_calendar(tracked, calendar, change.listing, slot)) {
        *version = change.stay.empty() ? 0 : next_version(0);
        return done_unless_overtaken(change.stay.empty()
                                         ? !is_newer_than_snapshot(tracked, calendar, change.listing, slot)
                                         : insert_calendar(tracked, calendar, change, *version));
    }

    bool is_null;
    *version = next_version(DatumGetInt64(slot_getattr(slot, tracked.columns.version, &is_null)));
    const Datum stored = slot_getattr(slot, tracked.columns.booked, &is_null);
    if (is_null)
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                        errmsg("companion \"%s\" holds a null calendar", RelationGetRelationName(calendar))));
    const DaysetView booked = view_dayset(PG_DETOAST_DATUM_PACKED(stored));
    const TakenSpans wanted = difference(change.stay, change.was);
    if (booked.overlaps(wanted.before) || booked.overlaps(wanted.after)) {
        if (!lock_if_newest(calendar, &slot->tts_tid))
            return Attempt::kOvertaken;
        if (release_expired_holds(tracked, change.listing, change.stay) > 0)
            return Attempt::kAgain;
        report_conflict(tracked, change, booked, wanted);
    }
    const auto update = needs_executor(calendar) ? update_by_statement : update_in_place;
    return done_unless_overtaken(update(tracked, calendar, change, slot, booked, *version));
}

// Calls attempt(calendar, slot) under a snapshot of now until nobody overtakes it.
template <typename Try>
void until_newest(const Tracked& tracked, Try attempt) {
    Relation calendar = open_companion(tracked.row.calendar, RowExclusiveLock);
    TupleTableSlot* slot = table_slot_create(calendar, nullptr);
    for (Attempt result = Attempt::kAgain; result != Attempt::kDone;) {
        CHECK_FOR_INTERRUPTS();
        // What this transaction did before must be seen; under READ COMMITTED, what others committed too.
        CommandCounterIncrement();
        PushActiveSnapshot(GetTransactionSnapshot());
        result = attempt(calendar, slot);
        ExecClearTuple(slot);
        PopActiveSnapshot();
        if (result == Attempt::kOvertaken)
            calendar_moved_on();
    }
    ExecDropSingleTupleTableSlot(slot);
    table_close(calendar, NoLock);
}

void change_day_rows(const Tracked& tracked, const CalendarChange& change) {
    if (change.key_changed) {
        delete_day_rows(tracked, change.listing, change.was);
        insert_day_rows(tracked, change.listing, change.key, change.key_is_null, change.stay);
        return;
    }
    const TakenSpans released = difference(change.was, change.stay);
    const TakenSpans taken = difference(change.stay, change.was);
    delete_day_rows(tracked, change.listing, released.before);
    delete_day_rows(tracked, change.listing, released.after);
    insert_day_rows(tracked, change.listing, change.key, change.key_is_null, taken.before);
    insert_day_rows(tracked, change.listing, change.key, change.key_is_null, taken.after);
}

} // namespace

int64 next_version(int64 old_version) {
    constexpr int64 kEpochs = (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
    return std::max<int64>(old_version + 1, GetCurrentTimestamp() + kEpochs);
}

int64 change_calendar(const Tracked& tracked, const CalendarChange& change) {
    int64 version = 0;
    until_newest(tracked, [&](Relation calendar, TupleTableSlot* slot) {
        return try_change(tracked, calendar, change, slot, &version);
    });
    if (OidIsValid(tracked.row.day))
        change_day_rows(tracked, change);
    return version;
}

bool lock_calendar(const Tracked& tracked, Datum listing) {
    bool found = false;
    until_newest(tracked, [&](Relation calendar, TupleTableSlot* slot) {
        found = fetch_calendar(tracked, calendar, listing, slot);
        return done_unless_overtaken(found ? lock_if_newest(calendar, &slot->tts_tid)
                                           : !is_newer_than_snapshot(tracked, calendar, listing, slot));
    });
    return found;
}

int64 calendar_version(const Tracked& tracked, Datum listing) {
    Relation calendar = open_companion(tracked.row.calendar, AccessShareLock);
    TupleTableSlot* slot = table_slot_create(calendar, nullptr);
    CommandCounterIncrement();
    PushActiveSnapshot(GetLatestSnapshot());
    bool is_null;
    const int64 version = fetch_calendar(tracked, calendar, listing, slot)
                              ? DatumGetInt64(slot_getattr(slot, tracked.columns.version, &is_null))
                              : 0;
    ExecDropSingleTupleTableSlot(slot);
    PopActiveSnapshot();
    table_close(calendar, NoLock);
    return version;
}

} // namespace availability

// The delta: calendars that changed since the sets were last written.

#include "extension/search/delta.hpp"

#include <algorithm>

#include "extension/search/growing_listing_set.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/server/spi.hpp"

extern "C" {
#include <access/tableam.h>
#include <access/xact.h>
#include <catalog/pg_type.h>
#include <executor/tuptable.h>
#include <miscadmin.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/rel.h>
}

namespace availability {

namespace {

// A row of the delta, its values by DeltaColumn.
struct NewRow {
    Datum values[kDeltaBooked + 1];
    bool nulls[kDeltaBooked + 1];
};

void insert_by_statement(const Companion& delta, const NewRow& row, Oid dayset) {
    SqlNames names;
    names.set("delta", qualified_name(delta.oid()));
    as_role(delta.owner, [&] {
        run_sql("INSERT INTO {delta} (version, ordinal, booked) VALUES ($1, $2, $3)", names,
                {{INT8OID, row.values[kDeltaVersion], row.nulls[kDeltaVersion]},
                 {INT4OID, row.values[kDeltaOrdinal]},
                 {dayset, row.values[kDeltaBooked], row.nulls[kDeltaBooked]}});
    });
}

void insert_into_heap(const Companion& delta, const NewRow& row) {
    TupleTableSlot* slot = table_slot_create(delta.relation, nullptr);
    std::fill_n(slot->tts_isnull, slot->tts_tupleDescriptor->natts, true);
    for (const DeltaColumn column : {kDeltaVersion, kDeltaOrdinal, kDeltaBooked}) {
        slot->tts_values[delta.columns[column] - 1] = row.values[column];
        slot->tts_isnull[delta.columns[column] - 1] = row.nulls[column];
    }
    ExecStoreVirtualTuple(slot);
    table_tuple_insert(delta.relation, slot, GetCurrentCommandId(true), 0, nullptr);
    ExecDropSingleTupleTableSlot(slot);
}

void insert_row(const DeltaTarget& target, const NewRow& row) {
    const Companion delta = open_delta(target);
    if (delta.plain_inserts && delta.only_key)
        insert_into_heap(delta, row);
    else
        insert_by_statement(delta, row, target.dayset);
    close_companion(delta);
}

template <typename Item>
void reserve(MemoryContext context, Item** items, Size* room, Size needed) {
    if (needed <= *room)
        return;
    const Size larger = std::max({2 * *room, needed, Size{1024}});
    *items = static_cast<Item*>(*items == nullptr ? MemoryContextAllocHuge(context, larger * sizeof(Item))
                                                  : repalloc_huge(*items, larger * sizeof(Item)));
    *room = larger;
}

void add_row(const Companion& companion, Delta* delta, Ordinal ordinal, TupleTableSlot* slot) {
    bool no_version;
    bool no_booked;
    const Datum version = slot_getattr(slot, companion.columns[kDeltaVersion], &no_version);
    const Datum booked = slot_getattr(slot, companion.columns[kDeltaBooked], &no_booked);
    DeltaRow row = {ordinal, no_version || no_booked, no_version ? 0 : DatumGetInt64(version), 0, 0};
    if (!row.is_lookup) {
        const struct varlena* bytes = PG_DETOAST_DATUM_PACKED(booked);
        row.size = VARSIZE_ANY_EXHDR(bytes);
        row.booked = delta->used;
        reserve(delta->context, &delta->bytes, &delta->bytes_room, delta->used + row.size);
        std::memcpy(delta->bytes + delta->used, VARDATA_ANY(bytes), row.size);
        delta->used += row.size;
        if (reinterpret_cast<const void*>(bytes) != DatumGetPointer(booked))
            pfree(const_cast<struct varlena*>(bytes));
    }
    reserve(delta->context, &delta->rows, &delta->room, delta->count + 1);
    delta->rows[delta->count++] = row;
}

// Calls visit(ordinal, slot) for every row that the snapshot sees, until it returns false.
template <typename Visit>
void scan_delta(const Companion& delta, Snapshot snapshot, Visit visit) {
    TupleTableSlot* slot = table_slot_create(delta.relation, nullptr);
    TableScanDesc scan = table_beginscan(delta.relation, snapshot, 0, nullptr);
    while (table_scan_getnextslot(scan, ForwardScanDirection, slot)) {
        CHECK_FOR_INTERRUPTS();
        bool is_null;
        const int32 ordinal = DatumGetInt32(slot_getattr(slot, delta.columns[kDeltaOrdinal], &is_null));
        if (!visit(is_null || ordinal < 0 ? kLastOrdinal + 1 : static_cast<Ordinal>(ordinal), slot))
            break;
    }
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
}

// The listings of the first rows, so many of them.
Datum first_listings(const Companion& delta, Snapshot snapshot, int64 most) {
    GrowingListingSet seen(CurrentMemoryContext);
    int64 count = 0;
    scan_delta(delta, snapshot, [&](Ordinal ordinal, TupleTableSlot*) {
        if (ordinal <= kLastOrdinal && !seen.contains(ordinal)) {
            seen.add(ordinal);
            count++;
        }
        return count < most;
    });
    return seen.to_datum();
}

} // namespace

void append_to_delta(const DeltaTarget& target, int32 ordinal, int64 version, Datum booked) {
    const auto* bytes = reinterpret_cast<const struct varlena*>(DatumGetPointer(booked));
    if (VARATT_IS_EXTERNAL(bytes) || VARATT_IS_COMPRESSED(bytes) || VARSIZE_ANY(bytes) > kMostCopied) {
        append_lookup(target, ordinal);
        return;
    }
    insert_row(target, {{Int64GetDatum(version), Int32GetDatum(ordinal), booked}, {false, false, false}});
}

void append_lookup(const DeltaTarget& target, int32 ordinal) {
    insert_row(target, {{0, Int32GetDatum(ordinal), 0}, {true, false, true}});
}

Delta read_delta(const Companion& companion, Snapshot snapshot, bool with_tids, int64 most) {
    Delta delta{};
    delta.context = CurrentMemoryContext;
    ListingSetView chosen;
    const bool chooses = most < PG_INT64_MAX;
    if (chooses)
        chosen = view_of(first_listings(companion, snapshot, most));
    scan_delta(companion, snapshot, [&](Ordinal ordinal, TupleTableSlot* slot) {
        const bool is_listing = ordinal <= kLastOrdinal;
        if (is_listing && chooses && !chosen.contains(ordinal))
            return true;
        if (is_listing)
            add_row(companion, &delta, ordinal, slot);
        if (with_tids) {
            reserve(delta.context, &delta.tids, &delta.tid_room, delta.tid_count + 1);
            delta.tids[delta.tid_count++] = slot->tts_tid;
        }
        return true;
    });
    return delta;
}

void newest_rows(Delta* delta) {
    std::sort(delta->rows, delta->rows + delta->count, [](const DeltaRow& a, const DeltaRow& b) {
        if (a.ordinal != b.ordinal)
            return a.ordinal < b.ordinal;
        return a.is_lookup != b.is_lookup ? a.is_lookup : a.version > b.version;
    });
    DeltaRow* const end = std::unique(delta->rows, delta->rows + delta->count,
                                      [](const DeltaRow& a, const DeltaRow& b) { return a.ordinal == b.ordinal; });
    delta->count = static_cast<Size>(end - delta->rows);
}

DaysetView booked_in(const Delta& delta, const DeltaRow& row) {
    DaysetView view;
    if (!DaysetView::open(delta.bytes + row.booked, row.size, &view))
        raise_malformed_dayset();
    return view;
}

} // namespace availability

// Reading calendars for a search.

#include "extension/search/calendars.hpp"

extern "C" {
#include <access/genam.h>
#include <access/tableam.h>
#include <catalog/pg_type.h>
#include <miscadmin.h>
#include <storage/bufmgr.h>
#include <utils/fmgroids.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
}

namespace availability {

namespace {

// A descent of the index costs as much as so many rows of a scan.
constexpr double kRowsADescent = 16;
constexpr std::uint64_t kFew = 100;

// Of a table that nobody has analyzed, by its pages.
double estimated_rows(Relation calendar) {
    constexpr double kRowsAPage = 50;
    const double rows = calendar->rd_rel->reltuples;
    return rows >= 0 ? rows : kRowsAPage * RelationGetNumberOfBlocks(calendar);
}

// Visits the row in the slot; `wanted`, if given, says which.
void visit_row(const SetCompanions& companions, TupleTableSlot* slot, const ListingSetView* wanted,
               CalendarVisitor* visitor) {
    bool is_null;
    const int32 ordinal = DatumGetInt32(slot_getattr(slot, companions.calendar.columns[kSearchedOrdinal], &is_null));
    if (is_null || ordinal < 0 || (wanted != nullptr && !wanted->contains(static_cast<Ordinal>(ordinal))))
        return;
    const Datum booked = slot_getattr(slot, companions.calendar.columns[kSearchedBooked], &is_null);
    if (is_null)
        return;
    const struct varlena* packed = PG_DETOAST_DATUM_PACKED(booked);
    visitor->visit(static_cast<Ordinal>(ordinal), view_dayset(packed), slot);
    if (reinterpret_cast<const void*>(packed) != DatumGetPointer(booked))
        pfree(const_cast<struct varlena*>(packed));
}

void scan_calendars(const SetCompanions& companions, Snapshot snapshot, const ListingSetView* wanted,
                    CalendarVisitor* visitor) {
    TupleTableSlot* slot = table_slot_create(companions.calendar.relation, nullptr);
    TableScanDesc scan = table_beginscan(companions.calendar.relation, snapshot, 0, nullptr);
    while (table_scan_getnextslot(scan, ForwardScanDirection, slot)) {
        CHECK_FOR_INTERRUPTS();
        visit_row(companions, slot, wanted, visitor);
    }
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
}

} // namespace

ListingColumn listing_column(const SetCompanions& companions) {
    Relation calendar = companions.calendar.relation;
    const AttrNumber number = get_attnum(RelationGetRelid(calendar), "listing_id");
    const Oid type = number > 0 ? TupleDescAttr(RelationGetDescr(calendar), number - 1)->atttypid : InvalidOid;
    for (const Oid usual : {INT2OID, INT4OID, INT8OID, UUIDOID, TEXTOID, VARCHAROID})
        if (type == usual)
            return {number, type};
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("companion \"%s\" is not what availability.track made", RelationGetRelationName(calendar)),
                    errdetail("Its listings have no type that listings can have.")));
    pg_unreachable();
}

void visit_all_calendars(const SetCompanions& companions, Snapshot snapshot, CalendarVisitor* visitor) {
    scan_calendars(companions, snapshot, nullptr, visitor);
}

void visit_calendars(const SetCompanions& companions, Snapshot snapshot, const ListingSetView& ordinals,
                     CalendarVisitor* visitor) {
    const std::uint64_t count = ordinals.count();
    if (count == 0)
        return;
    if (count > kFew && static_cast<double>(count) * kRowsADescent > estimated_rows(companions.calendar.relation)) {
        scan_calendars(companions, snapshot, &ordinals, visitor);
        return;
    }
    Relation index = open_ordinal_index(companions.calendar);
    TupleTableSlot* slot = table_slot_create(companions.calendar.relation, nullptr);
    IndexScanDesc scan = begin_index_scan(companions.calendar.relation, index, snapshot, 1);
    OrdinalCursor cursor(ordinals);
    for (Ordinal ordinal; cursor.next(&ordinal);) {
        CHECK_FOR_INTERRUPTS();
        ScanKeyData key;
        ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(static_cast<int32>(ordinal)));
        index_rescan(scan, &key, 1, nullptr, 0);
        while (index_getnext_slot(scan, ForwardScanDirection, slot))
            visit_row(companions, slot, nullptr, visitor);
    }
    index_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    index_close(index, NoLock);
}

} // namespace availability

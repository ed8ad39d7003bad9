// Reading calendars for a search.

#include "extension/search/calendars.hpp"

extern "C" {
#include <access/genam.h>
#include <access/itup.h>
#include <access/relscan.h>
#include <access/tableam.h>
#include <catalog/pg_type.h>
#include <miscadmin.h>
#include <storage/bufmgr.h>
#include <utils/datum.h>
#include <utils/fmgroids.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
}

namespace availability {

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

bool prefers_scan(const SetCompanions& companions, const ListingSetView& ordinals) {
    const std::uint64_t count = ordinals.count();
    return count > kFew && static_cast<double>(count) * kRowsADescent > estimated_rows(companions.calendar.relation);
}

// Scans of the index on ordinals, one ordinal after the other.
class OrdinalIndex {
  public:
    // `keys`: for find_listing(), else for visit().
    OrdinalIndex(const SetCompanions& companions, Snapshot snapshot, bool keys)
        : companions_(companions), index_(open_ordinal_index(companions.calendar)),
          listing_(
              TupleDescAttr(RelationGetDescr(companions.calendar.relation), listing_column(companions).number - 1)),
          slot_(table_slot_create(companions.calendar.relation, nullptr)),
          scan_(begin_index_scan(companions.calendar.relation, index_, snapshot, 1)),
          has_keys_(keys && IndexRelationGetNumberOfAttributes(index_) == 2 &&
                    index_->rd_index->indkey.values[1] == listing_->attnum) {
        scan_->xs_want_itup = has_keys_;
    }

    void close() {
        index_endscan(scan_);
        ExecDropSingleTupleTableSlot(slot_);
        index_close(index_, NoLock);
    }

    void visit(Ordinal ordinal, CalendarVisitor* visitor) {
        seek(ordinal);
        while (index_getnext_slot(scan_, ForwardScanDirection, slot_))
            visit_row(companions_, slot_, nullptr, visitor);
    }

    // False if the entries don't say it, or don't agree.
    bool find_listing(Ordinal ordinal, Datum* listing) {
        if (!has_keys_)
            return false;
        seek(ordinal);
        bool found = false;
        while (index_getnext_tid(scan_, ForwardScanDirection) != nullptr) {
            bool is_null;
            const Datum key =
                scan_->xs_itup == nullptr ? 0 : index_getattr(scan_->xs_itup, 2, scan_->xs_itupdesc, &is_null);
            if (scan_->xs_itup == nullptr || is_null ||
                (found && !datumIsEqual(*listing, key, listing_->attbyval, listing_->attlen)))
                return false;
            *listing = key;
            found = true;
        }
        return found;
    }

  private:
    void seek(Ordinal ordinal) {
        CHECK_FOR_INTERRUPTS();
        ScanKeyData key;
        ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(static_cast<int32>(ordinal)));
        index_rescan(scan_, &key, 1, nullptr, 0);
    }

    const SetCompanions& companions_;
    Relation index_;
    Form_pg_attribute listing_;
    TupleTableSlot* slot_;
    IndexScanDesc scan_;
    bool has_keys_;
};
static_assert(std::is_trivially_destructible_v<OrdinalIndex>);

} // namespace

void visit_all_calendars(const SetCompanions& companions, Snapshot snapshot, CalendarVisitor* visitor) {
    scan_calendars(companions, snapshot, nullptr, visitor);
}

void visit_calendars(const SetCompanions& companions, Snapshot snapshot, const ListingSetView& ordinals,
                     CalendarVisitor* visitor) {
    if (ordinals.empty())
        return;
    if (prefers_scan(companions, ordinals)) {
        scan_calendars(companions, snapshot, &ordinals, visitor);
        return;
    }
    OrdinalIndex index(companions, snapshot, false);
    OrdinalCursor cursor(ordinals);
    for (Ordinal ordinal; cursor.next(&ordinal);)
        index.visit(ordinal, visitor);
    index.close();
}

// Every version of a row has had its entry, so that entries that all say one key leave no doubt which it is; where the
// owner changed one by hand, the row is fetched.
void visit_listings(const SetCompanions& companions, Snapshot snapshot, const ListingSetView& ordinals,
                    ListingVisitor* visitor) {
    if (ordinals.empty())
        return;
    if (prefers_scan(companions, ordinals)) {
        scan_calendars(companions, snapshot, &ordinals, visitor);
        return;
    }
    OrdinalIndex keys(companions, snapshot, true);
    OrdinalIndex rows(companions, snapshot, false);
    OrdinalCursor cursor(ordinals);
    for (Ordinal ordinal; cursor.next(&ordinal);) {
        Datum listing;
        if (keys.find_listing(ordinal, &listing))
            visitor->visit_listing(listing);
        else
            rows.visit(ordinal, visitor);
    }
    rows.close();
    keys.close();
}

} // namespace availability

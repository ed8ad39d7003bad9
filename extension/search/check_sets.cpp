// What availability.verify finds of set search, and its repair.
//
// As a search does: calendars of listings in the delta are not looked for in the sets.

#include <algorithm>

#include "extension/search/delta.hpp"
#include "extension/search/fold.hpp"
#include "extension/search/growing_listing_set.hpp"
#include "extension/search/set_builder.hpp"
#include "extension/search/set_rows.hpp"
#include "extension/search/set_search.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/server/spi.hpp"
#include "extension/server/type_io.hpp"
#include "extension/tracking/prove.hpp"

extern "C" {
#include <access/tableam.h>
#include <executor/tuptable.h>
#include <funcapi.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/memutils.h>
#include <utils/snapmgr.h>
#include <utils/tuplestore.h>
}

namespace availability {

namespace {

// Finds the listing with an ordinal, as text.
class ListingName : public CalendarVisitor {
  public:
    explicit ListingName(const SetCompanions& companions) : column_(listing_column(companions)) {}

    void visit(Ordinal, const DaysetView&, TupleTableSlot* row) override {
        bool is_null;
        const Datum listing = slot_getattr(row, column_.number, &is_null);
        if (!is_null)
            name = output_text(column_.type, listing);
    }

    const char* name = nullptr;

  private:
    ListingColumn column_;
};

class Check {
  public:
    Check(const SetCompanions& companions, ReturnSetInfo* result)
        : companions_(companions), snapshot_(GetActiveSnapshot()), result_(result) {}

    uint64 run() {
        covered_ = first_covered_day(companions_.sets, snapshot_);
        // Nothing is believed of sets that are not filled.
        if (covered_ < kEndDay) {
            delta_ = read_delta(companions_.delta, snapshot_, false, PG_INT64_MAX);
            newest_rows(&delta_);
        }
        report_negative_ordinals();
        const ListingSetView blocks = stored_blocks();
        const MemoryContext work =
            AllocSetContextCreate(CurrentMemoryContext, "availability check", ALLOCSET_DEFAULT_SIZES);
        for (std::uint64_t from = 0; from <= kLastOrdinal;) {
            const MemoryContext caller = MemoryContextSwitchTo(work);
            const CalendarsInRange range(companions_, snapshot_, static_cast<Ordinal>(from));
            check_range(range, blocks);
            from = std::min<std::uint64_t>(range.next(), next_block(blocks, range.last()));
            MemoryContextSwitchTo(caller);
            MemoryContextReset(work);
        }
        MemoryContextDelete(work);
        return found_;
    }

  private:
    // No search finds them: ordinals come from a sequence that begins at 1, unless the owner has written others.
    void report_negative_ordinals() {
        const ListingColumn listing = listing_column(companions_);
        Relation calendar = companions_.calendar.relation;
        TupleTableSlot* slot = table_slot_create(calendar, nullptr);
        TableScanDesc scan = table_beginscan(calendar, snapshot_, 0, nullptr);
        while (table_scan_getnextslot(scan, ForwardScanDirection, slot)) {
            CHECK_FOR_INTERRUPTS();
            bool is_null;
            if (DatumGetInt32(slot_getattr(slot, companions_.calendar.columns[kSearchedOrdinal], &is_null)) >= 0)
                continue;
            const Datum value = slot_getattr(slot, listing.number, &is_null);
            put("negative_ordinal", is_null ? nullptr : output_text(listing.type, value), nullptr,
                "no search finds the listing");
        }
        table_endscan(scan);
        ExecDropSingleTupleTableSlot(slot);
    }

    // The keys of the blocks that have rows, or listings in the delta, as a set of their own.
    ListingSetView stored_blocks() {
        GrowingListingSet blocks(CurrentMemoryContext);
        scan_sets(companions_.sets, snapshot_, kEveryListing, date_from_day(kLastDay), 0, kMostContainers - 1,
                  [&](DateADT, std::uint32_t block, TupleTableSlot*) {
                      if (!blocks.contains(block))
                          blocks.add(block);
                      return true;
                  });
        for (Size i = 0; i < delta_.count; i++)
            if (!blocks.contains(key_of(delta_.rows[i].ordinal)))
                blocks.add(key_of(delta_.rows[i].ordinal));
        return view_of(blocks.to_datum());
    }

    // The first ordinal of the first block with rows that lies after an ordinal; past the last one if there is none.
    static std::uint64_t next_block(const ListingSetView& blocks, Ordinal after) {
        OrdinalCursor cursor(blocks);
        for (Ordinal key; cursor.next(&key);)
            if (key > key_of(after))
                return std::uint64_t{key} * kContainerOrdinals;
        return std::uint64_t{kLastOrdinal} + 1;
    }

    // All blocks of the range that have calendars or rows.
    void check_range(const CalendarsInRange& range, const ListingSetView& stored) {
        OrdinalCursor twice(view_of(range.twice.to_datum()));
        for (Ordinal ordinal; twice.next(&ordinal);)
            report("duplicate_ordinal", ordinal, nullptr, "another listing has the same ordinal");
        if (covered_ == kEndDay)
            return;
        listings_ = &range.listings;
        const MemoryContext work =
            AllocSetContextCreate(CurrentMemoryContext, "availability check of a block", ALLOCSET_DEFAULT_SIZES);
        Size next = 0;
        for (std::uint32_t key = key_of(range.first()); key <= key_of(range.last()); key++) {
            BlockOfListings block = {key, next, next};
            if (next < listings_->count() && key_of((*listings_)[next].ordinal) == key)
                block = block_at(*listings_, next);
            if (block.end == block.first && !stored.contains(key))
                continue;
            next = block.end;
            const MemoryContext caller = MemoryContextSwitchTo(work);
            check_block(block);
            MemoryContextSwitchTo(caller);
            MemoryContextReset(work);
        }
        MemoryContextDelete(work);
    }

    void check_block(const BlockOfListings& block) {
        const BlockTarget& target = *make_target(*listings_, block);
        OrdinalBits in_delta;
        in_delta.clear();
        for (Size i = 0; i < delta_.count; i++)
            if (key_of(delta_.rows[i].ordinal) == block.key) {
                in_delta.add(delta_.rows[i].ordinal % kContainerOrdinals);
                check_copy(delta_.rows[i], block);
            }

        auto* days = static_cast<OrdinalBits*>(palloc_extended(kMostDaysAtOnce * sizeof(OrdinalBits), MCXT_ALLOC_HUGE));
        days[0] = target.known;
        compare(block.key, kEveryListing, kEveryListing, in_delta, days, 1, [](DateADT) { return 0; });
        Day end_day = std::max(target.end_day, covered_);
        scan_sets(companions_.sets, snapshot_, date_from_day(std::min(end_day, kLastDay)), date_from_day(kLastDay),
                  static_cast<int32>(block.key), static_cast<int32>(block.key),
                  [&](DateADT date, std::uint32_t, TupleTableSlot*) {
                      end_day = std::max(end_day, day_from_date(date) + 1);
                      return true;
                  });
        for (Day day = covered_; day < end_day; day += kMostDaysAtOnce) {
            const DaySpan span = {day, std::min(day + kMostDaysAtOnce, end_day)};
            for (Day i = 0; i < span.days(); i++)
                days[i].clear();
            add_booked(target.calendars, target.count, span, days);
            compare(block.key, date_from_day(span.first_day), date_from_day(span.end_day - 1), in_delta, days,
                    span.days(), [span](DateADT date) { return day_from_date(date) - span.first_day; });
        }
    }

    // A search believes the copy of a calendar in the delta.
    void check_copy(const DeltaRow& row, const BlockOfListings& block) {
        if (row.is_lookup)
            return;
        Size i = block.first;
        for (Size end = block.end; i < end;) {
            const Size middle = i + (end - i) / 2;
            if ((*listings_)[middle].ordinal < row.ordinal)
                i = middle + 1;
            else
                end = middle;
        }
        if (i == block.end || (*listings_)[i].ordinal != row.ordinal) {
            report("stale_delta", row.ordinal, nullptr, "listing of the delta has no calendar");
            return;
        }
        const DaysetView calendar = listings_->booked(i);
        const DaysetView copy = booked_in(delta_, row);
        if (calendar.count() != copy.count() || !calendar.contains_all(copy))
            report("stale_delta", row.ordinal, nullptr, "the delta has another calendar");
    }

    // Compares the rows that are there with what they should hold, and takes the others for empty.
    template <typename PlaceOf>
    void compare(std::uint32_t key, DateADT first_date, DateADT last_date, const OrdinalBits& in_delta,
                 OrdinalBits* wanted, Day count, PlaceOf place_of) {
        scan_sets(companions_.sets, snapshot_, first_date, last_date, static_cast<int32>(key), static_cast<int32>(key),
                  [&](DateADT date, std::uint32_t, TupleTableSlot* slot) {
                      OrdinalBits stored;
                      stored.clear();
                      add_row_to(companions_.sets, slot, key, &stored);
                      OrdinalBits& expected = wanted[place_of(date)];
                      report_difference(key, date, expected, stored, in_delta);
                      expected.clear();
                      return true;
                  });
        OrdinalBits none;
        none.clear();
        for (Day i = 0; i < count; i++)
            if (!wanted[i].empty())
                report_difference(key, first_date == kEveryListing ? kEveryListing : first_date + i, wanted[i], none,
                                  in_delta);
    }

    void report_difference(std::uint32_t key, DateADT date, const OrdinalBits& expected, const OrdinalBits& stored,
                           const OrdinalBits& in_delta) {
        OrdinalBits missing = expected;
        missing.subtract(stored);
        missing.subtract(in_delta);
        OrdinalBits stray = stored;
        stray.subtract(expected);
        stray.subtract(in_delta);
        const bool is_day = date != kEveryListing;
        report_all(key, date, missing, is_day ? "missing_set_day" : "missing_set_listing",
                   is_day ? "day is booked in the calendar but open in the sets" : "listing is not in the sets");
        report_all(key, date, stray, is_day ? "stray_set_day" : "stray_set_listing",
                   is_day ? "day is booked in the sets but open in the calendar"
                          : "listing of the sets has no calendar");
    }

    void report_all(std::uint32_t key, DateADT date, const OrdinalBits& bits, const char* kind, const char* detail) {
        for (std::uint32_t place = bits.next(0); place < kContainerOrdinals; place = bits.next(place + 1))
            report(kind, key * kContainerOrdinals + place, date == kEveryListing ? nullptr : &date, detail);
    }

    void report(const char* kind, Ordinal ordinal, const DateADT* day, const char* detail) {
        ListingName listing(companions_);
        if (result_ != nullptr) {
            GrowingListingSet one(CurrentMemoryContext);
            one.add(ordinal);
            visit_calendars(companions_, snapshot_, view_of(one.to_datum()), &listing);
        }
        put(kind, listing.name, day, psprintf("%s (ordinal %u)", detail, ordinal));
    }

    void put(const char* kind, const char* listing, const DateADT* day, const char* detail) {
        found_++;
        if (result_ == nullptr)
            return;
        Datum values[] = {CStringGetTextDatum(kind), listing != nullptr ? CStringGetTextDatum(listing) : 0,
                          day != nullptr ? DateADTGetDatum(*day) : 0, 0, CStringGetTextDatum(detail)};
        bool nulls[] = {false, listing == nullptr, day == nullptr, true, false};
        tuplestore_putvalues(result_->setResult, result_->setDesc, values, nulls);
    }

    const SetCompanions& companions_;
    Snapshot snapshot_;
    ReturnSetInfo* result_;
    const FoldedListings* listings_ = nullptr;
    Delta delta_{};
    Day covered_ = kEndDay;
    uint64 found_ = 0;
};
static_assert(std::is_trivially_destructible_v<Check>);

} // namespace

// Returns how many it found.
uint64 check_sets(const TrackedRow& row, ReturnSetInfo* result) {
    const SetCompanions companions = open_set_companions(row, AccessShareLock);
    const uint64 found = Check(companions, result).run();
    close_set_companions(companions);
    return found;
}

// Triggers and, if anything is wrong, ordinals that two listings have, and the sets.
void repair_sets(const TrackedRow& row) {
    close_set_companions(open_set_companions(row, RowExclusiveLock));
    ensure_set_triggers(row);
    if (check_sets(row, nullptr) == 0)
        return;
    SqlNames names;
    names.set("calendar", qualified_name(row.calendar));
    run_sql("UPDATE {calendar} AS c SET ordinal = DEFAULT WHERE EXISTS (SELECT FROM {calendar} AS o"
            " WHERE o.ordinal = c.ordinal AND o.listing_id < c.listing_id) OR c.ordinal < 0",
            names);
    refill_sets(row);
}

} // namespace availability

using namespace availability;

// Every listing that a search would be wrong about, as a part of verify.
AVAILABILITY_FUNCTION(availability_verify_sets) {
    const Oid reservations = PG_GETARG_OID(0);
    require_owner(reservations);
    const TrackedRow row = require_tracked_row(reservations);
    require_one_owner(row);
    InitMaterializedSRF(fcinfo, 0);
    if (OidIsValid(row.sets))
        check_sets(row, reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo));
    PG_RETURN_NULL();
}

// What repair calls once the calendars are right.
AVAILABILITY_FUNCTION(availability_repair_sets) {
    const Oid reservations = PG_GETARG_OID(0);
    require_owner(reservations);
    const TrackedRow row = require_tracked_row(reservations);
    require_one_owner(row);
    if (OidIsValid(row.sets))
        as_owner(reservations, [&] { repair_sets(row); });
    PG_RETURN_VOID();
}

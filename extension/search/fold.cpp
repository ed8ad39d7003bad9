// Writing the sets.
//
// A fold takes a snapshot once it has the lock that keeps other folders away, so that it sees all that the one before
// it did. For every listing that it takes from the delta it writes what the calendar is in that snapshot, and deletes
// all the listing's rows that the snapshot sees, in one transaction. Whoever sees the fold sees all that its snapshot
// saw, so that for him the sets show those listings as they are, unless one changed since: then a row in the delta says
// so.

#include "extension/search/fold.hpp"

#include <algorithm>

#include "extension/core/epoch.hpp"
#include "extension/search/delta.hpp"
#include "extension/search/growing_listing_set.hpp"
#include "extension/search/set_builder.hpp"
#include "extension/search/set_rows.hpp"
#include "extension/search/set_search.hpp"
#include "extension/server/spi.hpp"

extern "C" {
#include <access/tableam.h>
#include <access/xact.h>
#include <catalog/namespace.h>
#include <catalog/pg_class.h>
#include <catalog/pg_type.h>
#include <storage/lmgr.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/snapmgr.h>
#include <utils/timestamp.h>
}

namespace availability {

namespace {

// Days that are past in every time zone have ended half a day ago at Greenwich.
constexpr int64 kLastZone = 12 * USECS_PER_HOUR;

Day first_day_not_past() {
    const int64 now = GetCurrentTimestamp() + kPostgresEpochMicroseconds - kLastZone;
    return std::clamp(static_cast<Day>(now / USECS_PER_DAY), kFirstDay, kLastDay);
}

// A lock that no statement takes: of the sets as an object rather than as a relation.
void lock_against_folders(Oid sets) {
    if (IsolationUsesXactSnapshot())
        ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
                        errmsg("availability.fold needs isolation level READ COMMITTED"),
                        errdetail("The snapshot of this transaction may be older than its lock.")));
    LockDatabaseObject(RelationRelationId, sets, 0, ExclusiveLock);
}

// A fold while it runs, under its snapshot.
class Fold {
  public:
    Fold(const TrackedRow& row, const SetCompanions& companions)
        : companions_(companions), snapshot_(GetActiveSnapshot()), listings_(CurrentMemoryContext),
          row_memory_(AllocSetContextCreate(CurrentMemoryContext, "availability set row", ALLOCSET_DEFAULT_SIZES)) {
        listings_.booked_column = companions.calendar.columns[kSearchedBooked];
        SqlNames names;
        names.set("sets", qualified_name(row.sets));
        const Oid set_type =
            TupleDescAttr(RelationGetDescr(companions.sets.relation), companions.sets.columns[kSetListings] - 1)
                ->atttypid;
        insert_ = prepare("INSERT INTO {sets} (day, block, listings) VALUES ($1, $2, $3)", names, set_type);
        update_ = prepare("UPDATE {sets} SET listings = $3 WHERE day = $1 AND block = $2", names, set_type);
        delete_past_ = expand_sql("DELETE FROM {sets} WHERE day < $1 AND day > '-infinity'", names);
        delete_all_ = expand_sql("DELETE FROM {sets}", names);
    }

    int64 from_delta(int64 most) {
        const Day covered = first_covered_day(companions_.sets, snapshot_);
        if (covered == kEndDay)
            return from_calendars();
        first_day_ = std::max(covered, first_day_not_past());
        Delta delta = read_delta(companions_.delta, snapshot_, true, most);
        if (first_day_ > covered)
            drop_past_days();
        if (delta.tid_count == 0)
            return 0;
        newest_rows(&delta);
        take_listings(delta);
        write_blocks(listings_, true);
        delete_rows(delta);
        return static_cast<int64>(listings_.count());
    }

    int64 from_calendars() {
        first_day_ = first_day_not_past();
        refills_ = true;
        run_plain_sql(delete_all_, {});
        const Delta delta = read_delta(companions_.delta, snapshot_, true, PG_INT64_MAX);
        mark_first_day();
        int64 folded = 0;
        const MemoryContext work =
            AllocSetContextCreate(CurrentMemoryContext, "availability refill", ALLOCSET_DEFAULT_SIZES);
        for (Ordinal from = 0; from <= kLastOrdinal;) {
            const MemoryContext caller = MemoryContextSwitchTo(work);
            const CalendarsInRange range(companions_, snapshot_, from);
            write_blocks(range.listings, false);
            folded += static_cast<int64>(range.listings.count());
            from = range.next();
            MemoryContextSwitchTo(caller);
            MemoryContextReset(work);
        }
        delete_rows(delta);
        return folded;
    }

  private:
    SPIPlanPtr prepare(const char* statement, const SqlNames& names, Oid set_type) {
        Oid types[] = {DATEOID, INT4OID, set_type};
        SPIPlanPtr plan = SPI_prepare(expand_sql(statement, names), 3, types);
        if (plan == nullptr)
            elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
        return plan;
    }

    void write(SPIPlanPtr plan, DateADT day, std::uint32_t block, const OrdinalBits& bits) {
        const MemoryContext caller = MemoryContextSwitchTo(row_memory_);
        Datum values[] = {DateADTGetDatum(day), Int32GetDatum(static_cast<int32>(block)),
                          make_listing_set([&](auto visit) { visit(block, bits); })};
        const int result = SPI_execute_plan(plan, values, nullptr, false, 0);
        MemoryContextSwitchTo(caller);
        if (result < 0)
            elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
        if (SPI_processed != 1)
            ereport(ERROR, (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
                            errmsg("a trigger or rule on \"%s\" kept it from changing",
                                   RelationGetRelationName(companions_.sets.relation))));
        MemoryContextReset(row_memory_);
    }

    // The row that says from which day on the sets are complete.
    void mark_first_day() {
        bool found = false;
        const DateADT date = date_from_day(first_day_);
        scan_sets(companions_.sets, snapshot_, date, date, 0, kMostContainers - 1,
                  [&](DateADT, std::uint32_t block, TupleTableSlot*) {
                      found = block == 0;
                      return false;
                  });
        if (found && !refills_)
            return;
        OrdinalBits none;
        none.clear();
        write(insert_, date, 0, none);
        marked_ = true;
    }

    void drop_past_days() {
        run_plain_sql(delete_past_, {{DATEOID, DateADTGetDatum(date_from_day(first_day_))}});
        mark_first_day();
    }

    // The calendars of the delta's listings, by its copies or looked up; a listing without one is gone.
    void take_listings(const Delta& delta) {
        GrowingListingSet lookups(CurrentMemoryContext);
        for (Size i = 0; i < delta.count; i++) {
            const DeltaRow& row = delta.rows[i];
            listings_.add(row.ordinal, !row.is_lookup, delta.bytes + row.booked, row.size);
            if (row.is_lookup)
                lookups.add(row.ordinal);
        }
        visit_calendars(companions_, snapshot_, view_of(lookups.to_datum()), &listings_);
        listings_.sort();
    }

    void write_blocks(const FoldedListings& listings, bool has_rows) {
        const MemoryContext work =
            AllocSetContextCreate(CurrentMemoryContext, "availability fold", ALLOCSET_DEFAULT_SIZES);
        for (Size first = 0; first < listings.count();) {
            const BlockOfListings block = block_at(listings, first);
            const MemoryContext caller = MemoryContextSwitchTo(work);
            write_block(*make_target(listings, block), block.key, has_rows);
            MemoryContextSwitchTo(caller);
            MemoryContextReset(work);
            first = block.end;
        }
        MemoryContextDelete(work);
    }

    void write_block(const BlockTarget& target, std::uint32_t key, bool has_rows) {
        // The last day that is there already may be later than any that is to come.
        Day end_day = target.end_day;
        Day stored_end = end_day;
        if (has_rows)
            scan_sets(companions_.sets, snapshot_, date_from_day(std::max(end_day, first_day_)),
                      date_from_day(kLastDay), static_cast<int32>(key), static_cast<int32>(key),
                      [&](DateADT date, std::uint32_t, TupleTableSlot*) {
                          stored_end = day_from_date(date) + 1;
                          return true;
                      });
        end_day = std::max(end_day, stored_end);
        auto* days = static_cast<OrdinalBits*>(palloc_extended(
            static_cast<Size>(std::clamp(end_day - first_day_, 1, kMostDaysAtOnce)) * sizeof(OrdinalBits),
            MCXT_ALLOC_HUGE));
        for (Day day = first_day_; day < end_day; day += kMostDaysAtOnce)
            write_days(target, key, {day, std::min(day + kMostDaysAtOnce, end_day)}, days, has_rows);
        days[0] = target.known;
        write_stored(key, kEveryListing, kEveryListing, target.changed, days, has_rows, [](DateADT) { return 0; });
        if (!days[0].empty())
            write(insert_, kEveryListing, key, days[0]);
    }

    void write_days(const BlockTarget& target, std::uint32_t key, DaySpan span, OrdinalBits* days, bool has_rows) {
        for (Day i = 0; i < span.days(); i++)
            days[i].clear();
        add_booked(target.calendars, target.count, span, days);
        write_stored(key, date_from_day(span.first_day), date_from_day(span.end_day - 1), target.changed, days,
                     has_rows, [span](DateADT date) { return day_from_date(date) - span.first_day; });
        for (Day i = 0; i < span.days(); i++)
            if (!days[i].empty()) {
                // The row that marks the first day is there already.
                const bool is_marked = marked_ && key == 0 && span.first_day + i == first_day_;
                write(is_marked ? update_ : insert_, date_from_day(span.first_day + i), key, days[i]);
            }
    }

    // Updates the rows that are there, by what place_of(day) of the bits holds, which is then cleared.
    template <typename PlaceOf>
    void write_stored(std::uint32_t key, DateADT first_date, DateADT last_date, const OrdinalBits& changed,
                      OrdinalBits* bits, bool has_rows, PlaceOf place_of) {
        if (!has_rows)
            return;
        scan_sets(companions_.sets, snapshot_, first_date, last_date, static_cast<int32>(key), static_cast<int32>(key),
                  [&](DateADT date, std::uint32_t, TupleTableSlot* slot) {
                      OrdinalBits stored;
                      stored.clear();
                      add_row_to(companions_.sets, slot, key, &stored);
                      OrdinalBits next = stored;
                      next.subtract(changed);
                      OrdinalBits& wanted = bits[place_of(date)];
                      next.unite(wanted);
                      wanted.clear();
                      if (std::memcmp(&next, &stored, sizeof(next)) != 0)
                          write(update_, date, key, next);
                      return true;
                  });
    }

    // Rows that somebody deleted by hand meanwhile are gone, as they should be.
    void delete_rows(const Delta& delta) {
        for (Size i = 0; i < delta.tid_count; i++) {
            CHECK_FOR_INTERRUPTS();
            TM_FailureData failure;
            table_tuple_delete(companions_.delta.relation, &delta.tids[i], GetCurrentCommandId(true), snapshot_,
                               InvalidSnapshot, true, &failure, false);
        }
    }

    const SetCompanions& companions_;
    Snapshot snapshot_;
    FoldedListings listings_;
    SPIPlanPtr insert_ = nullptr;
    SPIPlanPtr update_ = nullptr;
    const char* delete_past_ = nullptr;
    const char* delete_all_ = nullptr;
    MemoryContext row_memory_;
    Day first_day_ = kFirstDay;
    bool refills_ = false;
    bool marked_ = false;
};
static_assert(std::is_trivially_destructible_v<Fold>);

template <typename Run>
int64 fold_under_latest_snapshot(const TrackedRow& tracked, Run run) {
    // Who drops the sets has the calendar alone: with it locked, they are the ones that stay.
    LockRelationOid(tracked.calendar, AccessShareLock);
    const TrackedRow row = require_tracked_row(tracked.reservations);
    lock_against_folders(row.sets);
    const SetCompanions companions = open_set_companions(row, RowExclusiveLock);
    const auto folded = static_cast<int64>(under_latest_snapshot([&] {
        Fold fold(row, companions);
        return static_cast<uint64>(run(&fold));
    }));
    close_set_companions(companions);
    return folded;
}

} // namespace

int64 fold_sets(const TrackedRow& row, int64 most) {
    return fold_under_latest_snapshot(row, [most](Fold* fold) { return fold->from_delta(most); });
}

int64 refill_sets(const TrackedRow& row) {
    return fold_under_latest_snapshot(row, [](Fold* fold) { return fold->from_calendars(); });
}

} // namespace availability

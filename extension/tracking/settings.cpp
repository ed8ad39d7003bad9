// The settings of tracked tables.

#include "extension/tracking/settings.hpp"

#include <algorithm>
#include <cstring>

#include "extension/dayset/type.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/server/spi.hpp"

extern "C" {
#include <access/genam.h>
#include <access/htup_details.h>
#include <access/table.h>
#include <catalog/namespace.h>
#include <catalog/pg_type.h>
#include <parser/parse_func.h>
#include <utils/builtins.h>
#include <utils/fmgroids.h>
#include <utils/inval.h>
#include <utils/lsyscache.h>
#include <utils/syscache.h>
#include <utils/timestamp.h>
}

namespace availability {

namespace {

// Columns of availability.tracked, in the order of extension/sql/50_tracked.sql.
enum TrackedColumn {
    kReservations = 1,
    kCalendar,
    kDay,
    kMonthView,
    kOpenView,
    kClaims,
    kClaim,
    kListings,
    kListingsTrigger,
    kSince,
    kCancel = 15,
    kHold,
    kRequest,
    kMaxHoldTtl,
    kMaxStay,
    kMaxHolds,
};

Oid tracked_table() {
    const Oid schema = get_namespace_oid("availability", true);
    const Oid table = OidIsValid(schema) ? get_relname_relid("tracked", schema) : InvalidOid;
    if (!OidIsValid(table))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                        errmsg("extension \"availability\" is not installed in this database")));
    return table;
}

// Those of a new table while the extension is at an earlier version than the library.
HoldLimits limits_from_tuple(HeapTuple tuple, TupleDesc descriptor) {
    HoldLimits limits{true, {USECS_PER_HOUR, 0, 0}, 366, 100};
    if (descriptor->natts < kMaxHolds)
        return limits;
    bool is_null;
    const Datum ttl = heap_getattr(tuple, kMaxHoldTtl, descriptor, &is_null);
    limits.has_ttl = !is_null;
    if (!is_null)
        limits.ttl = *DatumGetIntervalP(ttl);
    const auto number = [&](int place) {
        const Datum value = heap_getattr(tuple, place, descriptor, &is_null);
        return is_null ? kNoLimit : DatumGetInt32(value);
    };
    limits.stay = number(kMaxStay);
    limits.holds = number(kMaxHolds);
    return limits;
}

TrackedRow row_from_tuple(HeapTuple tuple, TupleDesc descriptor) {
    TrackedRow row{};
    bool is_null;
    // While the extension is at an earlier version than the library, the last columns are missing.
    const auto column = [&](int place) {
        is_null = true;
        return place <= descriptor->natts ? heap_getattr(tuple, place, descriptor, &is_null) : 0;
    };
    const auto oid = [&](int place) {
        const Datum value = column(place);
        return is_null ? InvalidOid : DatumGetObjectId(value);
    };
    const auto name = [&](int place, NameData* result) {
        const Datum value = column(place);
        namestrcpy(result, is_null ? "" : NameStr(*DatumGetName(value)));
    };
    row.reservations = oid(kReservations);
    row.calendar = oid(kCalendar);
    row.day = oid(kDay);
    row.month_view = oid(kMonthView);
    row.open_view = oid(kOpenView);
    row.claims = oid(kClaims);
    name(kClaim, &row.claim);
    row.listings = oid(kListings);
    name(kListingsTrigger, &row.listings_trigger);
    const Datum since = column(kSince);
    row.since = is_null ? kNoHorizon : day_from_date(DatumGetDateADT(since));
    row.hold = oid(kHold);
    row.request = oid(kRequest);
    column(kCancel);
    row.cancels_by_update = !is_null;
    row.hold_limits = limits_from_tuple(tuple, descriptor);
    return row;
}

// Calls visit(row) for every tracked table, or for the one given. Reads what is committed now, as a catalog is read,
// whatever the transaction's snapshot.
template <typename Visit>
void scan_tracked(Oid reservations, Visit visit) {
    Relation table = table_open(tracked_table(), AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, kReservations, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(reservations));
    SysScanDesc scan = systable_beginscan(table, InvalidOid, false, nullptr, OidIsValid(reservations) ? 1 : 0, &key);
    HeapTuple tuple;
    while (HeapTupleIsValid(tuple = systable_getnext(scan)))
        visit(row_from_tuple(tuple, RelationGetDescr(table)));
    systable_endscan(scan);
    table_close(table, AccessShareLock);
}

} // namespace

Day require_horizon(DateADT date) {
    const Day day = day_from_date(date);
    if (day < kFirstDay || day > kLastDay)
        ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("day out of range"),
                        errdetail("Supported days are 1970-01-01 to 2149-06-06.")));
    return day;
}

bool read_tracked_row(Oid reservations, TrackedRow* row) {
    bool found = false;
    if (!OidIsValid(reservations))
        return false;
    scan_tracked(reservations, [&](const TrackedRow& each) {
        *row = each;
        found = true;
    });
    return found;
}

TrackedRow require_tracked_row(Oid reservations) {
    TrackedRow row;
    if (!read_tracked_row(reservations, &row)) {
        const char* name = get_rel_name(reservations);
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                        errmsg("table \"%s\" is not tracked", name != nullptr ? name : psprintf("%u", reservations))));
    }
    return row;
}

bool tracks_bookings() {
    Relation table = table_open(tracked_table(), AccessShareLock);
    const bool has_columns = RelationGetDescr(table)->natts >= kRequest;
    table_close(table, AccessShareLock);
    return has_columns;
}

List* all_tracked_rows() {
    List* rows = NIL;
    scan_tracked(InvalidOid, [&](const TrackedRow& each) {
        auto* row = static_cast<TrackedRow*>(palloc(sizeof(TrackedRow)));
        *row = each;
        rows = lappend(rows, row);
    });
    return rows;
}

char* companion_name(const TrackedRow& row, const char* companion) {
    constexpr int kEnding = sizeof("claim") - 1;
    const char* claim = NameStr(row.claim);
    return psprintf("%.*s%s", std::max(static_cast<int>(std::strlen(claim)) - kEnding, 0), claim, companion);
}

TrackedRow tracked_row_of_tuple(HeapTuple tuple, TupleDesc descriptor) {
    return row_from_tuple(tuple, descriptor);
}

char* tracked_text(Oid reservations, const char* column) {
    Relation table = table_open(tracked_table(), AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, kReservations, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(reservations));
    SysScanDesc scan = systable_beginscan(table, InvalidOid, false, nullptr, 1, &key);
    char* text = nullptr;
    if (HeapTuple tuple = systable_getnext(scan); HeapTupleIsValid(tuple))
        text = SPI_getvalue(tuple, RelationGetDescr(table), SPI_fnumber(RelationGetDescr(table), column));
    systable_endscan(scan);
    table_close(table, AccessShareLock);
    return text;
}

bool is_tracked_table(Oid relation) {
    return relation == tracked_table();
}

bool tracked_row_of_listings(Oid listings, const char* trigger, TrackedRow* row) {
    bool found = false;
    scan_tracked(InvalidOid, [&](const TrackedRow& each) {
        if (each.listings == listings && namestrcmp(const_cast<Name>(&each.listings_trigger), trigger) == 0) {
            *row = each;
            found = true;
        }
    });
    return found;
}

void write_tracked(Oid reservations, const char* statement, const SqlNames& names) {
    Relation table = table_open(tracked_table(), RowExclusiveLock);
    const OwnerScope scope = enter_owner(table->rd_rel->relowner);
    run_sql(statement, names);
    leave_owner(scope);
    table_close(table, NoLock);
    if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(reservations)))
        CacheInvalidateRelcacheByRelid(reservations);
}

} // namespace availability

// The settings of tracked tables, and the session's cache of them.

#include "extension/tracking/settings.hpp"

#include <algorithm>
#include <cstring>

#include "extension/dayset/type.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/server/spi.hpp"

extern "C" {
#include <access/genam.h>
#include <access/relation.h>
#include <access/htup_details.h>
#include <access/table.h>
#include <access/xact.h>
#include <catalog/namespace.h>
#include <catalog/partition.h>
#include <catalog/pg_type.h>
#include <miscadmin.h>
#include <parser/parse_func.h>
#include <storage/lmgr.h>
#include <utils/builtins.h>
#include <utils/date.h>
#include <utils/fmgroids.h>
#include <utils/hsearch.h>
#include <utils/inval.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/syscache.h>
#include <utils/typcache.h>
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
};

Oid tracked_table() {
    const Oid schema = get_namespace_oid("availability", true);
    const Oid table = OidIsValid(schema) ? get_relname_relid("tracked", schema) : InvalidOid;
    if (!OidIsValid(table))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                        errmsg("extension \"availability\" is not installed in this database")));
    return table;
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

// The session's cache, by the relation whose trigger runs.
struct CacheEntry {
    Oid relation; // hash key
    bool valid;
    MemoryContext memory; // owns *tracked
    Tracked* tracked;
};

HTAB* cache = nullptr;
// Counts invalidations, so that one which arrives while an entry is built is not lost.
uint64 invalidations = 0;

void forget_relation(Datum, Oid relation) {
    invalidations++;
    HASH_SEQ_STATUS status;
    hash_seq_init(&status, cache);
    while (auto* entry = static_cast<CacheEntry*>(hash_seq_search(&status)))
        if (!OidIsValid(relation) || relation == entry->relation ||
            (entry->tracked != nullptr &&
             (relation == entry->tracked->row.reservations || relation == entry->tracked->row.calendar ||
              relation == entry->tracked->row.claims || relation == entry->tracked->row.day ||
              relation == entry->tracked->row.hold)))
            entry->valid = false;
}

// A function, a type or a role that a claim depends on may have changed.
void forget_all(Datum argument, int, uint32) {
    forget_relation(argument, InvalidOid);
}

void make_cache() {
    HASHCTL control{};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(CacheEntry);
    control.hcxt = TopMemoryContext;
    cache = hash_create("availability tracked tables", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    CacheRegisterRelcacheCallback(forget_relation, 0);
    CacheRegisterSyscacheCallback(PROCOID, forget_all, 0);
    CacheRegisterSyscacheCallback(TYPEOID, forget_all, 0);
}

// The triggers read and write companions by their columns' types, which the owner, who is anybody, can alter.
AttrNumber require_column(Relation companion, const char* name, Oid type) {
    const AttrNumber column = get_attnum(RelationGetRelid(companion), name);
    if (column <= 0 || TupleDescAttr(RelationGetDescr(companion), column - 1)->atttypid != type)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("companion \"%s\" has no column \"%s\" of type %s", RelationGetRelationName(companion),
                               name, format_type_be(type)),
                        errhint("Use availability.untrack and availability.track to make it again.")));
    return column;
}

void read_calendar_columns(Tracked* tracked) {
    const CompiledClaim& claim = tracked->claim;
    Relation calendar = open_companion(tracked->row.calendar, RowExclusiveLock);
    tracked->columns = {require_column(calendar, "listing_id", claim.listing_type),
                        require_column(calendar, "booked", dayset_type()),
                        require_column(calendar, "version", INT8OID),
                        require_column(calendar, "change", TEXTOID),
                        require_column(calendar, "reservation_id", claim.key_type),
                        require_column(calendar, "stay", DATERANGEOID),
                        require_column(calendar, "was", DATERANGEOID)};
    tracked->listing_collation = TupleDescAttr(RelationGetDescr(calendar), tracked->columns.listing - 1)->attcollation;
    table_close(calendar, NoLock);
}

void check_day_columns(const Tracked& tracked) {
    if (!OidIsValid(tracked.row.day))
        return;
    Relation days = open_companion(tracked.row.day, RowExclusiveLock);
    if (require_column(days, "listing_id", tracked.claim.listing_type) != kDayListing ||
        require_column(days, "day", DATEOID) != kDayDay ||
        require_column(days, "reservation_id", tracked.claim.key_type) != kDayReservation)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("columns of companion \"%s\" are not in their order", RelationGetRelationName(days)),
                        errhint("Use availability.untrack and availability.track to make it again.")));
    table_close(days, NoLock);
}

// The row of the relation itself, or of the closest partitioned table above it that is tracked.
bool row_for_trigger(Oid relation, TrackedRow* row) {
    if (read_tracked_row(relation, row))
        return true;
    if (!get_rel_relispartition(relation))
        return false;
    ListCell* cell;
    foreach (cell, get_partition_ancestors(relation))
        if (read_tracked_row(lfirst_oid(cell), row))
            return true;
    return false;
}

// Runs in the memory context that shall own the result.
Tracked* build_tracked(const TrackedRow& row, Relation relation) {
    auto* tracked = static_cast<Tracked*>(palloc0(sizeof(Tracked)));
    tracked->row = row;
    Relation reservations = table_open(row.reservations, AccessShareLock);
    tracked->owner = reservations->rd_rel->relowner;
    tracked->row_type = CreateTupleDescCopy(RelationGetDescr(reservations));
    table_close(reservations, AccessShareLock);
    tracked->row_map = row_map_by_name(RelationGetDescr(relation), tracked->row_type);

    tracked->claim = compile_claim(load_claim_expressions(row.reservations, row.claims), tracked->owner);
    read_calendar_columns(tracked);
    check_day_columns(*tracked);

    const TypeCacheEntry* listing = lookup_type_cache(tracked->claim.listing_type, TYPECACHE_CMP_PROC);
    fmgr_info(listing->cmp_proc, &tracked->compare_listings);
    const TypeCacheEntry* key = lookup_type_cache(tracked->claim.key_type, TYPECACHE_EQ_OPR);
    fmgr_info(get_opcode(key->eq_opr), &tracked->equal_keys);
    tracked->key_collation = get_typcollation(tracked->claim.key_type);
    return tracked;
}

} // namespace

Oid dayset_type() {
    return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("dayset"),
                           ObjectIdGetDatum(get_namespace_oid("availability", false)));
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

namespace {

// A companion function, by its name; InvalidOid if it is missing.
Oid companion_function(const TrackedRow& row, char* name, Oid argument) {
    char* schema = get_namespace_name(get_rel_namespace(row.calendar));
    return schema != nullptr ? LookupFuncName(list_make2(makeString(schema), makeString(name)), 1, &argument, true)
                             : InvalidOid;
}

} // namespace

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

Oid claim_function(const TrackedRow& row) {
    return companion_function(row, pstrdup(NameStr(row.claim)), get_rel_type_id(row.reservations));
}

Oid cancel_function(const TrackedRow& row) {
    const AttrNumber key = get_attnum(row.calendar, "reservation_id");
    return key > 0 && row.cancels_by_update
               ? companion_function(row, companion_name(row, "cancel"), get_atttype(row.calendar, key))
               : InvalidOid;
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

Relation open_companion(Oid companion, LOCKMODE mode) {
    Relation relation = try_relation_open(companion, mode);
    if (relation == nullptr)
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("a companion of a tracked table is missing"),
                 errdetail("Relation with OID %u was dropped.", companion),
                 errhint("Use availability.untrack and availability.track to make it again.")));
    return relation;
}

const Tracked* find_tracked(Relation relation) {
    if (cache == nullptr)
        make_cache();
    const Oid oid = RelationGetRelid(relation);
    auto* entry = static_cast<CacheEntry*>(hash_search(cache, &oid, HASH_FIND, nullptr));
    if (entry != nullptr && entry->valid) {
        // Once they are locked, nobody alters the companions any more, and what was altered is known.
        LockRelationOid(entry->tracked->row.calendar, RowExclusiveLock);
        if (OidIsValid(entry->tracked->row.day))
            LockRelationOid(entry->tracked->row.day, RowExclusiveLock);
        if (entry->valid)
            return entry->tracked;
    }

    const uint64 before = invalidations;
    TrackedRow row;
    if (!row_for_trigger(oid, &row))
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("table \"%s\" is not tracked", RelationGetRelationName(relation)),
                        errhint("Triggers of availability are made by availability.track alone.")));

    MemoryContext memory =
        AllocSetContextCreate(CurrentMemoryContext, "availability tracked table", ALLOCSET_SMALL_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(memory);
    Tracked* tracked = build_tracked(row, relation);
    MemoryContextSwitchTo(caller);

    bool found;
    entry = static_cast<CacheEntry*>(hash_search(cache, &oid, HASH_ENTER, &found));
    // A trigger further up the stack may still use what is replaced.
    if (found && entry->memory != nullptr)
        MemoryContextSetParent(entry->memory, TopTransactionContext);
    MemoryContextSetParent(memory, CacheMemoryContext);
    entry->memory = memory;
    entry->tracked = tracked;
    entry->valid = before == invalidations;
    return tracked;
}

namespace {

// The plan of a statement; NULL if others take all the places.
SPIPlanPtr kept_plan(const Tracked& tracked, const char* statement, std::initializer_list<SqlParameter> parameters) {
    for (KeptPlan& kept : tracked.plans) {
        if (kept.statement != nullptr && std::strcmp(kept.statement, statement) == 0)
            return kept.plan;
        if (kept.statement != nullptr)
            continue;
        // The plan goes with what it belongs to.
        MemoryContext memory = GetMemoryChunkContext(const_cast<Tracked*>(&tracked));
        auto* release = static_cast<MemoryContextCallback*>(MemoryContextAlloc(memory, sizeof(MemoryContextCallback)));
        char* text = MemoryContextStrdup(memory, statement);
        kept.plan = keep_plan(statement, parameters);
        kept.statement = text;
        release->func = [](void* plan) { SPI_freeplan(static_cast<SPIPlanPtr>(plan)); };
        release->arg = kept.plan;
        MemoryContextRegisterResetCallback(memory, release);
        return kept.plan;
    }
    return nullptr;
}

} // namespace

uint64 run_kept_sql(const Tracked& tracked, const char* statement, std::initializer_list<SqlParameter> parameters) {
    SPIPlanPtr plan = kept_plan(tracked, statement, parameters);
    return plan != nullptr ? run_plan(plan, parameters, false) : run_plain_sql(statement, parameters);
}

uint64 query_kept_latest(const Tracked& tracked, const char* statement,
                         std::initializer_list<SqlParameter> parameters) {
    SPIPlanPtr plan = kept_plan(tracked, statement, parameters);
    if (plan == nullptr)
        return query_latest(statement, SqlNames(), parameters);
    return under_latest_snapshot([&] { return run_plan(plan, parameters, true); });
}

int compare_listings(const Tracked& tracked, Datum a, Datum b) {
    return DatumGetInt32(FunctionCall2Coll(&tracked.compare_listings, tracked.listing_collation, a, b));
}

bool same_key(const Tracked& tracked, const Claim& a, const Claim& b) {
    if (a.key_is_null || b.key_is_null)
        return a.key_is_null == b.key_is_null;
    return DatumGetBool(FunctionCall2Coll(&tracked.equal_keys, tracked.key_collation, a.key, b.key));
}

} // namespace availability

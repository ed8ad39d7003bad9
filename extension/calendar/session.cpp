// What a session keeps of the tracked tables whose row triggers it ran.

#include "extension/calendar/session.hpp"

#include "extension/tracking/prove.hpp"

extern "C" {
#include <access/table.h>
#include <catalog/partition.h>
#include <catalog/pg_type.h>
#include <nodes/plannodes.h>
#include <storage/lmgr.h>
#include <utils/hsearch.h>
#include <utils/inval.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/rel.h>
#include <utils/syscache.h>
#include <utils/typcache.h>
}

namespace availability {

namespace {

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

bool depends_on(const CompiledClaim& claim, int cache_id, uint32 hash) {
    ListCell* cell;
    foreach (cell, claim.dependencies) {
        const auto* item = lfirst_node(PlanInvalItem, cell);
        if (item->cacheId == cache_id && (hash == 0 || item->hashValue == hash))
            return true;
    }
    return false;
}

// A function or a type that a claim depends on has changed. Every new table is a new type, temporary ones too: all
// others stay as they are.
void forget_object(Datum, int cache_id, uint32 hash) {
    invalidations++;
    HASH_SEQ_STATUS status;
    hash_seq_init(&status, cache);
    while (auto* entry = static_cast<CacheEntry*>(hash_seq_search(&status)))
        if (entry->tracked != nullptr && depends_on(entry->tracked->claim, cache_id, hash))
            entry->valid = false;
}

void make_cache() {
    HASHCTL control{};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(CacheEntry);
    control.hcxt = TopMemoryContext;
    cache = hash_create("availability tracked tables", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    CacheRegisterRelcacheCallback(forget_relation, 0);
    CacheRegisterSyscacheCallback(PROCOID, forget_object, 0);
    CacheRegisterSyscacheCallback(TYPEOID, forget_object, 0);
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
    tracked->plans.memory = CurrentMemoryContext;
    Relation reservations = table_open(row.reservations, AccessShareLock);
    tracked->row_type = CreateTupleDescCopy(RelationGetDescr(reservations));
    table_close(reservations, AccessShareLock);
    tracked->row_map = row_map_by_name(RelationGetDescr(relation), tracked->row_type);

    const ClaimExpressions claim = load_claim_expressions(row.reservations, row.claims);
    tracked->owner = relation_owner(row.claims);
    tracked->claim = compile_claim(claim, tracked->owner);
    tracked->types = companion_types(claim);
    close_companion(open_calendar(*tracked, RowExclusiveLock));
    if (OidIsValid(row.day))
        close_companion(open_days(*tracked, RowExclusiveLock));

    const TypeCacheEntry* listing = lookup_type_cache(tracked->claim.listing_type, TYPECACHE_CMP_PROC);
    fmgr_info(listing->cmp_proc, &tracked->compare_listings);
    const TypeCacheEntry* key = lookup_type_cache(tracked->claim.key_type, TYPECACHE_EQ_OPR);
    fmgr_info(get_opcode(key->eq_opr), &tracked->equal_keys);
    tracked->key_collation = get_typcollation(tracked->claim.key_type);
    return tracked;
}

} // namespace

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

Companion open_calendar(const Tracked& tracked, LOCKMODE mode) {
    return open_companion(CompanionKind::kCalendar, tracked.row.calendar, tracked.types, mode);
}

Companion open_days(const Tracked& tracked, LOCKMODE mode) {
    return open_companion(CompanionKind::kDay, tracked.row.day, tracked.types, mode);
}

Companion open_holds(const Tracked& tracked, LOCKMODE mode) {
    return open_companion(CompanionKind::kHold, tracked.row.hold, tracked.types, mode);
}

Companion open_requests(const Tracked& tracked, LOCKMODE mode) {
    return open_companion(CompanionKind::kRequest, tracked.row.request, tracked.types, mode);
}

int compare_listings(const Tracked& tracked, Datum a, Datum b) {
    return DatumGetInt32(FunctionCall2Coll(&tracked.compare_listings, tracked.types.listing_collation, a, b));
}

bool same_key(const Tracked& tracked, const Claim& a, const Claim& b) {
    if (a.key_is_null || b.key_is_null)
        return a.key_is_null == b.key_is_null;
    return DatumGetBool(FunctionCall2Coll(&tracked.equal_keys, tracked.key_collation, a.key, b.key));
}

} // namespace availability

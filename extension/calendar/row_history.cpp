// Rows that are changed again before the event of an earlier change of theirs has fired.

#include "extension/calendar/row_history.hpp"

#include <cstring>

extern "C" {
#include <access/sysattr.h>
#include <access/tableam.h>
#include <access/xact.h>
#include <utils/datum.h>
#include <utils/hsearch.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/rel.h>
#include <utils/snapmgr.h>
}

namespace availability {

namespace {

// A row version that this transaction made. Its place may be used again once a subtransaction was rolled back, but then
// by another one.
struct RowVersion {
    Oid relation;
    TransactionId made_by;
    ItemPointerData tid;
    uint16 padding;
};

// What is known of a version that has been replaced.
struct Replaced {
    RowVersion version; // hash key
    bool was_put_off;   // the event that made it; else the one that replaced it has fired
    Claim held;         // what the calendars have of it, if it was put off
};

// Versions that are remembered at the most: past that, a row that is changed twice is refused as what can't be decided.
constexpr long kMost = 1 << 16;

HTAB* history = nullptr;
LocalTransactionId history_of;

HTAB* current_history() {
    if (history == nullptr || history_of != local_transaction()) {
        HASHCTL control{};
        control.keysize = sizeof(RowVersion);
        control.entrysize = sizeof(Replaced);
        control.hcxt = TopTransactionContext;
        history = hash_create("availability replaced rows", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
        history_of = local_transaction();
    }
    return history;
}

bool is_full() {
    return hash_get_num_entries(current_history()) >= kMost;
}

// False if the version is not one that this transaction made.
bool own_version(Relation relation, TupleTableSlot* slot, RowVersion* version) {
    bool is_null;
    const TransactionId made_by =
        DatumGetTransactionId(slot_getsysattr(slot, MinTransactionIdAttributeNumber, &is_null));
    if (is_null || !TransactionIdIsCurrentTransactionId(made_by))
        return false;
    std::memset(version, 0, sizeof(*version));
    version->relation = RelationGetRelid(relation);
    version->made_by = made_by;
    version->tid = slot->tts_tid;
    return true;
}

Datum copy_value(Datum value, Oid type) {
    int16 length;
    bool by_value;
    get_typlenbyval(type, &length, &by_value);
    return datumCopy(value, by_value, length);
}

Claim copy_claim(const Claim& claim, const CompiledClaim& types) {
    Claim copy = claim;
    if (!claim.held())
        return copy;
    MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
    copy.listing = copy_value(claim.listing, types.listing_type);
    if (!claim.key_is_null)
        copy.key = copy_value(claim.key, types.key_type);
    MemoryContextSwitchTo(caller);
    return copy;
}

[[noreturn]] void report_undecided(Relation relation) {
    ereport(ERROR, (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
                    errmsg("row of table \"%s\" was changed again before its days were taken",
                           RelationGetRelationName(relation)),
                    errhint("Change it in a BEFORE trigger, or in a statement of its own.")));
    pg_unreachable();
}

} // namespace

void find_held(Relation relation, TupleTableSlot* before, const CompiledClaim& types, Claim* held) {
    RowVersion version;
    if (!own_version(relation, before, &version))
        return;
    bool found;
    auto* replaced =
        static_cast<Replaced*>(hash_search(current_history(), &version, is_full() ? HASH_FIND : HASH_ENTER, &found));
    if (found && replaced->was_put_off)
        *held = copy_claim(replaced->held, types);
    else if (replaced != nullptr)
        replaced->was_put_off = false;
}

bool put_off(Relation relation, TupleTableSlot* after, const CompiledClaim& types, const Claim& held) {
    if (table_tuple_satisfies_snapshot(relation, after, SnapshotSelf))
        return false;
    RowVersion version;
    bool found = false;
    if (!own_version(relation, after, &version) || is_full())
        report_undecided(relation);
    auto* replaced = static_cast<Replaced*>(hash_search(current_history(), &version, HASH_ENTER, &found));
    if (found)
        report_undecided(relation);
    replaced->was_put_off = true;
    replaced->held = copy_claim(held, types);
    return true;
}

} // namespace availability

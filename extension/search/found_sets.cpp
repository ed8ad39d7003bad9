// The results of searches, kept for as long as a snapshot sees the same.

#include "extension/search/found_sets.hpp"

extern "C" {
#include <access/xact.h>
#include <miscadmin.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/rel.h>
#include <utils/rls.h>
#include <utils/snapmgr.h>
}

namespace availability {

namespace {

// As many searches as a query may ask for by turns.
constexpr int kKept = 4;

// What a snapshot sees: two with the same of these see the same.
struct SnapshotState {
    TransactionId xmin;
    TransactionId xmax;
    uint32 xcnt;
    int32 subxcnt;
    bool suboverflowed;
    bool in_recovery;
    CommandId command;
    SubTransactionId subtransaction; // whose own changes it sees
};

struct FoundSet {
    SetQuestion question;
    Oid user;
    SnapshotState state;
    TransactionId* running;
    const struct varlena* result;
};

// They lie in the memory of their transaction.
LocalTransactionId kept_transaction = InvalidLocalTransactionId;
FoundSet kept[kKept];
int next_kept = 0;

SnapshotState state_of(Snapshot snapshot) {
    return {snapshot->xmin,          snapshot->xmax,
            snapshot->xcnt,          snapshot->subxcnt,
            snapshot->suboverflowed, snapshot->takenDuringRecovery,
            snapshot->curcid,        GetCurrentSubTransactionId()};
}

bool is_same(const SnapshotState& a, const SnapshotState& b) {
    return a.xmin == b.xmin && a.xmax == b.xmax && a.xcnt == b.xcnt && a.subxcnt == b.subxcnt &&
           a.suboverflowed == b.suboverflowed && a.in_recovery == b.in_recovery && a.command == b.command &&
           a.subtransaction == b.subtransaction;
}

Size running_count(const SnapshotState& state) {
    return state.xcnt + static_cast<Size>(Max(state.subxcnt, 0));
}

bool sees_same(const FoundSet& found, const SnapshotState& state, Snapshot snapshot) {
    return is_same(found.state, state) &&
           std::memcmp(found.running, snapshot->xip, state.xcnt * sizeof(TransactionId)) == 0 &&
           std::memcmp(found.running + state.xcnt, snapshot->subxip,
                       static_cast<Size>(Max(state.subxcnt, 0)) * sizeof(TransactionId)) == 0;
}

bool is_same(const SetQuestion& a, const SetQuestion& b) {
    if (a.reservations != b.reservations || a.within != b.within || a.nights != b.nights ||
        (a.among == nullptr) != (b.among == nullptr))
        return false;
    return a.among == nullptr ||
           (VARSIZE_ANY_EXHDR(a.among) == VARSIZE_ANY_EXHDR(b.among) &&
            std::memcmp(VARDATA_ANY(a.among), VARDATA_ANY(b.among), VARSIZE_ANY_EXHDR(a.among)) == 0);
}

const FoundSet* find_kept(const SetQuestion& question, Snapshot snapshot) {
    if (kept_transaction != local_transaction()) {
        kept_transaction = local_transaction();
        for (FoundSet& found : kept)
            found = FoundSet{};
        next_kept = 0;
    }
    const SnapshotState state = state_of(snapshot);
    for (const FoundSet& found : kept)
        if (found.result != nullptr && found.user == GetUserId() && is_same(found.question, question) &&
            sees_same(found, state, snapshot))
            return &found;
    return nullptr;
}

const struct varlena* copy_of(const struct varlena* value) {
    auto* copy = static_cast<struct varlena*>(palloc(VARSIZE_ANY(value)));
    std::memcpy(copy, value, VARSIZE_ANY(value));
    return copy;
}

void release(FoundSet* found) {
    if (found->result == nullptr)
        return;
    pfree(const_cast<struct varlena*>(found->result));
    if (found->question.among != nullptr)
        pfree(const_cast<struct varlena*>(found->question.among));
    pfree(found->running);
    *found = FoundSet{};
}

// In the memory of the transaction.
const struct varlena* keep(SetQuestion question, Snapshot snapshot, const struct varlena* result) {
    const MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
    FoundSet& found = kept[next_kept];
    next_kept = (next_kept + 1) % kKept;
    release(&found);
    const SnapshotState state = state_of(snapshot);
    auto* running = static_cast<TransactionId*>(palloc((running_count(state) + 1) * sizeof(TransactionId)));
    std::memcpy(running, snapshot->xip, state.xcnt * sizeof(TransactionId));
    std::memcpy(running + state.xcnt, snapshot->subxip,
                static_cast<Size>(Max(state.subxcnt, 0)) * sizeof(TransactionId));
    if (question.among != nullptr)
        question.among = copy_of(question.among);
    const struct varlena* copy = copy_of(result);
    found = {question, GetUserId(), state, running, copy};
    MemoryContextSwitchTo(caller);
    return copy;
}

// Asked before anything is locked: a role without rights neither waits for the calendars' owner nor keeps him waiting.
bool may_read(Oid calendar) {
    const Oid user = GetUserId();
    if (get_rel_name(calendar) == nullptr)
        return true; // what is missing is said by who opens it
    if (pg_class_aclcheck(calendar, user, ACL_SELECT) == ACLCHECK_OK)
        return true;
    for (const char* column : {"listing_id", "ordinal", "booked"})
        if (pg_attribute_aclcheck(calendar, get_attnum(calendar, column), user, ACL_SELECT) != ACLCHECK_OK)
            return false;
    return true;
}

bool hides_rows(Oid calendar) {
    return check_enable_rls(calendar, InvalidOid, true) == RLS_ENABLED;
}

// Calls take(set) with what is found, in memory that goes with the call.
template <typename Take>
auto search(const SetQuestion& question, Take take) {
    const SetCompanions companions = open_for_search(question.reservations);
    const MemoryContext work =
        AllocSetContextCreate(CurrentMemoryContext, "availability found set", ALLOCSET_DEFAULT_SIZES);
    const MemoryContext caller = MemoryContextSwitchTo(work);
    ListingSetView among;
    if (question.among != nullptr)
        among = view_listing_set(question.among);
    const SearchRequest request = {question.within, question.nights, question.among != nullptr ? &among : nullptr};
    FreeListings free(request, work);
    search_sets(companions, GetActiveSnapshot(), request, &free);
    const auto result = take(free.set);
    MemoryContextSwitchTo(caller);
    MemoryContextDelete(work);
    close_set_companions(companions);
    return result;
}

} // namespace

bool may_search(Oid reservations) {
    TrackedRow row;
    return read_tracked_row(reservations, &row) && OidIsValid(row.sets) && may_read(row.calendar) &&
           !hides_rows(row.calendar);
}

SetCompanions open_for_search(Oid reservations) {
    const TrackedRow row = require_tracked_row(reservations);
    if (!may_read(row.calendar))
        aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(row.calendar));
    const SetCompanions companions = open_set_companions(row, AccessShareLock);
    const char* name = RelationGetRelationName(companions.calendar.relation);
    if (hides_rows(row.calendar))
        ereport(
            ERROR,
            (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("row-level security may hide rows of table \"%s\"", name),
             errdetail("A search of the sets would find them all the same."),
             errhint("Search the calendars: SELECT listing_id FROM %s WHERE availability.is_available(booked, stay);",
                     qualified_name(row.calendar))));
    return companions;
}

const struct varlena* found_set(const SetQuestion& question) {
    if (const FoundSet* found = find_kept(question, GetActiveSnapshot()))
        return found->result;
    return search(question, [&question](const GrowingListingSet& set) {
        return keep(question, GetActiveSnapshot(),
                    reinterpret_cast<const struct varlena*>(DatumGetPointer(set.to_datum())));
    });
}

std::uint64_t count_found(const SetQuestion& question) {
    return search(question, [](const GrowingListingSet& set) { return set.count(); });
}

} // namespace availability

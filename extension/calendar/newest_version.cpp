// Where this transaction left the calendars that it changed.

#include "extension/calendar/newest_version.hpp"

#include <algorithm>

#include "extension/server/boundary.hpp"

extern "C" {
#include <access/tableam.h>
#include <access/xact.h>
#include <common/hashfn.h>
#include <storage/bufmgr.h>
#include <utils/datum.h>
#include <utils/memutils.h>
#include <utils/rel.h>
#include <utils/snapmgr.h>
}

namespace availability {

namespace {

// A version of a calendar, and the subtransaction that made it.
struct Version {
    ItemPointerData tid;
    SubTransactionId subtransaction; // InvalidSubTransactionId: there is none
};

// Where this transaction left the calendars that it changed. The versions of a calendar that one transaction makes stay
// on their HOT chain until it ends: finding the newest by the index means walking them all. What is remembered is a
// guess: it is taken only if the snapshot sees it and it belongs to the listing. A snapshot never sees two versions of
// one calendar.
//
// A subtransaction may be rolled back: what the one around it had made counts again. So the newest of each of the last
// few that changed the calendar are kept, the newest of all first.
struct NewestVersion {
    static constexpr int kDepth = 4;

    uint32 hash;
    Oid calendar; // InvalidOid while there is none
    Version versions[kDepth];
};

// One version a hash: the last one wins. As many as the transaction needs, up to a bound.
struct Versions {
    LocalTransactionId transaction;
    uint32 size; // a power of two
    uint32 used;
    NewestVersion* versions;
};

constexpr uint32 kFewVersions = 128;
constexpr uint32 kMostVersions = 1 << 18;
NewestVersion few_versions[kFewVersions];
Versions versions;

NewestVersion& version_of(uint32 hash) {
    if (versions.transaction != local_transaction()) {
        std::fill_n(few_versions, kFewVersions, NewestVersion{});
        versions = {local_transaction(), kFewVersions, 0, few_versions};
    }
    return versions.versions[hash & (versions.size - 1)];
}

uint32 hash_of(const Companion& calendar, Datum listing) {
    const Form_pg_attribute column =
        TupleDescAttr(RelationGetDescr(calendar.relation), calendar.columns[kCalendarListing] - 1);
    return hash_combine(datum_image_hash(listing, column->attbyval, column->attlen), calendar.oid());
}

void make_room() {
    const Versions old = versions;
    versions.size *= 8;
    versions.used = 0;
    versions.versions = static_cast<NewestVersion*>(
        MemoryContextAllocZero(TopTransactionContext, versions.size * sizeof(NewestVersion)));
    for (uint32 i = 0; i < old.size; i++)
        if (OidIsValid(old.versions[i].calendar)) {
            version_of(old.versions[i].hash) = old.versions[i];
            versions.used++;
        }
    if (old.versions != few_versions)
        pfree(old.versions);
}

// Fetches a version, if it is one of the listing's that the snapshot sees.
bool is_seen(const Tracked& tracked, const Companion& calendar, Datum listing, ItemPointerData tid,
             TupleTableSlot* slot) {
    // The table may have been rewritten since.
    if (ItemPointerGetBlockNumber(&tid) >= RelationGetNumberOfBlocks(calendar.relation) ||
        !table_tuple_fetch_row_version(calendar.relation, &tid, GetActiveSnapshot(), slot))
        return false;
    bool is_null;
    const Datum found = slot_getattr(slot, calendar.columns[kCalendarListing], &is_null);
    return !is_null && compare_listings(tracked, found, listing) == 0;
}

} // namespace

void remember_newest(const Companion& calendar, Datum listing, const ItemPointerData& tid) {
    const uint32 hash = hash_of(calendar, listing);
    NewestVersion& newest = version_of(hash);
    const bool is_new = !OidIsValid(newest.calendar);
    if (newest.hash != hash || newest.calendar != calendar.oid())
        newest = {hash, calendar.oid(), {}};
    const SubTransactionId current = GetCurrentSubTransactionId();
    if (newest.versions[0].subtransaction != current)
        std::copy_backward(newest.versions, newest.versions + NewestVersion::kDepth - 1,
                           newest.versions + NewestVersion::kDepth);
    newest.versions[0] = {tid, current};
    if (is_new && ++versions.used > versions.size / 2 && versions.size < kMostVersions)
        make_room();
}

bool fetch_newest(const Tracked& tracked, const Companion& calendar, Datum listing, TupleTableSlot* slot) {
    const uint32 hash = hash_of(calendar, listing);
    NewestVersion& newest = version_of(hash);
    if (newest.hash != hash || newest.calendar != calendar.oid())
        return false;
    while (newest.versions[0].subtransaction != InvalidSubTransactionId) {
        if (is_seen(tracked, calendar, listing, newest.versions[0].tid, slot))
            return true;
        // Rolled back, or of a snapshot to come: then the index finds what is asked for.
        std::copy(newest.versions + 1, newest.versions + NewestVersion::kDepth, newest.versions);
        newest.versions[NewestVersion::kDepth - 1] = {};
    }
    return false;
}

} // namespace availability

// The rows of holds.

#include "extension/calendar/hold_rows.hpp"

#include "extension/dayset/type.hpp"
#include "extension/server/owner_scope.hpp"

extern "C" {
#include <catalog/pg_type.h>
#include <storage/bufmgr.h>
#include <utils/datum.h>
#include <utils/fmgrprotos.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/timestamp.h>
}

namespace availability {

namespace {

SqlNames hold_names(Oid hold) {
    SqlNames names;
    names.set("hold", qualified_name(hold));
    return names;
}

// Calls body(names) as the owner of the table of holds, which is open meanwhile, and returns what it returns.
template <typename Body>
auto with_holds(const Tracked& tracked, Body body) {
    const Companion holds = open_holds(tracked, RowExclusiveLock);
    return with_companion(holds, [&] { return body(hold_names(holds.oid())); });
}

SqlParameter id_parameter(const pg_uuid_t& id) {
    return {UUIDOID, UUIDPGetDatum(&id)};
}

SqlParameter now_parameter() {
    return {TIMESTAMPTZOID, TimestampTzGetDatum(GetCurrentTimestamp())};
}

// Of row `n` (listing_id, stay) that SPI returned; lives in `memory`. A stay that only the owner's own hand can have
// written holds nothing.
Hold hold_from_row(const Tracked& tracked, uint64 n, MemoryContext memory) {
    int16 length;
    bool by_value;
    get_typlenbyval(tracked.claim.listing_type, &length, &by_value);
    const SqlValue listing = result_value(n, 1, tracked.claim.listing_type);
    const SqlValue stay = result_value(n, 2, DATERANGEOID);
    const DateRange range = read_daterange(PG_DETOAST_DATUM_PACKED(stay.value));
    Hold hold{};
    if (!range.empty && !range.unbounded && range.span.supported()) {
        hold.stay = range.span;
        hold.claim.stay = intersection(range.span, {tracked.row.since, kAfterAllDays});
    }
    hold.claim.key_is_null = true;
    MemoryContext caller = MemoryContextSwitchTo(memory);
    hold.claim.listing = datumCopy(listing.value, by_value, length);
    MemoryContextSwitchTo(caller);
    return hold;
}

// What the holds of all rows that SPI returned hold: a list of Claim* in `memory`.
List* claims_from_rows(const Tracked& tracked, uint64 count, MemoryContext memory) {
    List* claims = NIL;
    for (uint64 n = 0; n < count; n++) {
        const Hold hold = hold_from_row(tracked, n, memory);
        MemoryContext spi = MemoryContextSwitchTo(memory);
        auto* claim = static_cast<Claim*>(palloc(sizeof(Claim)));
        *claim = hold.claim;
        claims = lappend(claims, claim);
        MemoryContextSwitchTo(spi);
    }
    return claims;
}

// Whether the table of holds has no page: the usual case of those who don't use them.
bool has_no_rows(const Tracked& tracked) {
    const Companion holds = open_holds(tracked, RowExclusiveLock);
    const bool empty = RelationGetNumberOfBlocks(holds.relation) == 0;
    close_companion(holds);
    return empty;
}

} // namespace

int64 count_live_holds(const Tracked& tracked, Datum listing, const SqlParameter& role) {
    return with_holds(tracked, [&](const SqlNames& names) {
        const char* statement =
            expand_sql("SELECT count(*) FROM {hold} WHERE listing_id = $1 AND holder = $2 AND expires_at > $3", names);
        query_kept_latest(&tracked.plans, statement, {{tracked.claim.listing_type, listing}, role, now_parameter()});
        return DatumGetInt64(result_value(0, 1, INT8OID).value);
    });
}

void insert_hold(const Tracked& tracked, const pg_uuid_t& id, Datum listing, DaySpan stay, TimestampTz expires_at,
                 const SqlParameter& role) {
    const uint64 inserted = with_holds(tracked, [&](const SqlNames& names) {
        const char* statement = expand_sql("INSERT INTO {hold} (hold_id, listing_id, stay, expires_at, holder)"
                                           " VALUES ($1, $2, $3, $4, $5)",
                                           names);
        return run_kept_sql(&tracked.plans, statement,
                            {id_parameter(id),
                             {tracked.claim.listing_type, listing},
                             {DATERANGEOID, make_daterange(stay)},
                             {TIMESTAMPTZOID, TimestampTzGetDatum(expires_at)},
                             role});
    });
    if (inserted != 1)
        ereport(ERROR, (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
                        errmsg("a trigger on companion \"%s\" kept the hold from being written",
                               get_rel_name(tracked.row.hold))));
}

bool has_hold(const TrackedRow& row, const pg_uuid_t& id) {
    if (!OidIsValid(row.hold) || get_rel_name(row.hold) == nullptr)
        return false;
    return as_owner(row.hold, [&] {
        return query_latest("SELECT FROM {hold} WHERE hold_id = $1", hold_names(row.hold), {id_parameter(id)}) > 0;
    });
}

bool find_hold(const Tracked& tracked, const pg_uuid_t& id, Hold* hold) {
    MemoryContext caller = CurrentMemoryContext;
    return with_holds(tracked, [&](const SqlNames& names) {
        const char* statement = expand_sql("SELECT listing_id, stay FROM {hold} WHERE hold_id = $1", names);
        const bool found = query_kept_latest(&tracked.plans, statement, {id_parameter(id)}) > 0;
        if (found)
            *hold = hold_from_row(tracked, 0, caller);
        return found;
    });
}

bool delete_hold(const Tracked& tracked, const pg_uuid_t& id) {
    return with_holds(tracked, [&](const SqlNames& names) {
        const char* statement = expand_sql("DELETE FROM {hold} WHERE hold_id = $1", names);
        return run_kept_sql(&tracked.plans, statement, {id_parameter(id)}) > 0;
    });
}

bool delete_live_hold(const Tracked& tracked, const pg_uuid_t& id) {
    return with_holds(tracked, [&](const SqlNames& names) {
        const char* statement = expand_sql("DELETE FROM {hold} WHERE hold_id = $1 AND expires_at > $2", names);
        return run_kept_sql(&tracked.plans, statement, {id_parameter(id), now_parameter()}) > 0;
    });
}

List* delete_expired_holds(const Tracked& tracked, Datum listing, DaySpan span) {
    if (!OidIsValid(tracked.row.hold) || has_no_rows(tracked))
        return NIL;
    MemoryContext caller = CurrentMemoryContext;
    return with_holds(tracked, [&](const SqlNames& names) {
        const uint64 count = run_sql(
            "DELETE FROM {hold} WHERE listing_id = $1 AND stay && $2 AND expires_at <= $3 RETURNING listing_id, stay",
            names, {{tracked.claim.listing_type, listing}, {DATERANGEOID, make_daterange(span)}, now_parameter()});
        return claims_from_rows(tracked, count, caller);
    });
}

List* move_holds(const Tracked& tracked, const SqlParameter& from, const SqlParameter& to) {
    if (!OidIsValid(tracked.row.hold) || has_no_rows(tracked))
        return NIL;
    MemoryContext caller = CurrentMemoryContext;
    return with_holds(tracked, [&](const SqlNames& names) {
        const uint64 count = run_sql("UPDATE {hold} SET listing_id = $2 WHERE listing_id = $1"
                                     " RETURNING listing_id, stay",
                                     names, {from, to});
        return claims_from_rows(tracked, count, caller);
    });
}

List* listings_with_expired_holds(const Tracked& tracked) {
    MemoryContext caller = CurrentMemoryContext;
    return with_holds(tracked, [&](const SqlNames& names) {
        const uint64 count =
            query_latest("SELECT DISTINCT ON (listing_id) listing_id, stay FROM {hold} WHERE expires_at <= $1"
                         " ORDER BY listing_id",
                         names, {now_parameter()});
        List* listings = NIL;
        for (uint64 n = 0; n < count; n++) {
            const Datum listing = hold_from_row(tracked, n, caller).claim.listing;
            MemoryContext spi = MemoryContextSwitchTo(caller);
            auto* kept = static_cast<Datum*>(palloc(sizeof(Datum)));
            *kept = listing;
            listings = lappend(listings, kept);
            MemoryContextSwitchTo(spi);
        }
        return listings;
    });
}

} // namespace availability

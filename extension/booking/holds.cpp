// Holds: days that are taken for a while, until a reservation is made of them.

#include "extension/booking/holds.hpp"

#include "extension/calendar/change.hpp"
#include "extension/tracking/companions.hpp"
#include "extension/dayset/type.hpp"
#include "extension/server/errors.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/server/spi.hpp"
#include "extension/tracking/verify.hpp"

extern "C" {
#include <access/table.h>
#include <catalog/pg_type.h>
#include <miscadmin.h>
#include <port/pg_bswap.h>
#include <storage/bufmgr.h>
#include <utils/builtins.h>
#include <utils/datum.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/timestamp.h>
}

namespace availability {

namespace {

// An id is a UUID of version 8 whose first 48 bits are when it expires, in milliseconds since 1970: so that a hold that
// expired and is gone can still be told from one that never was.
constexpr int kExpiryBytes = 6;
constexpr int64 kEpochMilliseconds = static_cast<int64>(kPostgresEpoch) * SECS_PER_DAY * 1000;

pg_uuid_t* new_hold_id(TimestampTz expires_at) {
    auto* id = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
    if (!pg_strong_random(id->data, UUID_LEN))
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
    const uint64 expiry = pg_hton64(static_cast<uint64>(expires_at / 1000 + kEpochMilliseconds) << 16);
    std::memcpy(id->data, &expiry, kExpiryBytes);
    id->data[6] = (id->data[6] & 0x0f) | 0x80;
    id->data[8] = (id->data[8] & 0x3f) | 0x80;
    return id;
}

bool has_expired(const pg_uuid_t& id) {
    uint64 expiry = 0;
    std::memcpy(&expiry, id.data, kExpiryBytes);
    const bool is_ours = (id.data[6] & 0xf0) == 0x80;
    return is_ours && static_cast<int64>(pg_ntoh64(expiry) >> 16) <= GetCurrentTimestamp() / 1000 + kEpochMilliseconds;
}

SqlNames hold_names(const TrackedRow& row) {
    SqlNames names;
    names.set("hold", qualified_name(row.hold));
    return names;
}

SqlParameter id_parameter(const pg_uuid_t& id) {
    return {UUIDOID, UUIDPGetDatum(&id)};
}

// Of a row (listing_id, stay) that SPI returned; lives in `memory`.
Hold hold_from_row(const Tracked& tracked, HeapTuple row, TupleDesc descriptor, MemoryContext memory) {
    bool is_null;
    int16 length;
    bool by_value;
    get_typlenbyval(tracked.claim.listing_type, &length, &by_value);
    Hold hold{};
    const Datum stay = SPI_getbinval(row, descriptor, 2, &is_null);
    hold.stay = read_daterange(PG_DETOAST_DATUM_PACKED(stay)).span;
    hold.claim.stay = intersection(hold.stay, {tracked.row.since, kAfterAllDays});
    hold.claim.key_is_null = true;
    MemoryContext caller = MemoryContextSwitchTo(memory);
    hold.claim.listing = datumCopy(SPI_getbinval(row, descriptor, 1, &is_null), by_value, length);
    MemoryContextSwitchTo(caller);
    return hold;
}

void free_days(const Tracked& tracked, const Claim& claim) {
    if (claim.held())
        change_calendar(tracked, {Change::kCancelled, claim.listing, 0, true, false, claim.stay, {0, 0}});
}

// As the foreign key of a reservation does, before the calendar is locked.
void lock_listing(const Tracked& tracked, Datum listing) {
    const char* column = listings_key_column(tracked.row);
    if (column == nullptr)
        return;
    SqlNames names;
    names.set("listings", qualified_name(tracked.row.listings));
    names.set("column", column);
    const OwnerScope scope = enter_owner(relation_owner(tracked.row.listings));
    SPI_connect();
    const bool found = run_sql("SELECT FROM {listings} WHERE {column} = $1 FOR KEY SHARE", names,
                               {{tracked.claim.listing_type, listing}}) > 0;
    SPI_finish();
    leave_owner(scope);
    if (!found)
        ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
                        errmsg("listing is not present in table \"%s\"", get_rel_name(tracked.row.listings))));
}

// Whether the table of holds has no page: the usual case of those who don't use them.
bool has_no_rows(Oid hold) {
    Relation relation = open_companion(hold, RowExclusiveLock);
    const bool empty = RelationGetNumberOfBlocks(relation) == 0;
    table_close(relation, NoLock);
    return empty;
}

} // namespace

pg_uuid_t* make_hold(const Tracked& tracked, Datum listing, DaySpan stay, TimestampTz expires_at) {
    pg_uuid_t* id = new_hold_id(expires_at);
    const DaySpan kept = intersection(stay, {tracked.row.since, kAfterAllDays});
    if (kept.empty())
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("stay lies before the horizon of the table")));
    lock_listing(tracked, listing);
    change_calendar(tracked, {Change::kCreated, listing, 0, true, false, {0, 0}, kept});

    const OwnerScope scope = enter_owner(relation_owner(tracked.row.hold));
    SPI_connect();
    run_sql("INSERT INTO {hold} (hold_id, listing_id, stay, expires_at) VALUES ($1, $2, $3, $4)",
            hold_names(tracked.row),
            {id_parameter(*id),
             {tracked.claim.listing_type, listing},
             {DATERANGEOID, make_daterange(stay)},
             {TIMESTAMPTZOID, TimestampTzGetDatum(expires_at)}});
    SPI_finish();
    leave_owner(scope);
    return id;
}

bool has_hold(const TrackedRow& row, const pg_uuid_t& id) {
    if (!OidIsValid(row.hold) || get_rel_name(row.hold) == nullptr)
        return false;
    const OwnerScope scope = enter_owner(relation_owner(row.hold));
    SPI_connect();
    const bool found = query_latest("SELECT FROM {hold} WHERE hold_id = $1", hold_names(row), {id_parameter(id)}) > 0;
    SPI_finish();
    leave_owner(scope);
    return found;
}

bool find_hold(const Tracked& tracked, const pg_uuid_t& id, Hold* hold) {
    MemoryContext caller = CurrentMemoryContext;
    const OwnerScope scope = enter_owner(relation_owner(tracked.row.hold));
    SPI_connect();
    const bool found = query_latest("SELECT listing_id, stay FROM {hold} WHERE hold_id = $1", hold_names(tracked.row),
                                    {id_parameter(id)}) > 0;
    if (found)
        *hold = hold_from_row(tracked, SPI_tuptable->vals[0], SPI_tuptable->tupdesc, caller);
    SPI_finish();
    leave_owner(scope);
    return found;
}

void report_no_hold(const Tracked& tracked, const pg_uuid_t& id) {
    const char* text = DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&id)));
    if (has_hold(tracked.row, id) || has_expired(id))
        ereport(ERROR, (errcode(kHoldExpired), errmsg("hold %s has expired", text),
                        errhint("Its days may still be free: book them, or hold them again.")));
    ereport(ERROR, (errcode(kHoldNotFound), errmsg("there is no hold %s", text),
                    errdetail("It was confirmed or released, or never was.")));
    pg_unreachable();
}

void delete_confirmed_hold(const Tracked& tracked, const pg_uuid_t& id) {
    const OwnerScope scope = enter_owner(relation_owner(tracked.row.hold));
    SPI_connect();
    const bool found = run_sql("DELETE FROM {hold} WHERE hold_id = $1 AND expires_at > $2", hold_names(tracked.row),
                               {id_parameter(id), {TIMESTAMPTZOID, TimestampTzGetDatum(GetCurrentTimestamp())}}) > 0;
    SPI_finish();
    leave_owner(scope);
    if (!found)
        report_no_hold(tracked, id);
}

bool release_hold(const Tracked& tracked, const pg_uuid_t& id) {
    Hold hold;
    if (!find_hold(tracked, id, &hold) || !lock_calendar(tracked, hold.claim.listing))
        return false;
    const OwnerScope scope = enter_owner(relation_owner(tracked.row.hold));
    SPI_connect();
    // Somebody may have confirmed or released it while we waited.
    const bool found =
        run_sql("DELETE FROM {hold} WHERE hold_id = $1", hold_names(tracked.row), {id_parameter(id)}) > 0;
    SPI_finish();
    leave_owner(scope);
    if (found)
        free_days(tracked, hold.claim);
    return found;
}

uint64 release_expired_holds(const Tracked& tracked, Datum listing, DaySpan span) {
    if (!OidIsValid(tracked.row.hold) || has_no_rows(tracked.row.hold))
        return 0;
    const OwnerScope scope = enter_owner(relation_owner(tracked.row.hold));
    SPI_connect();
    const uint64 count = run_sql("DELETE FROM {hold} WHERE listing_id = $1 AND stay && $2 AND expires_at <= $3"
                                 " RETURNING listing_id, stay",
                                 hold_names(tracked.row),
                                 {{tracked.claim.listing_type, listing},
                                  {DATERANGEOID, make_daterange(span)},
                                  {TIMESTAMPTZOID, TimestampTzGetDatum(GetCurrentTimestamp())}});
    const SPITupleTable* rows = SPI_tuptable;
    leave_owner(scope);
    for (uint64 i = 0; i < count; i++)
        free_days(tracked, hold_from_row(tracked, rows->vals[i], rows->tupdesc, CurrentMemoryContext).claim);
    SPI_finish();
    return count;
}

uint64 sweep_holds(const Tracked& tracked) {
    const OwnerScope scope = enter_owner(relation_owner(tracked.row.hold));
    SPI_connect();
    const uint64 listings =
        query_latest("SELECT DISTINCT listing_id FROM {hold} WHERE expires_at <= $1 ORDER BY listing_id",
                     hold_names(tracked.row), {{TIMESTAMPTZOID, TimestampTzGetDatum(GetCurrentTimestamp())}});
    const SPITupleTable* rows = SPI_tuptable;
    leave_owner(scope);
    uint64 count = 0;
    for (uint64 i = 0; i < listings; i++) {
        bool is_null;
        const Datum listing = SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &is_null);
        if (lock_calendar(tracked, listing))
            count += release_expired_holds(tracked, listing, {kFirstDay, kLastDay + 1});
    }
    SPI_finish();
    return count;
}

} // namespace availability

// Holds: days that are taken for a while, until a reservation is made of them.

#include "extension/booking/holds.hpp"

#include "extension/calendar/change.hpp"
#include "extension/core/epoch.hpp"
#include "extension/dayset/type.hpp"
#include "extension/server/errors.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/server/type_io.hpp"
#include "extension/tracking/listings.hpp"

extern "C" {
#include <catalog/pg_type.h>
#include <port/pg_bswap.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/timestamp.h>
}

namespace availability {

namespace {

// An id is a UUID of version 8 whose first 48 bits are when it expires, in milliseconds since 1970: so that a hold that
// expired and is gone can still be told from one that never was.
constexpr int kExpiryBytes = 6;
constexpr int64 kEpochMilliseconds = kPostgresEpochMicroseconds / 1000;

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

// As the foreign key of a reservation does, before the calendar is locked.
void lock_listing(const Tracked& tracked, Datum listing) {
    const char* column = listings_key_column(tracked.row);
    if (column == nullptr)
        return;
    SqlNames names;
    names.set("listings", qualified_name(tracked.row.listings));
    names.set("column", column);
    const bool found = as_owner(tracked.row.listings, [&] {
        return run_sql("SELECT FROM {listings} WHERE {column} = $1 FOR KEY SHARE", names,
                       {{tracked.claim.listing_type, listing}}) > 0;
    });
    if (!found)
        ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
                        errmsg("listing is not present in table \"%s\"", get_rel_name(tracked.row.listings))));
}

} // namespace

pg_uuid_t* make_hold(const Tracked& tracked, Datum listing, DaySpan stay, TimestampTz expires_at) {
    pg_uuid_t* id = new_hold_id(expires_at);
    const DaySpan kept = intersection(stay, {tracked.row.since, kAfterAllDays});
    if (kept.empty())
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("stay lies before the horizon of the table")));
    lock_listing(tracked, listing);
    change_calendar(tracked, {Change::kCreated, listing, 0, true, false, {0, 0}, kept});
    insert_hold(tracked, *id, listing, stay, expires_at);
    return id;
}

void report_no_hold(const Tracked& tracked, const pg_uuid_t& id) {
    const char* text = output_text(UUIDOID, UUIDPGetDatum(&id));
    if (has_hold(tracked.row, id) || has_expired(id))
        ereport(ERROR, (errcode(kHoldExpired), errmsg("hold %s has expired", text),
                        errhint("Its days may still be free: book them, or hold them again.")));
    ereport(ERROR, (errcode(kHoldNotFound), errmsg("there is no hold %s", text),
                    errdetail("It was confirmed or released, or never was.")));
    pg_unreachable();
}

void confirm_hold(const Tracked& tracked, const pg_uuid_t& id) {
    if (!delete_live_hold(tracked, id))
        report_no_hold(tracked, id);
}

bool release_hold(const Tracked& tracked, const pg_uuid_t& id) {
    Hold hold;
    if (!find_hold(tracked, id, &hold) || !lock_calendar(tracked, hold.claim.listing))
        return false;
    // Somebody may have confirmed or released it while we waited.
    if (!delete_hold(tracked, id))
        return false;
    free_hold(tracked, hold.claim);
    return true;
}

uint64 sweep_holds(const Tracked& tracked) {
    uint64 count = 0;
    ListCell* cell;
    foreach (cell, listings_with_expired_holds(tracked)) {
        const Datum listing = *static_cast<const Datum*>(lfirst(cell));
        if (lock_calendar(tracked, listing))
            count += release_expired_holds(tracked, listing, {kFirstDay, kEndDay});
    }
    return count;
}

} // namespace availability

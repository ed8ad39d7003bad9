// Holds: days that are taken for a while, until a reservation is made of them.

#include "extension/booking/holds.hpp"

#include "extension/booking/roles.hpp"
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
#include <utils/fmgrprotos.h>
#include <utils/lsyscache.h>
#include <utils/timestamp.h>
}

namespace availability {

namespace {

// An id is a UUID of version 8. Its first 48 bits are when it expires, in milliseconds since 1970: so that a hold that
// expired and is gone can still be told from one that never was. Its last 32 bits are the table: so that whoever
// releases it need not look into those of others. 42 random bits are left, which nobody guesses one by one.
constexpr int kExpiryBytes = 6;
constexpr int kTableBytes = 4;
constexpr int64 kEpochMilliseconds = kPostgresEpochMicroseconds / 1000;
constexpr int64 kLatestMilliseconds = (INT64CONST(1) << (kExpiryBytes * 8)) - 1;

pg_uuid_t* new_hold_id(Oid reservations, TimestampTz expires_at) {
    auto* id = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
    if (!pg_strong_random(id->data, UUID_LEN))
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
    const uint64 expiry = pg_hton64(static_cast<uint64>(expires_at / 1000 + kEpochMilliseconds) << 16);
    std::memcpy(id->data, &expiry, kExpiryBytes);
    const uint32 table = pg_hton32(reservations);
    std::memcpy(id->data + UUID_LEN - kTableBytes, &table, kTableBytes);
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

TimestampTz moment_after(TimestampTz moment, const Interval* time) {
    return DatumGetTimestampTz(
        DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(moment), IntervalPGetDatum(time)));
}

// The moment at which a hold of so long a time expires: whole milliseconds, as its id says it.
TimestampTz expiry_after(const Interval* ttl, const HoldLimits& limits) {
    const TimestampTz now = GetCurrentTimestamp();
    const TimestampTz expires_at = moment_after(now, ttl);
    constexpr TimestampTz kLatest = (kLatestMilliseconds - kEpochMilliseconds) * 1000;
    if (expires_at / 1000 * 1000 <= now || expires_at > kLatest)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("ttl of availability.hold must be positive, and end before the year 10889")));
    if (limits.has_ttl && expires_at > moment_after(now, &limits.ttl))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("ttl of availability.hold is longer than holds of this table may be"),
                        errdetail("Its max_hold_ttl is %s.", output_text(INTERVALOID, IntervalPGetDatum(&limits.ttl))),
                        errhint("The table's owner sets it by availability.set_limits.")));
    return expires_at / 1000 * 1000;
}

void require_short_stay(DaySpan stay, const HoldLimits& limits) {
    if (stay.days() > limits.stay)
        ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
                        errmsg("a stay of %d days is longer than holds of this table may be", stay.days()),
                        errdetail("Its max_stay is %d.", limits.stay),
                        errhint("The table's owner sets it by availability.set_limits.")));
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

Oid table_of_hold(const pg_uuid_t& id) {
    uint32 table;
    std::memcpy(&table, id.data + UUID_LEN - kTableBytes, kTableBytes);
    return pg_ntoh32(table);
}

pg_uuid_t* make_hold(const Tracked& tracked, Datum listing, DaySpan stay, const Interval* ttl) {
    const HoldLimits& limits = tracked.row.hold_limits;
    require_short_stay(stay, limits);
    const TimestampTz expires_at = expiry_after(ttl, limits);
    pg_uuid_t* id = new_hold_id(tracked.row.reservations, expires_at);
    const SqlParameter role = role_parameter();
    const DaySpan kept = intersection(stay, {tracked.row.since, kAfterAllDays});
    if (kept.empty())
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("stay lies before the horizon of the table")));
    lock_listing(tracked, listing);
    change_calendar(tracked, {Change::kCreated, listing, 0, true, false, {0, 0}, kept});
    if (count_live_holds(tracked, listing, role) >= limits.holds)
        ereport(ERROR,
                (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                 errmsg("role \"%s\" has as many holds of listing %s as it may", NameStr(*DatumGetName(role.value)),
                        output_text(tracked.claim.listing_type, listing)),
                 errdetail("Its table's max_holds is %d.", limits.holds),
                 errhint("Confirm or release one. The table's owner sets the bound by availability.set_limits.")));
    insert_hold(tracked, *id, listing, stay, expires_at, role);
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
    if (!find_hold(tracked, id, &hold))
        return false;
    // Somebody may have confirmed or released it while we waited, or given its listing another key.
    Datum locked;
    do {
        locked = hold.claim.listing;
        lock_calendar(tracked, locked);
        if (!find_hold(tracked, id, &hold))
            return false;
    } while (compare_listings(tracked, hold.claim.listing, locked) != 0);
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

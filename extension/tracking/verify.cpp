// availability.verify: every discrepancy between claims, day rows, calendars and listings, from one snapshot.

#include "extension/tracking/verify.hpp"

#include "extension/server/companion.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/tracking/backfill.hpp"
#include "extension/tracking/companions.hpp"
#include "extension/tracking/listings.hpp"
#include "extension/tracking/prove.hpp"
#include "extension/tracking/provenance.hpp"
#include "extension/tracking/triggers.hpp"

extern "C" {
#include <catalog/pg_type.h>
#include <funcapi.h>
#include <lib/stringinfo.h>
#include <nodes/value.h>
#include <parser/parse_func.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/tuplestore.h>
}

namespace availability {

namespace {

// Nights, and digests of the days with the reservations that have them and without: what a listing claims, what its
// calendar holds and what its day rows are. Each is one pass whose state is a few numbers a listing. Where two
// disagree, and there alone, days are looked at one by one. Days before the horizon are nobody's business.
//
// A day that is claimed twice is two nights more, or one and none, than the calendar has.
constexpr char kSums[] =
    "WITH sums AS MATERIALIZED (SELECT listing, sum(upper(stay) - lower(stay)) AS nights,"
    "   bit_xor(availability.days_digest(stay, 0)) AS days,"
    "   bit_xor(availability.days_digest(stay, {key_hash_of_claim})) AS keyed_days"
    "  FROM {claims} AS claims GROUP BY listing),"
    " calendars AS MATERIALIZED (SELECT listing_id, booked OPERATOR(availability.*) daterange({since}, NULL) AS booked"
    "  FROM {calendar}),"
    " suspects AS MATERIALIZED (SELECT coalesce(s.listing, c.listing_id) AS listing"
    "  FROM sums s FULL JOIN calendars c ON c.listing_id = s.listing"
    "  WHERE coalesce(s.nights, 0) <> coalesce(availability.booked_days(c.booked), 0)"
    "   OR coalesce(s.days, 0) <> coalesce(availability.days_digest(c.booked, 0), 0)";

constexpr char kSumsOfDayRows[] =
    "  UNION SELECT coalesce(s.listing, d.listing_id) FROM sums s FULL JOIN"
    "   (SELECT listing_id, count(*) AS nights, bit_xor(availability.days_digest(day, {key_hash_of_day_row})) AS "
    "keyed_days"
    "    FROM {day} WHERE day >= {since} GROUP BY listing_id) d ON d.listing_id = s.listing"
    "  WHERE coalesce(s.nights, 0) <> coalesce(d.nights, 0) OR coalesce(s.keyed_days, 0) <> coalesce(d.keyed_days, 0)";

// While the extension is at an earlier version than the library, there is no digest: everybody is a suspect.
constexpr char kEverybody[] =
    "WITH sums AS MATERIALIZED (SELECT DISTINCT listing FROM {claims} AS claims),"
    " calendars AS MATERIALIZED (SELECT listing_id, booked OPERATOR(availability.*) daterange({since}, NULL) AS booked"
    "  FROM {calendar}),"
    " suspects AS MATERIALIZED (SELECT listing FROM sums UNION SELECT listing_id FROM calendars";

constexpr char kEverybodyWithDayRows[] = " UNION SELECT listing_id FROM {day}";

bool has_digests() {
    const Oid arguments[] = {DATEOID, INT8OID};
    List* name = list_make2(makeString(pstrdup("availability")), makeString(pstrdup("days_digest")));
    return OidIsValid(LookupFuncName(name, 2, arguments, true));
}

// Of the suspects: their days with all claimants, and what their calendars should be.
constexpr char kSuspects[] =
    "), claims AS MATERIALIZED (SELECT * FROM {claims} AS claims WHERE listing IN (SELECT listing FROM suspects)),"
    " claimed AS MATERIALIZED (SELECT listing, day, array_agg(key ORDER BY key) AS keys"
    "  FROM (SELECT listing, lower(stay) + n AS day, key FROM claims"
    "   CROSS JOIN LATERAL generate_series(0, upper(stay) - lower(stay) - 1) AS n) AS claimed GROUP BY 1, 2),"
    " expected AS (SELECT listing, availability.dayset_agg(stay) AS booked FROM claims GROUP BY listing)";

constexpr char kDoubleBookings[] =
    " SELECT 'double_booking' COLLATE \"C\" AS kind, listing::text COLLATE \"C\" AS listing, day,"
    "  array_to_string(keys, ', ') COLLATE \"C\" AS reservation,"
    "  format('day is claimed by %s reservations', cardinality(keys)) COLLATE \"C\" AS detail"
    " FROM claimed WHERE cardinality(keys) > 1";

constexpr char kUnsupportedStays[] = " UNION ALL SELECT 'unsupported_stay', listing::text, NULL, key::text,"
                                     "  format('stay %s is unbounded or outside the supported days', stay)"
                                     " FROM {unsupported_claims} AS claims";

constexpr char kDayRows[] =
    " UNION ALL SELECT CASE WHEN d.day IS NULL THEN 'missing_day_row' WHEN c.day IS NULL THEN 'stray_day_row'"
    "   ELSE 'wrong_day_row' END, coalesce(c.listing, d.listing_id)::text, coalesce(c.day, d.day),"
    "  coalesce(d.reservation_id::text, array_to_string(c.keys, ', ')),"
    "  CASE WHEN d.day IS NULL THEN 'day is claimed but has no day row'"
    "   WHEN c.day IS NULL THEN 'day row of a day that nobody claims'"
    "   ELSE format('day row of a day that reservation %s claims', array_to_string(c.keys, ', ')) END"
    " FROM claimed c FULL JOIN"
    "  (SELECT * FROM {day} WHERE day >= {since} AND listing_id IN (SELECT listing FROM suspects)) d"
    "  ON d.listing_id = c.listing AND d.day = c.day"
    " WHERE d.day IS NULL OR c.day IS NULL OR array_position(c.keys, d.reservation_id) IS NULL";

constexpr char kCalendars[] =
    " UNION ALL SELECT 'missing_calendar', e.listing::text, NULL, NULL, 'listing is booked but has no calendar'"
    " FROM expected e WHERE NOT EXISTS (SELECT FROM calendars c WHERE c.listing_id = e.listing)"
    " UNION ALL SELECT 'missing_calendar_day', e.listing::text, day, NULL, 'day is claimed but open in the calendar'"
    " FROM expected e JOIN calendars c ON c.listing_id = e.listing"
    "  CROSS JOIN LATERAL unnest((e.booked OPERATOR(availability.-) c.booked)::date[]) AS day"
    " WHERE e.booked OPERATOR(availability.<>) c.booked"
    " UNION ALL SELECT 'stray_calendar_day', c.listing_id::text, day, NULL, 'day is booked in the calendar but nobody "
    "claims it'"
    " FROM suspects s JOIN calendars c ON c.listing_id = s.listing LEFT JOIN expected e ON e.listing = c.listing_id"
    "  CROSS JOIN LATERAL unnest((c.booked OPERATOR(availability.-) coalesce(e.booked, '{}'))::date[]) AS day"
    " WHERE e.booked IS NULL OR e.booked OPERATOR(availability.<>) c.booked";

constexpr char kListings[] =
    " UNION ALL SELECT 'missing_calendar', l.{listings_column}::text, NULL, NULL, 'listing has no calendar'"
    " FROM {listings} l WHERE l.{listings_column} IS NOT NULL"
    "  AND NOT EXISTS (SELECT FROM calendars c WHERE c.listing_id = l.{listings_column})"
    "  AND NOT EXISTS (SELECT FROM sums e WHERE e.listing = l.{listings_column})"
    " UNION ALL SELECT 'stray_calendar', c.listing_id::text, NULL, NULL, 'calendar of a listing that is gone'"
    " FROM calendars c WHERE NOT EXISTS (SELECT FROM {listings} l WHERE l.{listings_column} = c.listing_id)"
    "  AND NOT EXISTS (SELECT FROM sums e WHERE e.listing = c.listing_id)";

// A cloned trigger has the name of its parent, so that one name is asked for on every partition.
constexpr char kTriggers[] =
    " UNION ALL SELECT CASE WHEN t.oid IS NULL THEN 'missing_trigger' ELSE 'disabled_trigger' END, NULL, NULL, NULL,"
    "  format('trigger %s of table %s', quote_ident(w.name), w.relation)"
    " FROM (SELECT relid AS relation, {claim_trigger} AS name FROM"
    "   (SELECT {reservations_oid}::regclass AS relid UNION SELECT relid FROM pg_partition_tree({reservations_oid})) p"
    "  UNION ALL SELECT {reservations_oid}, {truncate_trigger}"
    "  UNION ALL SELECT {listings_oid}, n FROM unnest(ARRAY[{listings_trigger}, {listings_truncate},"
    "   {listings_rekey}]) n"
    "   WHERE {listings_oid} IS NOT NULL"
    "  UNION ALL SELECT {calendar_with_sets}, n FROM unnest(ARRAY[{sets_trigger}, {sets_truncate}]) n"
    "   WHERE {calendar_with_sets} IS NOT NULL) w"
    " LEFT JOIN pg_trigger t ON t.tgrelid = w.relation AND t.tgname = w.name"
    " WHERE t.oid IS NULL OR t.tgenabled NOT IN ('O', 'A')";

// Children of a plain table run no triggers of their parent. Who makes one is refused, where event triggers fire.
constexpr char kChildren[] = " UNION ALL SELECT 'inheritance_child', NULL, NULL, NULL,"
                             "  format('table %s inherits from the tracked table', i.inhrelid::regclass)"
                             " FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent"
                             " WHERE c.oid = {reservations_oid} AND c.relkind = 'r'";

constexpr char kSets[] =
    " UNION ALL SELECT kind, listing, day, reservation, detail FROM availability.verify_sets({reservations_oid})";

const char* oid_or_null(Oid oid) {
    return OidIsValid(oid) ? psprintf("%u::regclass", oid) : "NULL::regclass";
}

// A hash of a reservation's key as an expression; that of a hold, which has none, is a number too.
const char* key_hash(Oid type, const char* key) {
    switch (type) {
    case INT2OID:
    case INT4OID:
    case INT8OID:
        return psprintf("coalesce(hashint8extended(%s, 1), 1)", key);
    case UUIDOID:
        return psprintf("coalesce(uuid_hash_extended(%s, 1), 1)", key);
    default:
        return psprintf("coalesce(hashtextextended(%s::text COLLATE \"C\", 1), 1)", key);
    }
}

const char* name_literal(const char* name) {
    return psprintf("%s::name", quote_literal_cstr(name));
}

} // namespace

const char* verify_sql(const TrackedRow& row) {
    SqlNames names = companion_names(row);
    add_claims(&names, row);
    const Oid key_type = companion_types(load_claim_expressions(row.reservations, row.claims)).key;
    names.set("key_hash_of_claim", key_hash(key_type, "key"));
    names.set("key_hash_of_day_row", key_hash(key_type, "reservation_id"));
    names.set("reservations_oid", oid_or_null(row.reservations));
    const bool has_listings = OidIsValid(row.listings) && get_rel_name(row.listings) != nullptr;
    names.set("listings_oid", oid_or_null(has_listings ? row.listings : InvalidOid));
    names.set("claim_trigger", name_literal(kClaimTrigger));
    names.set("truncate_trigger", name_literal(kTruncateTrigger));
    const char* listing_trigger = has_listings ? NameStr(row.listings_trigger) : "_listing";
    names.set("listings_trigger", name_literal(listing_trigger));
    names.set("listings_truncate", name_literal(listing_truncate_trigger(listing_trigger)));
    names.set("listings_rekey", name_literal(listing_rekey_trigger(listing_trigger)));
    names.set("calendar_with_sets", oid_or_null(OidIsValid(row.sets) ? row.calendar : InvalidOid));
    names.set("sets_trigger", name_literal(kSetsTrigger));
    names.set("sets_truncate", name_literal(kSetsTruncateTrigger));
    const char* column = listings_key_column(row);
    if (column != nullptr)
        names.set("listings_column", column);

    StringInfoData sql;
    initStringInfo(&sql);
    const bool digests = has_digests();
    const char* day_rows = digests ? kSumsOfDayRows : kEverybodyWithDayRows;
    for (const char* part :
         {digests ? kSums : kEverybody, OidIsValid(row.day) ? day_rows : "", kSuspects, kDoubleBookings,
          kUnsupportedStays, OidIsValid(row.day) ? kDayRows : "", kCalendars, column != nullptr ? kListings : "",
          kTriggers, kChildren, OidIsValid(row.sets) ? kSets : "", " ORDER BY kind, listing, day"})
        appendStringInfoString(&sql, expand_sql(part, names));
    return sql.data;
}

} // namespace availability

using namespace availability;

AVAILABILITY_FUNCTION(availability_verify) {
    const Oid reservations = PG_GETARG_OID(0);
    require_owner(reservations);
    const TrackedRow row = lock_companions(reservations);
    require_companions(row);
    InitMaterializedSRF(fcinfo, 0);
    auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);

    prove_companions(row, AccessShareLock);
    as_owner(reservations, [&] {
        if (SPI_execute(verify_sql(row), true, 0) != SPI_OK_SELECT)
            elog(ERROR, "verify could not run its query");
        return_rows(result);
    });
    PG_RETURN_NULL();
}

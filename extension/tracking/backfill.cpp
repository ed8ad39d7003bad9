// The statements that fill companions from the reservations, and mend them.

#include "extension/tracking/backfill.hpp"

#include "extension/claim/evaluate.hpp"
#include "extension/tracking/companions.hpp"
#include "extension/tracking/listings.hpp"
#include "extension/tracking/triggers.hpp"

extern "C" {
#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <nodes/nodeFuncs.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
}

namespace availability {

namespace {

char* claims_sql(Oid reservations, const ClaimExpressions& claim, Oid hold, Day since) {
    // As in evaluate_claim(): an unbounded stay is not cut but left to be refused.
    const char* cut =
        since == kNoHorizon
            ? "stay"
            : psprintf("CASE WHEN pg_catalog.lower_inf(stay) OR pg_catalog.lower(stay) OPERATOR(pg_catalog.=) "
                       "date '-infinity' THEN stay ELSE stay OPERATOR(pg_catalog.*) "
                       "pg_catalog.daterange(date '1970-01-01' OPERATOR(pg_catalog.+) %d, NULL) END",
                       since);
    const char* holds = OidIsValid(hold) && get_rel_name(hold) != nullptr
                            ? psprintf(" UNION ALL SELECT listing_id, NULL, stay FROM %s", qualified_name(hold))
                            : "";
    return psprintf("(SELECT listing, key, stay FROM (SELECT listing, key, %s AS stay FROM (%s%s) AS of_row) AS of_row"
                    " WHERE listing IS NOT NULL AND NOT pg_catalog.isempty(stay))",
                    cut, claims_view_sql(reservations, claim), holds);
}

// The condition that a column has a text that require_readable() refuses. What can't be converted raises 22P05 by
// itself.
const char* unreadable_sql(Node* expression, const char* column) {
    if (get_typlen(exprType(expression)) != -1)
        return "false";
    const char* in_utf8 = GetDatabaseEncoding() == PG_UTF8 ? "false"
                          : GetDatabaseEncoding() == PG_SQL_ASCII
                              ? psprintf("encode(convert_to(%s::text, 'SQL_ASCII'), 'hex') ~ '^(..)*[89a-f]'", column)
                              : psprintf("convert_to(%s::text, 'UTF8') IS NULL", column);
    return psprintf("(octet_length(%s::text) > %d OR %s)", column, kLongestText, in_utf8);
}

// Raises 54000 if the query finds one.
void refuse_unreadable_text(const char* query, const SqlNames& names) {
    const char* text = query_text(query, names);
    if (text != nullptr)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                        errmsg("a listing or the key of a reservation is too long, or has no form in UTF-8"),
                        errdetail("It has %d bytes at most. The listing begins with \"%s\".", kLongestText, text)));
}

// The calendars of listings that have none yet.
void fill_listings(const SqlNames& names) {
    refuse_unreadable_text(
        "SELECT left(listing::text, 20) FROM (SELECT {listings_column} AS listing FROM {listings}) AS l"
        " WHERE {listing_is_unreadable} LIMIT 1",
        names);
    run_sql("INSERT INTO {calendar} (listing_id, booked, version, change)"
            " SELECT l.{listings_column}, '{}', availability.next_version(0), 'reset' FROM {listings} AS l"
            " WHERE l.{listings_column} IS NOT NULL"
            " AND NOT EXISTS (SELECT FROM {calendar} AS c WHERE c.listing_id = l.{listings_column})"
            " ON CONFLICT (listing_id) DO NOTHING",
            names);
}

void drop_calendars_of_gone(const SqlNames& names, const char* condition) {
    const char* where =
        psprintf("WHERE NOT EXISTS (SELECT FROM {listings} AS l WHERE l.{listings_column} = c.listing_id)"
                 " AND %s",
                 condition);
    run_sql(psprintf("UPDATE {calendar} AS c SET booked = '{}', {dropped} %s", where), names);
    run_sql(psprintf("DELETE FROM {calendar} AS c %s", where), names);
}

} // namespace

void add_claims(SqlNames* names, const TrackedRow& row) {
    const ClaimExpressions claim = load_claim_expressions(row.reservations, row.claims);
    const char* claims = claims_sql(row.reservations, claim, row.hold, row.since);
    constexpr char kSupported[] = "stay OPERATOR(pg_catalog.<@) pg_catalog.daterange '[1970-01-01,2149-06-07)'";
    names->set("claims", psprintf("(SELECT * FROM %s AS claims WHERE %s)", claims, kSupported));
    // Of each day that is claimed: listing, day, key.
    names->set("claimed_days", psprintf("(SELECT listing, lower(stay) + n AS day, key FROM %s AS claims"
                                        " CROSS JOIN LATERAL generate_series(0, upper(stay) - lower(stay) - 1) AS n)",
                                        expand_sql("{claims}", *names)));
    names->set("unsupported_claims", psprintf("(SELECT * FROM %s AS claims WHERE NOT %s)", claims, kSupported));
    names->set("listing_is_unreadable", unreadable_sql(claim.listing, "listing"));
    names->set("key_is_unreadable", unreadable_sql(claim.key, "key"));
}

void refuse_unsupported_stays(const SqlNames& names) {
    const char* report = query_text("SELECT format('listing %s: %s by reservation %s', listing, stay, key)"
                                    " FROM {unsupported_claims} AS claims LIMIT 1",
                                    names);
    if (report != nullptr)
        ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
                        errmsg("an existing reservation is unbounded or outside the supported days"),
                        errdetail("%s", report), errhint("Supported days are 1970-01-01 to 2149-06-06.")));
}

void refuse_unreadable_texts(const SqlNames& names) {
    refuse_unreadable_text("SELECT left(coalesce(listing::text, key::text), 20) FROM {claims} AS claims"
                           " WHERE {listing_is_unreadable} OR {key_is_unreadable} LIMIT 1",
                           names);
}

void refuse_double_bookings(const SqlNames& names) {
    if (run_sql("SELECT FROM {claims} AS claims GROUP BY listing"
                " HAVING sum(upper(stay) - lower(stay)) <> availability.booked_days(availability.dayset_agg(stay))"
                " LIMIT 1",
                names) == 0)
        return;

    // Pairs of neighbours in the order of arrival are enough to show each shared run of days once.
    const char* report = query_text(
        "WITH claims AS (SELECT listing, key, stay, row_number() OVER () AS n FROM {claims} AS claims),"
        " doubled AS (SELECT listing FROM claims GROUP BY listing"
        "  HAVING sum(upper(stay) - lower(stay)) <> availability.booked_days(availability.dayset_agg(stay))),"
        " pairs AS (SELECT a.listing, coalesce(a.key::text, 'of a hold') AS first_key, coalesce(b.key::text, 'of a "
        "hold') AS second_key,"
        "   a.stay * b.stay AS days,"
        "   count(*) OVER () AS total"
        "  FROM claims a JOIN doubled USING (listing) JOIN claims b USING (listing)"
        "  WHERE a.n < b.n AND a.stay && b.stay"
        "  ORDER BY a.listing, lower(a.stay * b.stay), a.n, b.n LIMIT 10)"
        " SELECT string_agg(format('listing %s: [%s,%s) by reservations %s and %s', listing,"
        "   to_char(lower(days), 'YYYY-MM-DD'), to_char(upper(days), 'YYYY-MM-DD'), first_key, second_key), E'\\n')"
        "  || CASE WHEN max(total) > 10 THEN format(E'\\n… and %s more', max(total) - 10) ELSE '' END"
        " FROM pairs",
        names);
    ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION), errmsg("existing reservations share days"),
                    report != nullptr ? errdetail("%s", report) : 0,
                    errhint("Cancel or change one of each pair, then try again.")));
}

void backfill(const SqlNames& names, const TrackedRow& row) {
    refuse_unsupported_stays(names);
    refuse_unreadable_texts(names);
    refuse_double_bookings(names);
    run_sql("INSERT INTO {calendar} (listing_id, booked, version, change)"
            " SELECT listing, availability.dayset_agg(stay), availability.next_version(0), 'reset'"
            " FROM {claims} AS claims GROUP BY listing ORDER BY listing",
            names);
    add_calendar_key(names);
    if (OidIsValid(row.listings))
        fill_listings(names);
    if (OidIsValid(row.day))
        fill_day_rows(names);
}

void fill_day_rows(const SqlNames& names) {
    run_sql(
        "INSERT INTO {day} (listing_id, day, reservation_id) SELECT listing, day, key FROM {claimed_days} AS claimed",
        names);
    add_day_key(names);
}

void repair_day_rows(const SqlNames& names) {
    run_sql("WITH claimed AS {claimed_days}"
            " DELETE FROM {day} AS d WHERE d.day >= {since} AND NOT EXISTS (SELECT FROM claimed c"
            "  WHERE c.listing = d.listing_id AND c.day = d.day AND c.key IS NOT DISTINCT FROM d.reservation_id)",
            names);
    run_sql(
        "INSERT INTO {day} (listing_id, day, reservation_id) SELECT listing, day, key FROM {claimed_days} AS claimed"
        " ON CONFLICT (listing_id, day) DO NOTHING",
        names);
}

void repair_calendars(const SqlNames& names) {
    run_sql(
        "UPDATE {calendar} AS c SET booked = w.booked, {reset} FROM"
        "  (SELECT k.listing_id, coalesce(e.booked, '{}') AS booked FROM {calendar} AS k LEFT JOIN"
        "    (SELECT listing, availability.dayset_agg(stay) AS booked FROM {claims} AS claims GROUP BY listing) AS e"
        "    ON e.listing = k.listing_id) AS w"
        " WHERE w.listing_id = c.listing_id AND w.booked OPERATOR(availability.<>)"
        "  (c.booked OPERATOR(availability.*) daterange({since}, NULL))",
        names);
    run_sql("INSERT INTO {calendar} AS c (listing_id, booked, version, change)"
            " SELECT listing, availability.dayset_agg(stay), availability.next_version(0), 'reset'"
            " FROM {claims} AS claims GROUP BY listing ON CONFLICT (listing_id) DO NOTHING",
            names);
}

void repair_listings(const SqlNames& names) {
    fill_listings(names);
    drop_calendars_of_gone(names, "NOT EXISTS (SELECT FROM {claims} AS claims WHERE claims.listing = c.listing_id)");
}

void drop_gone_calendars(const TrackedRow& row) {
    const char* column = listings_key_column(row);
    if (column == nullptr || !may_read_listings(row.listings, GetUserId()))
        return;
    SqlNames names = companion_names(row);
    names.set("listings_column", column);
    drop_calendars_of_gone(names, "availability.is_empty(c.booked)");
}

} // namespace availability

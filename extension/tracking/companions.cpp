// What availability.track makes beside a tracked table: all the DDL but that of triggers.

#include "extension/tracking/companions.hpp"

#include <cstring>

#include "extension/core/change.hpp"
#include "extension/server/companion.hpp"
#include "extension/server/owner_scope.hpp"

extern "C" {
#include <access/xact.h>
#include <catalog/dependency.h>
#include <catalog/pg_proc.h>
#include <nodes/nodeFuncs.h>
#include <storage/lmgr.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/ruleutils.h>
}

namespace availability {

namespace {

// A type as a column of it is declared.
const char* column_type(Oid type, Oid collation) {
    const char* name = format_type_be_qualified(type);
    return OidIsValid(collation) && collation != get_typcollation(type)
               ? psprintf("%s COLLATE %s", name, generate_collation_name(collation))
               : name;
}

// The type of the listings, as a column of it is declared.
const char* listing_type(Oid calendar) {
    Oid type;
    int32 typmod;
    Oid collation;
    get_atttypetypmodcoll(calendar, get_attnum(calendar, "listing_id"), &type, &typmod, &collation);
    return column_type(type, collation);
}

// Raises 42P07 if a relation has the name of a companion to be.
void refuse_existing(Oid schema, const char* name) {
    if (OidIsValid(get_relname_relid(name, schema)))
        ereport(ERROR,
                (errcode(ERRCODE_DUPLICATE_TABLE), errmsg("companion \"%s\" exists already", name),
                 errhint("Drop or rename it: track makes its companions itself. What an earlier tracking left is "
                         "named by availability.doctor(), with the line that clears it.")));
}

void comment_companions(const SqlNames& names) {
    run_sql("COMMENT ON TABLE {calendar} IS 'the calendar of each listing, kept by availability.track'", names);
    run_sql("COMMENT ON VIEW {claims} IS 'what each row holds, kept by availability.track'", names);
    run_sql("COMMENT ON FUNCTION {claim} IS 'what a row holds, made by availability.track'", names);
    run_sql("COMMENT ON VIEW {month} IS 'month bitmaps, made by availability.track'", names);
    run_sql("COMMENT ON VIEW {open} IS 'open gaps from today on, made by availability.track'", names);
}

void make_hold(const SqlNames& names) {
    run_sql(
        "CREATE TABLE {hold} (hold_id uuid PRIMARY KEY, listing_id {listing_type} NOT NULL, stay daterange NOT NULL,"
        " expires_at timestamptz NOT NULL, holder name NOT NULL DEFAULT name '')",
        names);
    run_sql("CREATE INDEX ON {hold} (listing_id)", names);
    run_sql("COMMENT ON TABLE {hold} IS 'days that are held for a while, kept by availability.hold'", names);
}

void make_request(const SqlNames& names) {
    run_sql("CREATE TABLE {request} (key text COLLATE \"C\" NOT NULL, request bytea NOT NULL, reservation_id text,"
            " version bigint, expires_at timestamptz NOT NULL, booker name NOT NULL DEFAULT name '',"
            " PRIMARY KEY (booker, key))",
            names);
    run_sql("CREATE INDEX ON {request} (expires_at)", names);
    run_sql("COMMENT ON TABLE {request} IS 'idempotency keys and their answers, kept by availability.book'", names);
}

void make_booking_companions(const TrackedRow& row, const TrackedRow& left) {
    SqlNames names;
    const Oid schema = get_rel_namespace(row.calendar);
    names.set("listing_type", listing_type(row.calendar));
    const auto make = [&](const char* companion, Oid existing, void (*make_it)(const SqlNames&)) {
        const char* name = companion_name(row, companion);
        if (!OidIsValid(existing))
            refuse_existing(schema, name);
        names.set(companion, OidIsValid(existing) ? qualified_name(existing) : qualified_name(schema, name));
        if (!OidIsValid(existing))
            make_it(names);
    };
    make("hold", left.hold, make_hold);
    make("request", left.request, make_request);
    names.set("hold_literal", quote_literal_cstr(expand_sql("{hold}", names)));
    names.set("request_literal", quote_literal_cstr(expand_sql("{request}", names)));
    names.set("reservations_oid", psprintf("%u", row.reservations));
    write_tracked(row.reservations,
                  "UPDATE availability.tracked SET hold = {hold_literal}, request = {request_literal}"
                  " WHERE reservations = {reservations_oid}",
                  names);
}

} // namespace

SqlNames companion_names(const TrackedRow& row) {
    SqlNames names;
    const auto set = [&](const char* name, Oid relation) {
        if (OidIsValid(relation) && get_rel_name(relation) != nullptr)
            names.set(name, qualified_name(relation));
    };
    set("reservations", row.reservations);
    set("calendar", row.calendar);
    set("day", row.day);
    set("month", row.month_view);
    set("open", row.open_view);
    set("listings", row.listings);
    set("hold", row.hold);
    set("request", row.request);
    const Day first_day = row.since == kNoHorizon ? kFirstDay : row.since;
    names.set("since", psprintf("(date '1970-01-01' + %d)", first_day));
    // What a calendar says when it changes without a reservation of its own: it does so once.
    constexpr char kMark[] = "version = availability.next_version(c.version), change = '%s', reservation_id = NULL,"
                             " stay = NULL, was = NULL";
    names.set("reset", psprintf(kMark, change_word(Change::kReset)));
    names.set("dropped", psprintf(kMark, change_word(Change::kDropped)));
    // The calendar c.booked, written: left alone, one that is stored out of line would not be in the WAL for the
    // decoder.
    names.set("booked_anew", "c.booked OPERATOR(availability.+) daterange 'empty'");
    return names;
}

void add_type_names(SqlNames* names, Relation relation, const ClaimExpressions& claim) {
    names->set("listing_type", column_type(getBaseType(exprType(claim.listing)), exprCollation(claim.listing)));
    names->set("listing_type_name", format_type_be_qualified(getBaseType(exprType(claim.listing))));
    names->set("row_type", format_type_be_qualified(get_rel_type_id(RelationGetRelid(relation))));
    names->set("key_type", format_type_be_qualified(getBaseType(exprType(claim.key))));
}

SqlNames new_companion_names(Relation relation, const ClaimExpressions& claim, const TrackedRow& left) {
    // Beside what is left, under its names: the table may have been renamed since.
    const Oid claims = left.claims;
    const char* claim_name = NameStr(left.claim);
    const Oid schema = OidIsValid(claims) ? get_rel_namespace(claims) : RelationGetNamespace(relation);
    const char* table = OidIsValid(claims) ? pnstrdup(claim_name, std::strlen(claim_name) - std::strlen("_claim"))
                                           : RelationGetRelationName(relation);
    SqlNames names;
    const auto add = [&](const char* companion, Oid existing) {
        const char* name = psprintf("%s_%s", table, companion);
        if (!OidIsValid(existing))
            refuse_existing(schema, name);
        names.set(companion, qualified_name(schema, name));
    };
    add("calendar", left.calendar);
    add("day", left.day);
    add("month", left.month_view);
    add("open", left.open_view);
    add("claims", left.claims);
    names.set("reservations", qualified_name(RelationGetRelid(relation)));
    names.set("claim", qualified_name(schema, psprintf("%s_claim", table)));
    names.set("claim_name", quote_literal_cstr(psprintf("%s_claim", table)));
    names.set("cancel", qualified_name(schema, psprintf("%s_cancel", table)));
    names.set("calendar_pkey", quote_identifier(psprintf("%s_calendar_pkey", table)));
    names.set("day_pkey", quote_identifier(psprintf("%s_day_pkey", table)));
    add_type_names(&names, relation, claim);
    return names;
}

void create_claims_view(Relation relation, const ClaimExpressions& claim, SqlNames names) {
    // What comes from the expressions is a value, whose braces mean nothing.
    names.set("query", claims_view_sql(RelationGetRelid(relation), claim));
    run_sql("CREATE OR REPLACE VIEW {claims} AS {query}", names);
}

void create_claim_function(SqlNames names, const char* create) {
    names.set("create", create);
    run_sql(
        "{create} FUNCTION {claim}(reservation {row_type}, OUT listing {listing_type_name}, OUT key {key_type}, OUT "
        "stay daterange)"
        " LANGUAGE sql STABLE AS $$SELECT listing, key, stay FROM availability.claim(reservation)"
        " AS claim(listing {listing_type_name}, key {key_type}, stay daterange)$$",
        names);
}

void create_calendar_views(const SqlNames& names) {
    run_sql("CREATE OR REPLACE VIEW {month} AS"
            " SELECT c.listing_id, m.month::date AS month,"
            " E'avail:v3:\\x7b' || c.listing_id::text || E'\\x7d:' || to_char(m.month, 'YYYY-MM') AS key,"
            " availability.month_bits(c.booked, m.month::date)::bit(31) AS booked,"
            " availability.booked_days(c.booked, d.days) AS booked_days,"
            " availability.open_days(c.booked, d.days) AS open_days"
            " FROM {calendar} c"
            " CROSS JOIN LATERAL generate_series(date_trunc('month', availability.first_day(c.booked)::timestamp),"
            " availability.last_day(c.booked)::timestamp, interval '1 month') AS m(month)"
            " CROSS JOIN LATERAL (SELECT daterange(m.month::date, (m.month + interval '1 month')::date)"
            " * daterange '[1970-01-01,2149-06-07)' AS days) AS d",
            names);
    run_sql("CREATE OR REPLACE VIEW {open} AS"
            " SELECT c.listing_id, CASE WHEN upper(g.gap) = date '2149-06-07' THEN daterange(lower(g.gap), NULL)"
            " ELSE g.gap END AS gap"
            " FROM {calendar} c"
            " CROSS JOIN LATERAL availability.gaps(c.booked, daterange(CURRENT_DATE, '2149-06-07')) AS g(gap)",
            names);
}

namespace {

void create_calendar(const SqlNames& names) {
    run_sql("CREATE TABLE {calendar} ("
            " listing_id {listing_type} NOT NULL,"
            " ordinal integer GENERATED BY DEFAULT AS IDENTITY,"
            " booked availability.dayset NOT NULL,"
            " version bigint NOT NULL,"
            " change text NOT NULL,"
            " reservation_id {key_type},"
            " stay daterange,"
            " was daterange"
            ") WITH (fillfactor = 70)",
            names);
    if (OidIsValid(calendar_trigger_function()))
        run_sql("CREATE TRIGGER _availability_calendar BEFORE UPDATE ON {calendar} FOR EACH ROW"
                " EXECUTE FUNCTION availability.calendar_updated()",
                names);
}

} // namespace

void create_companions(Relation relation, const ClaimExpressions& claim, const SqlNames& names, bool day_rows,
                       const TrackedRow& left) {
    if (!OidIsValid(left.calendar))
        create_calendar(names);
    if (day_rows && !OidIsValid(left.day))
        create_day_rows(names);
    create_claims_view(relation, claim, names);
    create_claim_function(names, OidIsValid(claim_function(left)) ? "CREATE OR REPLACE" : "CREATE");
    create_calendar_views(names);
    comment_companions(names);
}

void create_cancel_function(SqlNames names, Query* cancel, const char* create) {
    names.set("update", pg_get_querydef(cancel, false));
    names.set("create", create);
    run_sql("{create} FUNCTION {cancel}(key {key_type}) RETURNS SETOF integer LANGUAGE sql VOLATILE BEGIN ATOMIC "
            "{update}; END",
            names);
    run_sql("COMMENT ON FUNCTION {cancel} IS 'cancels a reservation, made by availability.track'", names);
}

void drop_cancel_function(const TrackedRow& row) {
    const ObjectAddress address = {ProcedureRelationId, cancel_function(row), 0};
    performDeletion(&address, DROP_RESTRICT, 0);
}

void add_calendar_key(const SqlNames& names) {
    run_sql("ALTER TABLE {calendar} ADD CONSTRAINT {calendar_pkey} PRIMARY KEY (listing_id)", names);
}

void add_day_key(const SqlNames& names) {
    run_sql("ALTER TABLE {day} ADD CONSTRAINT {day_pkey} PRIMARY KEY (listing_id, day)", names);
}

void require_booking_companions(TrackedRow* row, const TrackedRow* left) {
    if (OidIsValid(row->hold))
        return;
    // One session makes them; whoever waited for it finds them made.
    LockRelationOid(row->reservations, ShareUpdateExclusiveLock);
    *row = require_tracked_row(row->reservations);
    if (OidIsValid(row->hold))
        return;
    const TrackedRow nothing{};
    as_owner(row->reservations, [&] { make_booking_companions(*row, left != nullptr ? *left : nothing); });
    CommandCounterIncrement();
    *row = require_tracked_row(row->reservations);
}

void add_day_names(SqlNames* names, const TrackedRow& row) {
    const char* name = companion_name(row, "day");
    const Oid schema = get_rel_namespace(row.calendar);
    refuse_existing(schema, name);
    names->set("day", qualified_name(schema, name));
    names->set("day_pkey", quote_identifier(psprintf("%s_pkey", name)));
    names->set("listing_type", listing_type(row.calendar));
    const AttrNumber key = get_attnum(row.calendar, "reservation_id");
    names->set("key_type", format_type_be_qualified(get_atttype(row.calendar, key)));
}

void create_day_rows(const SqlNames& names) {
    run_sql("CREATE TABLE {day} (listing_id {listing_type} NOT NULL, day date NOT NULL, reservation_id {key_type})",
            names);
    run_sql("COMMENT ON TABLE {day} IS 'the booked days of each listing, kept by availability.track'", names);
}

} // namespace availability

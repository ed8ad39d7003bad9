// availability.suspend and retrack: a tracked table's columns and arguments change, everything else stays as it is.
//
// The view of claims depends on the columns that it reads, so that nobody alters them unawares. suspend puts a query
// that reads none in its place: no column is in use, no row can be written. retrack brings the claim back, over the
// columns as they are now, and gives the companions its types. Objects stay the same ones, with what was granted on
// them and made on top, except the queries whose columns get other types: these are made anew and get all that they
// had.

#include "extension/server/owner_scope.hpp"
#include "extension/tracking/companions.hpp"
#include "extension/tracking/leftovers.hpp"
#include "extension/tracking/maintenance.hpp"
#include "extension/tracking/prove.hpp"
#include "extension/tracking/provenance.hpp"
#include "extension/tracking/track.hpp"
#include "extension/tracking/triggers.hpp"
#include "extension/tracking/write_lock.hpp"

extern "C" {
#include <access/relation.h>
#include <access/xact.h>
#include <catalog/dependency.h>
#include <catalog/pg_class.h>
#include <catalog/pg_proc.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
}

namespace availability {

namespace {

char* qualified_function_name(Oid function) {
    return qualified_name(get_func_namespace(function), get_func_name(function));
}

// What follows SET in the UPDATE that cancels; NULL if there is none.
const char* cancel_text(const TrackedRow& row) {
    const Oid cancel = cancel_function(row);
    // One that is gone is not given up: without it, cancelling would delete.
    if (!OidIsValid(cancel))
        return tracked_text(row.reservations, "cancel");
    SqlNames names;
    names.set("oid", psprintf("%u", cancel));
    return query_text("SELECT substring(pg_get_function_sqlbody({oid}::oid) FROM 'SET (.*)\\n\\s+WHERE ')", names);
}

// The arguments as the companions say them, with every name qualified; as the owner.
TrackArguments current_arguments(const TrackedRow& row) {
    TrackArguments arguments{};
    arguments.reservations = row.reservations;
    arguments.listings.table = row.listings;
    arguments.has_since = row.since != kNoHorizon;
    arguments.since = row.since;
    arguments.day_rows = OidIsValid(row.day);
    if (is_suspended(row.claims)) {
        arguments.listing = tracked_text(row.reservations, "listing");
        arguments.stay = tracked_text(row.reservations, "stay");
        arguments.active = tracked_text(row.reservations, "active");
        arguments.key = tracked_text(row.reservations, "key");
        arguments.cancel = tracked_text(row.reservations, "cancel");
        return arguments;
    }
    const ClaimExpressions claim = load_claim_expressions(row.reservations, row.claims);
    Node* active;
    Node* stay;
    split_active_stay(claim.stay, &active, &stay);
    arguments.listing = expression_text(row.reservations, claim.listing);
    arguments.key = expression_text(row.reservations, claim.key);
    arguments.stay = expression_text(row.reservations, stay);
    arguments.active = expression_text(row.reservations, active);
    arguments.cancel = cancel_text(row);
    return arguments;
}

// In the memory context of the caller, not that of SPI.
TrackArguments read_current_arguments(const TrackedRow& row) {
    MemoryContext caller = CurrentMemoryContext;
    return as_owner(row.reservations, [&] {
        TrackArguments arguments = current_arguments(row);
        for (const char** text :
             {&arguments.listing, &arguments.stay, &arguments.active, &arguments.key, &arguments.cancel})
            if (*text != nullptr)
                *text = MemoryContextStrdup(caller, *text);
        return arguments;
    });
}

void set_arguments(SqlNames* names, const TrackArguments& arguments) {
    const auto literal = [](const char* text) { return text != nullptr ? quote_literal_cstr(text) : "NULL"; };
    names->set("oid", psprintf("%u", arguments.reservations));
    names->set("listing_text", literal(arguments.listing));
    names->set("stay_text", literal(arguments.stay));
    names->set("active_text", literal(arguments.active));
    names->set("key_text", literal(arguments.key));
    names->set("cancel_text", literal(arguments.cancel));
}

void suspend(const TrackedRow& row, const TrackArguments& arguments) {
    SqlNames names;
    set_arguments(&names, arguments);
    names.set("claims", qualified_name(row.claims));
    names.set("query", suspended_claims_sql(row.reservations, row.claims));
    run_sql("CREATE OR REPLACE VIEW {claims} AS {query}", names);
    if (const Oid cancel = cancel_function(row); OidIsValid(cancel)) {
        names.set("cancel", qualified_function_name(cancel));
        names.set("reservations", qualified_name(row.reservations));
        names.set("key_type",
                  format_type_be_qualified(get_atttype(row.calendar, get_attnum(row.calendar, "reservation_id"))));
        run_sql("CREATE OR REPLACE FUNCTION {cancel}(key {key_type}) RETURNS SETOF integer LANGUAGE sql VOLATILE"
                " BEGIN ATOMIC SELECT 1 FROM ONLY {reservations} WHERE false; END",
                names);
        tie_companion(row, {ProcedureRelationId, cancel, 0});
    }
    drop_key_triggers(row);
    write_tracked(row.reservations,
                  "UPDATE availability.tracked SET listing = {listing_text}, stay = {stay_text},"
                  " active = {active_text}, key = {key_text}, cancel = {cancel_text} WHERE reservations = {oid}::oid",
                  names);
}

// The statements that give an object made anew what the old one had: grants, options, comment.
constexpr char kViewStatements[] =
    "SELECT statement FROM (SELECT 1 AS n, format('GRANT %s ON %s TO %s%s', a.privilege_type, {object},"
    "   CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,"
    "   CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS statement"
    "  FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a WHERE c.oid = {oid}::oid AND a.grantee <> c.relowner"
    " UNION ALL SELECT 2, format('GRANT %s (%I) ON %s TO %s%s', a.privilege_type, t.attname, {object},"
    "   CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,"
    "   CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)"
    "  FROM pg_attribute t CROSS JOIN LATERAL aclexplode(t.attacl) a WHERE t.attrelid = {oid}::oid"
    " UNION ALL SELECT 3, format('ALTER VIEW %s SET (%s)', {object}, array_to_string(c.reloptions, ', '))"
    "  FROM pg_class c WHERE c.oid = {oid}::oid AND c.reloptions IS NOT NULL"
    " UNION ALL SELECT 4, format('COMMENT ON VIEW %s IS %L', {object}, obj_description({oid}::oid, 'pg_class'))"
    ") AS statements ORDER BY n";
constexpr char kFunctionStatements[] =
    "SELECT statement FROM (SELECT 1 AS n, format('GRANT %s ON FUNCTION %s TO %s%s', a.privilege_type, {object},"
    "   CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,"
    "   CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS statement"
    "  FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) a WHERE p.oid = {oid}::oid AND a.grantee <> p.proowner"
    " UNION ALL SELECT 0, format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', {object})"
    "  FROM pg_proc p WHERE p.oid = {oid}::oid AND p.proacl IS NOT NULL"
    " UNION ALL SELECT 4, format('COMMENT ON FUNCTION %s IS %L', {object}, obj_description({oid}::oid, 'pg_proc'))"
    ") AS statements ORDER BY n";

List* statements_of(List* statements, const char* query, const char* object, Oid oid) {
    SqlNames names;
    names.set("object", quote_literal_cstr(object));
    names.set("oid", psprintf("%u", oid));
    const uint64 rows = run_sql(query, names);
    for (uint64 i = 0; i < rows; i++)
        statements = lappend(statements, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
    return statements;
}

// What retrack does, from here to there.
struct Retracking {
    const TrackedRow& row; // as it was
    Relation relation;
    const ClaimExpressions& claim;
    Query* cancel;
    const TrackArguments& arguments;
    SqlNames names; // of companions as they are called now
};

SqlNames names_of(const TrackedRow& row, Relation relation, const ClaimExpressions& claim) {
    SqlNames names = companion_names(row);
    add_type_names(&names, relation, claim);
    const Oid schema = get_rel_namespace(row.calendar);
    const auto view = [&](const char* name, Oid oid, const char* companion) {
        if (get_rel_name(oid) == nullptr)
            names.set(name, qualified_name(schema, companion_name(row, companion)));
    };
    view("month", row.month_view, "month");
    view("open", row.open_view, "open");
    names.set("claims", qualified_name(row.claims));
    const Oid claim_of_row = claim_function(row);
    names.set("claim", OidIsValid(claim_of_row) ? qualified_function_name(claim_of_row)
                                                : qualified_name(schema, NameStr(row.claim)));
    const Oid cancel = cancel_function(row);
    names.set("cancel", OidIsValid(cancel) ? qualified_function_name(cancel)
                                           : qualified_name(schema, companion_name(row, "cancel")));
    return names;
}

bool is_retyped(const TrackedRow& row, const ClaimExpressions& claim) {
    const CompanionTypes types = companion_types(claim);
    Oid type;
    int32 typmod;
    Oid collation;
    get_atttypetypmodcoll(row.calendar, get_attnum(row.calendar, "listing_id"), &type, &typmod, &collation);
    return type != types.listing || collation != types.listing_collation ||
           get_atttype(row.calendar, get_attnum(row.calendar, "reservation_id")) != types.key;
}

// Queries can't change the types of their columns: they are made anew, and this returns what gives them back what they
// had. Raises 2BP01 if something of the owner's depends on them.
List* drop_queries(const Retracking& r) {
    List* statements = NIL;
    ObjectAddresses* dropped = new_object_addresses();
    const auto add = [&](const char* name, Oid catalog, Oid oid) {
        if (!OidIsValid(oid) || (catalog == RelationRelationId && get_rel_name(oid) == nullptr))
            return;
        const char* object = expand_sql(psprintf("{%s}", name), r.names);
        if (std::strcmp(name, "claim") == 0)
            object = psprintf("%s(%s)", object, expand_sql("{row_type}", r.names));
        else if (catalog == ProcedureRelationId)
            object = psprintf("%s(%s)", object, expand_sql("{key_type}", r.names));
        statements = statements_of(statements, catalog == RelationRelationId ? kViewStatements : kFunctionStatements,
                                   object, oid);
        const ObjectAddress address = {catalog, oid, 0};
        add_exact_object_address(&address, dropped);
    };
    add("month", RelationRelationId, r.row.month_view);
    add("open", RelationRelationId, r.row.open_view);
    add("claims", RelationRelationId, r.row.claims);
    add("claim", ProcedureRelationId, claim_function(r.row));
    if (r.cancel != nullptr)
        add("cancel", ProcedureRelationId, cancel_function(r.row));
    untie_companions(r.row);
    performMultipleDeletions(dropped, DROP_RESTRICT, 0);
    free_object_addresses(dropped);
    CommandCounterIncrement();
    return statements;
}

void retype_tables(const Retracking& r) {
    run_sql("ALTER TABLE {calendar} ALTER listing_id TYPE {listing_type} USING listing_id::{listing_type_name},"
            " ALTER reservation_id TYPE {key_type} USING reservation_id::{key_type}",
            r.names);
    if (OidIsValid(r.row.day))
        run_sql("ALTER TABLE {day} ALTER listing_id TYPE {listing_type} USING listing_id::{listing_type_name},"
                " ALTER reservation_id TYPE {key_type} USING reservation_id::{key_type}",
                r.names);
    if (OidIsValid(r.row.hold))
        run_sql("ALTER TABLE {hold} ALTER listing_id TYPE {listing_type} USING listing_id::{listing_type_name}",
                r.names);
}

void remake_queries(const Retracking& r) {
    const bool retyped = is_retyped(r.row, r.claim);
    const Oid cancel = cancel_function(r.row);
    List* statements = NIL;
    if (retyped) {
        statements = drop_queries(r);
        retype_tables(r);
    }
    if (retyped || get_rel_name(r.row.month_view) == nullptr || get_rel_name(r.row.open_view) == nullptr)
        create_calendar_views(r.names);
    create_claims_view(r.relation, r.claim, r.names);
    if (retyped || !OidIsValid(claim_function(r.row)))
        create_claim_function(r.names, "CREATE");
    if (r.cancel != nullptr)
        create_cancel_function(r.names, r.cancel, retyped || !OidIsValid(cancel) ? "CREATE" : "CREATE OR REPLACE");
    else if (OidIsValid(cancel))
        drop_cancel_function(r.row);
    ListCell* cell;
    foreach (cell, statements)
        run_plain_sql(static_cast<char*>(lfirst(cell)), {});
}

// Functions that have other names than track gives them are found by their ties alone.
void tie_function(const Retracking& r, const TrackedRow& now, const char* signature) {
    SqlNames names;
    names.set("signature", quote_literal_cstr(expand_sql(signature, r.names)));
    const char* oid = query_text("SELECT {signature}::regprocedure::oid::text", names);
    tie_companion(now, {ProcedureRelationId, atooid(oid), 0});
}

void write_settings(Retracking* r, const char* listings_trigger) {
    const Oid listings = r->arguments.listings.table;
    set_arguments(&r->names, r->arguments);
    for (const char* companion : {"claims", "month", "open"})
        r->names.set(psprintf("%s_literal", companion),
                     quote_literal_cstr(expand_sql(psprintf("{%s}", companion), r->names)));
    r->names.set("listings_oid", OidIsValid(listings) ? psprintf("%u", listings) : "NULL");
    r->names.set("listings_trigger", OidIsValid(listings) ? quote_literal_cstr(listings_trigger) : "NULL");
    write_tracked(r->row.reservations,
                  "UPDATE availability.tracked SET claims = {claims_literal}, month_view = {month_literal},"
                  " open_view = {open_literal}, listing = {listing_text}, stay = {stay_text}, active = {active_text},"
                  " key = {key_text}, cancel = {cancel_text}, listings = {listings_oid},"
                  " listings_trigger = {listings_trigger} WHERE reservations = {oid}::oid",
                  r->names);
}

void retrack(Retracking* r) {
    const TrackedRow& row = r->row;
    const Oid listings = r->arguments.listings.table;
    if (OidIsValid(listings))
        require_rights_on_listings(listings, r->relation->rd_rel->relowner);
    const bool same_listings = listings == row.listings;
    if (!same_listings)
        drop_triggers(row);
    remake_queries(*r);
    write_settings(r, same_listings ? NameStr(row.listings_trigger) : new_listing_trigger(listings, r->relation));
    CommandCounterIncrement();

    TrackedRow now = require_tracked_row(row.reservations);
    tie_function(*r, now, "{claim}({row_type})");
    if (r->cancel != nullptr)
        tie_function(*r, now, "{cancel}({key_type})");
    ensure_triggers(now, OidIsValid(listings)
                             ? quote_identifier(get_attname(listings, r->arguments.listings.column, false))
                             : nullptr);
    repair(now);
}

void take_given(FunctionCallInfo fcinfo, int n, const char** argument, bool* stored) {
    *stored = PG_ARGISNULL(n);
    if (!*stored)
        *argument = text_to_cstring(PG_GETARG_TEXT_PP(n));
}

void add_given_arguments(FunctionCallInfo fcinfo, TrackArguments* arguments) {
    take_given(fcinfo, 1, &arguments->listing, &arguments->stored_listing);
    take_given(fcinfo, 2, &arguments->stay, &arguments->stored_stay);
    take_given(fcinfo, 3, &arguments->active, &arguments->stored_active);
    take_given(fcinfo, 4, &arguments->key, &arguments->stored_key);
    take_given(fcinfo, 6, &arguments->cancel, &arguments->stored_cancel);
    if (!PG_ARGISNULL(5))
        arguments->listings.table = PG_GETARG_OID(5);
    if (arguments->cancel != nullptr && arguments->cancel[0] == '\0')
        arguments->cancel = nullptr;
}

} // namespace

} // namespace availability

using namespace availability;

AVAILABILITY_FUNCTION(availability_suspend) {
    const Oid reservations = PG_GETARG_OID(0);
    require_owner(reservations);
    lock_against_writes(reservations, "availability.suspend");
    const TrackedRow row = require_tracked_row(reservations);
    require_companions(row);
    if (is_suspended(row.claims))
        PG_RETURN_VOID();
    prove_companions(row, RowExclusiveLock);
    const TrackArguments arguments = read_current_arguments(row);
    as_owner(reservations, [&] { suspend(row, arguments); });
    PG_RETURN_VOID();
}

AVAILABILITY_FUNCTION(availability_retrack) {
    if (PG_ARGISNULL(0))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                        errmsg("reservations of availability.retrack can't be null")));
    const Oid reservations = PG_GETARG_OID(0);
    require_owner(reservations);
    lock_against_writes(reservations, "availability.retrack");
    Relation relation = relation_open(reservations, NoLock);
    TrackedRow row;
    const bool is_tracked = read_tracked_row(reservations, &row);
    if (is_tracked) {
        require_companions(row);
        prove_companions_as_made(row, RowExclusiveLock);
    } else if (!find_leftovers(relation, &row) || !OidIsValid(row.claims) || is_suspended(row.claims))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                        errmsg("table \"%s\" is not tracked", RelationGetRelationName(relation)),
                        errhint("Use availability.track.")));

    require_one_owner(row);
    TrackArguments arguments = read_current_arguments(row);
    add_given_arguments(fcinfo, &arguments);
    const ClaimExpressions claim = parse_claim(relation, arguments);
    // Another listing column may reference another table.
    const ListingsKey referenced = !PG_ARGISNULL(1) && PG_ARGISNULL(5)
                                       ? find_listings(relation, claim.listing, InvalidOid)
                                       : ListingsKey{InvalidOid, InvalidAttrNumber};
    arguments.listings =
        OidIsValid(referenced.table) ? referenced : find_listings(relation, claim.listing, arguments.listings.table);
    Query* cancel = parse_cancel(relation, claim, arguments);
    as_owner(reservations, [&] {
        if (!is_tracked) {
            make_tracked(relation, claim, cancel, arguments);
            return;
        }
        Retracking retracking = {row, relation, claim, cancel, arguments, names_of(row, relation, claim)};
        retrack(&retracking);
    });
    relation_close(relation, NoLock);
    PG_RETURN_VOID();
}

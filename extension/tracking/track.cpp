// availability.track: from a table of reservations to a tracked one.

#include "extension/tracking/track.hpp"

#include "extension/claim/expressions.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/tracking/backfill.hpp"
#include "extension/tracking/companions.hpp"
#include "extension/tracking/leftovers.hpp"
#include "extension/tracking/listings.hpp"
#include "extension/tracking/maintenance.hpp"
#include "extension/tracking/triggers.hpp"
#include "extension/tracking/write_lock.hpp"

extern "C" {
#include <access/relation.h>
#include <access/table.h>
#include <access/xact.h>
#include <catalog/catalog.h>
#include <catalog/namespace.h>
#include <catalog/pg_inherits.h>
#include <catalog/pg_type.h>
#include <commands/trigger.h>
#include <miscadmin.h>
#include <nodes/nodeFuncs.h>
#include <parser/analyze.h>
#include <parser/parser.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/date.h>
#include <utils/guc.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/relcache.h>
#include <utils/rls.h>
#include <utils/ruleutils.h>
}

namespace availability {

namespace {

[[noreturn]] void not_trackable(Relation relation, const char* reason, const char* hint) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("table \"%s\" can't be tracked", RelationGetRelationName(relation)), errdetail("%s", reason),
                    hint != nullptr ? errhint("%s", hint) : 0));
    pg_unreachable();
}

bool inherits_or_is_inherited(Relation relation) {
    return relation->rd_rel->relkind == RELKIND_RELATION &&
           (has_superclass(RelationGetRelid(relation)) ||
            list_length(find_inheritance_children(RelationGetRelid(relation), NoLock)) > 0);
}

bool has_foreign_partition(Relation relation) {
    if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
        return false;
    ListCell* cell;
    foreach (cell, find_all_inheritors(RelationGetRelid(relation), AccessShareLock, nullptr))
        if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_FOREIGN_TABLE)
            return true;
    return false;
}

void require_trackable(Relation relation) {
    TrackedRow row;
    if (read_tracked_row(RelationGetRelid(relation), &row))
        ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT),
                        errmsg("table \"%s\" is already tracked", RelationGetRelationName(relation))));
    if (relation->rd_rel->relkind != RELKIND_RELATION && relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
        not_trackable(relation, "It is not a table.", nullptr);
    if (relation->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
        not_trackable(relation, "It is temporary or unlogged: its rows don't survive as its calendars would.", nullptr);
    if (relation->rd_rel->relispartition)
        not_trackable(relation, "It is a partition.", "Track the partitioned table.");
    if (inherits_or_is_inherited(relation))
        not_trackable(relation, "It is part of an inheritance tree, whose children run no triggers of their parent.",
                      nullptr);
    if (has_foreign_partition(relation))
        not_trackable(relation, "It has a foreign table as a partition, which others may change unseen.", nullptr);
    if (IsCatalogRelation(relation))
        not_trackable(relation, "It is a system catalog.", nullptr);
    if (strlen(RelationGetRelationName(relation)) > kLongestTableName)
        ereport(ERROR,
                (errcode(ERRCODE_NAME_TOO_LONG),
                 errmsg("name of table \"%s\" is too long to track", RelationGetRelationName(relation)),
                 errdetail("Names of its companions are up to %d bytes longer.", NAMEDATALEN - 1 - kLongestTableName)));
}

Oid column_type(Relation relation, const char* name) {
    const AttrNumber column = get_attnum(RelationGetRelid(relation), name);
    return column > 0 ? getBaseType(get_atttype(RelationGetRelid(relation), column)) : InvalidOid;
}

// stay left out: a column stay daterange, else check_in and check_out dates.
const char* default_stay(Relation relation) {
    if (column_type(relation, "stay") == DATERANGEOID)
        return "stay";
    const Oid check_in = column_type(relation, "check_in");
    const Oid check_out = column_type(relation, "check_out");
    if (check_in == DATEOID && check_out == DATEOID)
        return "daterange(check_in, check_out)";
    const bool timestamps = check_in == TIMESTAMPTZOID || check_in == TIMESTAMPOID;
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_COLUMN),
             errmsg("table \"%s\" has no stay that track can find", RelationGetRelationName(relation)),
             errdetail("It looks for a column stay of type daterange, then for check_in and check_out of type date."),
             timestamps ? errhint("Timestamps are not cut to days in silence: pass stay => "
                                  "$$availability.stay_days(check_in, check_out, 'Europe/Brussels')$$ with the "
                                  "listing's time zone.")
                        : errhint("Pass stay, an expression of type daterange over the columns.")));
}

// key left out: the primary key's only column.
const char* default_key(Relation relation) {
    const AttrNumber column = single_key_column(relation, "Pass key, an expression that identifies a reservation.");
    return quote_identifier(get_attname(RelationGetRelid(relation), column, false));
}

void require_type(const char* argument, Node* expression, bool right, const char* hint) {
    if (right)
        return;
    ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                    errmsg("argument \"%s\" of availability.track has type %s", argument,
                           format_type_be(exprType(expression))),
                    errhint("%s", hint)));
}

const char* literal_or_null(const char* text) {
    return text != nullptr ? quote_literal_cstr(text) : "NULL";
}

const char* regclass_or_null(Oid relation) {
    return OidIsValid(relation) ? psprintf("%u", relation) : "NULL";
}

void register_tracked(const TrackArguments& arguments, SqlNames* names, const char* listings_trigger) {
    names->set("reservations_oid", regclass_or_null(arguments.reservations));
    names->set("listings_oid", regclass_or_null(arguments.listings.table));
    names->set("listings_trigger",
               OidIsValid(arguments.listings.table) ? quote_literal_cstr(listings_trigger) : "NULL");
    names->set("since_argument", arguments.has_since ? psprintf("date '1970-01-01' + %d", arguments.since) : "NULL");
    const char* day = expand_sql("{day}", *names);
    names->set("day_literal", arguments.day_rows ? quote_literal_cstr(day) : "NULL");
    names->set("calendar_literal", quote_literal_cstr(expand_sql("{calendar}", *names)));
    names->set("month_literal", quote_literal_cstr(expand_sql("{month}", *names)));
    names->set("open_literal", quote_literal_cstr(expand_sql("{open}", *names)));
    names->set("claims_literal", quote_literal_cstr(expand_sql("{claims}", *names)));
    names->set("arguments", psprintf("%s, %s, %s, %s, %s", quote_literal_cstr(arguments.listing),
                                     quote_literal_cstr(arguments.stay), quote_literal_cstr(arguments.active),
                                     quote_literal_cstr(arguments.key), literal_or_null(arguments.cancel)));
    write_tracked(arguments.reservations,
                  "INSERT INTO availability.tracked (reservations, calendar, day, month_view, open_view, claims, claim,"
                  " listings, listings_trigger, since, listing, stay, active, key, cancel) VALUES"
                  " ({reservations_oid}, {calendar_literal}, {day_literal}, {month_literal}, {open_literal},"
                  " {claims_literal}, {claim_name}, {listings_oid}, {listings_trigger}, {since_argument}, {arguments})",
                  *names);
}

// Until AtEOXact_GUC() with what it returns.
int enter_stored_text(bool stored) {
    const int level = NewGUCNestLevel();
    if (stored)
        set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
                          false);
    return level;
}

} // namespace

ClaimExpressions parse_claim(Relation relation, const TrackArguments& arguments) {
    const auto parse = [&](const char* argument, const char* text, bool stored) {
        const int level = enter_stored_text(stored);
        Node* expression = parse_claim_expression(relation, argument, text);
        AtEOXact_GUC(false, level);
        return expression;
    };
    Node* listing = parse("listing", arguments.listing, arguments.stored_listing);
    Node* key = parse("key", arguments.key, arguments.stored_key);
    Node* stay = parse("stay", arguments.stay, arguments.stored_stay);
    Node* active = parse("active", arguments.active, arguments.stored_active);
    constexpr char kKeyTypes[] =
        "Supported are smallint, integer, bigint, uuid, text and varchar; cast others to text.";
    require_type("listing", listing, is_supported_key_type(getBaseType(exprType(listing))), kKeyTypes);
    require_type("key", key, is_supported_key_type(getBaseType(exprType(key))), kKeyTypes);
    require_type("stay", stay, getBaseType(exprType(stay)) == DATERANGEOID,
                 "A stay is a daterange [check_in, check_out). Timestamps are not cut to days in silence: "
                 "availability.stay_days(check_in, check_out, time_zone) gives the nights in the listing's time zone.");
    return {listing, key, make_active_stay(active, stay)};
}

Query* parse_cancel(Relation relation, const ClaimExpressions& claim, const TrackArguments& arguments) {
    if (arguments.cancel == nullptr)
        return nullptr;
    List* context = deparse_context_for(RelationGetRelationName(relation), RelationGetRelid(relation));
    // On lines of its own: it may end in a comment.
    const char* text = psprintf("UPDATE %s SET %s\n WHERE (%s) OPERATOR(pg_catalog.=) $1 RETURNING 1",
                                qualified_name(RelationGetRelid(relation)), arguments.cancel,
                                deparse_expression(claim.key, context, false, false));
    List* statements = raw_parser(text, RAW_PARSE_DEFAULT);
    const auto* update = reinterpret_cast<UpdateStmt*>(linitial_node(RawStmt, statements)->stmt);
    if (list_length(statements) != 1 || !IsA(update, UpdateStmt) || update->fromClause != NIL ||
        update->withClause != nullptr)
        ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
                        errmsg("argument \"cancel\" of availability.track is not what follows SET in an UPDATE"),
                        errhint("Such as: status = 'cancelled', cancelled_at = now()")));
    Oid key_type = getBaseType(exprType(claim.key));
    const int level = enter_stored_text(arguments.stored_cancel);
    Query* query = parse_analyze_fixedparams(linitial_node(RawStmt, statements), text, &key_type, 1, nullptr);
    AtEOXact_GUC(false, level);
    return query;
}

void make_tracked(Relation relation, const ClaimExpressions& claim, Query* cancel, const TrackArguments& arguments) {
    TrackedRow left;
    const bool adopts = find_leftovers(relation, &left);
    require_adoptable(left, claim);
    SqlNames names = new_companion_names(relation, claim, left);
    const bool adopts_cancel = adopts && OidIsValid(cancel_function(left));
    create_companions(relation, claim, names, arguments.day_rows, left);
    if (cancel != nullptr)
        create_cancel_function(names, cancel, adopts_cancel ? "CREATE OR REPLACE" : "CREATE");
    else if (adopts_cancel)
        drop_cancel_function(left);
    const bool adopts_trigger = OidIsValid(left.listings) && left.listings == arguments.listings.table;
    register_tracked(arguments, &names,
                     adopts_trigger ? NameStr(left.listings_trigger)
                                    : new_listing_trigger(arguments.listings.table, relation));
    CommandCounterIncrement();

    // From here on by what was registered, as everything that comes later will read it.
    TrackedRow row = require_tracked_row(arguments.reservations);
    if (tracks_bookings())
        require_booking_companions(&row, &left);
    const char* listings_column = OidIsValid(row.listings)
                                      ? quote_identifier(get_attname(row.listings, arguments.listings.column, false))
                                      : nullptr;
    if (listings_column != nullptr)
        require_rights_on_listings(row.listings, relation->rd_rel->relowner);
    // The triggers first: making them locks the table of listings until the calendars are there.
    ensure_triggers(row, listings_column);
    SqlNames filling = companion_names(row);
    filling.set("calendar_pkey", expand_sql("{calendar_pkey}", names));
    filling.set("day_pkey", expand_sql("{day_pkey}", names));
    if (listings_column != nullptr)
        filling.set("listings_column", listings_column);
    if (!OidIsValid(left.calendar) && !OidIsValid(left.day)) {
        add_claims(&filling, row);
        backfill(filling, row);
        return;
    }
    // What they hold may be right, and their versions go on.
    if (!OidIsValid(left.calendar))
        add_calendar_key(filling);
    if (arguments.day_rows && !OidIsValid(left.day))
        add_day_key(filling);
    CommandCounterIncrement();
    repair(row);
}

namespace {

const char* text_argument(FunctionCallInfo fcinfo, int n) {
    return PG_ARGISNULL(n) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

TrackArguments read_arguments(FunctionCallInfo fcinfo) {
    TrackArguments arguments{};
    arguments.reservations = PG_GETARG_OID(0);
    arguments.listing = text_argument(fcinfo, 1);
    arguments.stay = text_argument(fcinfo, 2);
    arguments.active = text_argument(fcinfo, 3);
    arguments.key = text_argument(fcinfo, 4);
    arguments.listings.table = PG_ARGISNULL(5) ? InvalidOid : PG_GETARG_OID(5);
    arguments.has_since = !PG_ARGISNULL(6);
    if (arguments.has_since)
        arguments.since = require_horizon(PG_GETARG_DATEADT(6));
    if (arguments.listing == nullptr || arguments.active == nullptr || PG_ARGISNULL(7))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                        errmsg("listing, active and day_rows of availability.track can't be null")));
    arguments.day_rows = PG_GETARG_BOOL(7);
    arguments.cancel = text_argument(fcinfo, 8);
    return arguments;
}

} // namespace

} // namespace availability

using namespace availability;

AVAILABILITY_FUNCTION(availability_track) {
    if (PG_ARGISNULL(0))
        ereport(ERROR,
                (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("reservations of availability.track can't be null")));
    TrackArguments arguments = read_arguments(fcinfo);
    require_owner(arguments.reservations);
    lock_against_writes(arguments.reservations, "availability.track");

    Relation relation = relation_open(arguments.reservations, NoLock);
    require_trackable(relation);
    if (arguments.stay == nullptr)
        arguments.stay = default_stay(relation);
    if (arguments.key == nullptr)
        arguments.key = default_key(relation);
    const ClaimExpressions claim = parse_claim(relation, arguments);
    arguments.listings = find_listings(relation, claim.listing, arguments.listings.table);
    Query* cancel = parse_cancel(relation, claim, arguments);
    as_owner(arguments.reservations, [&] { make_tracked(relation, claim, cancel, arguments); });
    relation_close(relation, NoLock);
    PG_RETURN_VOID();
}

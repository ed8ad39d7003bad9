// availability.repair, forget and untrack: what an operator does to a tracked table.

#include "extension/tracking/companions.hpp"
#include "extension/dayset/type.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/server/spi.hpp"
#include "extension/tracking/verify.hpp"

extern "C" {
#include <access/xact.h>
#include <catalog/dependency.h>
#include <catalog/pg_class.h>
#include <catalog/pg_proc.h>
#include <catalog/pg_trigger.h>
#include <commands/trigger.h>
#include <miscadmin.h>
#include <storage/lmgr.h>
#include <utils/builtins.h>
#include <utils/date.h>
#include <utils/lsyscache.h>
}

namespace availability {

namespace {

// Every calendar that changes without a reservation of its own says so once.
constexpr char kReset[] =
    "version = availability.next_version(c.version), change = 'reset', reservation_id = NULL, stay = NULL, was = NULL";

void repair_day_rows(const SqlNames& names) {
    run_sql("WITH claimed AS (SELECT listing, lower(stay) + n AS day, key FROM {claims} AS claims"
            "  CROSS JOIN LATERAL generate_series(0, upper(stay) - lower(stay) - 1) AS n)"
            " DELETE FROM {day} AS d WHERE d.day >= {since} AND NOT EXISTS (SELECT FROM claimed c"
            "  WHERE c.listing = d.listing_id AND c.day = d.day AND c.key IS NOT DISTINCT FROM d.reservation_id)",
            names);
    run_sql("INSERT INTO {day} (listing_id, day, reservation_id)"
            " SELECT listing, lower(stay) + n, key FROM {claims} AS claims"
            "  CROSS JOIN LATERAL generate_series(0, upper(stay) - lower(stay) - 1) AS n"
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
    run_sql("INSERT INTO {calendar} (listing_id, booked, version, change)"
            " SELECT l.{listings_column}, '{}', availability.next_version(0), 'reset' FROM {listings} AS l"
            " WHERE l.{listings_column} IS NOT NULL"
            " AND NOT EXISTS (SELECT FROM {calendar} AS c WHERE c.listing_id = l.{listings_column})"
            " ON CONFLICT (listing_id) DO NOTHING",
            names);
    constexpr char kGone[] = " NOT EXISTS (SELECT FROM {listings} AS l WHERE l.{listings_column} = c.listing_id)"
                             " AND NOT EXISTS (SELECT FROM {claims} AS claims WHERE claims.listing = c.listing_id)";
    run_sql(psprintf("UPDATE {calendar} AS c SET booked = '{}', version = availability.next_version(version),"
                     " change = 'dropped', reservation_id = NULL, stay = NULL, was = NULL WHERE %s",
                     kGone),
            names);
    run_sql(psprintf("DELETE FROM {calendar} AS c WHERE %s", kGone), names);
}

uint64 count_discrepancies(const TrackedRow& row) {
    const int result = SPI_execute(verify_sql(row), false, 0);
    if (result != SPI_OK_SELECT)
        elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
    return SPI_processed;
}

void drop_trigger(Oid table, const char* name) {
    if (!OidIsValid(table) || get_rel_name(table) == nullptr)
        return;
    const Oid trigger = get_trigger_oid(table, name, true);
    if (!OidIsValid(trigger))
        return;
    // Not by DROP TRIGGER, which only the owner of the table of listings may do.
    const ObjectAddress address = {TriggerRelationId, trigger, 0};
    performDeletion(&address, DROP_RESTRICT, 0);
}

void set_day_companion(const TrackedRow& row, const char* day) {
    SqlNames names;
    names.set("day", day != nullptr ? quote_literal_cstr(day) : "NULL");
    names.set("oid", psprintf("%u", row.reservations));
    write_tracked(row.reservations, "UPDATE availability.tracked SET day = {day} WHERE reservations = {oid}::oid",
                  names);
}

// As track makes and fills them.
void add_day_rows(const TrackedRow& row) {
    SqlNames names = companion_names(row);
    add_claims(&names, row);
    refuse_double_bookings(names);
    add_day_names(&names, row);
    create_day_rows(names);
    fill_day_rows(names);
    set_day_companion(row, expand_sql("{day}", names));
}

void drop_day_rows(const TrackedRow& row) {
    set_day_companion(row, nullptr);
    const ObjectAddress address = {RelationRelationId, row.day, 0};
    performDeletion(&address, DROP_RESTRICT, 0);
}

// Not by DROP, which asks that each belongs to the table's owner of today.
void drop_companions(const TrackedRow& row) {
    ObjectAddresses* companions = new_object_addresses();
    const auto add = [&](Oid catalog, Oid oid) {
        const ObjectAddress address = {catalog, oid, 0};
        add_exact_object_address(&address, companions);
    };
    for (const Oid relation : {row.month_view, row.open_view, row.claims, row.day, row.calendar, row.hold, row.request})
        if (OidIsValid(relation) && get_rel_name(relation) != nullptr)
            add(RelationRelationId, relation);
    if (const Oid claim = get_rel_name(row.reservations) != nullptr ? claim_function(row) : InvalidOid;
        OidIsValid(claim))
        add(ProcedureRelationId, claim);
    if (const Oid cancel = cancel_function(row); OidIsValid(cancel))
        add(ProcedureRelationId, cancel);
    performMultipleDeletions(companions, DROP_RESTRICT, 0);
    free_object_addresses(companions);
}

// Who may untrack: the owner of the table, or, once somebody dropped it with CASCADE, of the calendar that is left.
Oid require_owner_of_tracked(const TrackedRow& row) {
    for (const Oid relation : {row.reservations, row.calendar})
        if (get_rel_name(relation) != nullptr) {
            require_owner(relation);
            return relation_owner(relation);
        }
    if (!superuser())
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("must be superuser to untrack a table that is gone with its companions")));
    return GetUserId();
}

} // namespace

} // namespace availability

using namespace availability;

AVAILABILITY_FUNCTION(availability_repair) {
    const Oid reservations = PG_GETARG_OID(0);
    require_owner(reservations);
    lock_against_writes(reservations, "availability.repair");
    const TrackedRow row = require_tracked_row(reservations);

    const OwnerScope scope = enter_owner(relation_owner(reservations));
    SPI_connect();
    const uint64 found = count_discrepancies(row);
    if (found > 0) {
        SqlNames names = companion_names(row);
        add_claims(&names, row);
        names.set("reset", kReset);
        refuse_unsupported_stays(names);
        refuse_double_bookings(names);
        const char* column = listings_key_column(row);
        ensure_triggers(row, column);
        // Calendars before day rows, as everywhere: a listing that is deleted meanwhile has its own locked in that
        // order.
        repair_calendars(names);
        if (column != nullptr) {
            names.set("listings_column", column);
            repair_listings(names);
        }
        if (OidIsValid(row.day))
            repair_day_rows(names);
    }
    SPI_finish();
    leave_owner(scope);
    PG_RETURN_INT64(static_cast<int64>(found));
}

AVAILABILITY_FUNCTION(availability_forget) {
    const Oid reservations = PG_GETARG_OID(0);
    const DateADT before = PG_GETARG_DATEADT(1);
    require_owner(reservations);
    lock_against_writes(reservations, "availability.forget");
    const TrackedRow row = require_tracked_row(reservations);
    const Day horizon = require_horizon(before);
    if (row.since != kNoHorizon && horizon < row.since)
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the horizon of a tracked table only moves forward"),
                 errhint("To see earlier days again, use availability.untrack and availability.track.")));

    const OwnerScope scope = enter_owner(relation_owner(reservations));
    SPI_connect();
    SqlNames names = companion_names(row);
    names.set("before", psprintf("(date '1970-01-01' + %d)", horizon));
    names.set("oid", psprintf("%u", reservations));
    names.set("reset", kReset);
    write_tracked(reservations, "UPDATE availability.tracked SET since = {before} WHERE reservations = {oid}::oid",
                  names);
    const uint64 changed = run_sql(
        "UPDATE {calendar} AS c SET booked = c.booked OPERATOR(availability.*) daterange({before}, NULL), {reset}"
        " WHERE c.booked OPERATOR(availability.&&) daterange(NULL, {before})",
        names);
    if (OidIsValid(row.day))
        run_sql("DELETE FROM {day} WHERE day < {before}", names);
    if (OidIsValid(row.hold))
        run_sql("DELETE FROM {hold} WHERE upper(stay) <= {before}", names);
    SPI_finish();
    leave_owner(scope);
    PG_RETURN_INT64(static_cast<int64>(changed));
}

// Calendars stay as they are, and no event tells.
AVAILABILITY_FUNCTION(availability_set_day_rows) {
    const Oid reservations = PG_GETARG_OID(0);
    const bool day_rows = PG_GETARG_BOOL(1);
    require_owner(reservations);
    lock_against_writes(reservations, "availability.set_day_rows");
    const TrackedRow row = require_tracked_row(reservations);
    if (OidIsValid(row.day) == day_rows)
        PG_RETURN_VOID();
    // Who deletes a listing writes companions too.
    LockRelationOid(row.calendar, ShareRowExclusiveLock);

    const OwnerScope scope = enter_owner(relation_owner(reservations));
    SPI_connect();
    if (day_rows)
        add_day_rows(row);
    else
        drop_day_rows(row);
    SPI_finish();
    leave_owner(scope);
    PG_RETURN_VOID();
}

AVAILABILITY_FUNCTION(availability_untrack) {
    const Oid reservations = PG_GETARG_OID(0);
    const Oid owner = require_owner_of_tracked(require_tracked_row(reservations));
    LockRelationOid(reservations, AccessExclusiveLock);
    // Somebody else may have untracked it while we waited.
    const TrackedRow row = require_tracked_row(reservations);

    const OwnerScope scope = enter_owner(owner);
    SPI_connect();
    drop_trigger(reservations, kClaimTrigger);
    drop_trigger(reservations, kTruncateTrigger);
    if (OidIsValid(row.listings)) {
        drop_trigger(row.listings, NameStr(row.listings_trigger));
        drop_trigger(row.listings, listing_truncate_trigger(NameStr(row.listings_trigger)));
    }
    drop_companions(row);
    SqlNames names;
    names.set("oid", psprintf("%u", reservations));
    write_tracked(reservations, "DELETE FROM availability.tracked WHERE reservations = {oid}::oid", names);
    SPI_finish();
    leave_owner(scope);
    PG_RETURN_VOID();
}

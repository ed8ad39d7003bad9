// availability.repair, forget, set_day_rows and untrack: what an operator does to a tracked table.

#include "extension/tracking/maintenance.hpp"

#include "extension/server/owner_scope.hpp"
#include "extension/tracking/backfill.hpp"
#include "extension/tracking/companions.hpp"
#include "extension/tracking/leftovers.hpp"
#include "extension/tracking/listings.hpp"
#include "extension/tracking/prove.hpp"
#include "extension/tracking/provenance.hpp"
#include "extension/tracking/triggers.hpp"
#include "extension/tracking/verify.hpp"
#include "extension/tracking/write_lock.hpp"

extern "C" {
#include <access/relation.h>
#include <miscadmin.h>
#include <storage/lmgr.h>
#include <utils/builtins.h>
#include <utils/date.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
}

namespace availability {

namespace {

uint64 count_discrepancies(const TrackedRow& row) {
    const int result = SPI_execute(verify_sql(row), false, 0);
    if (result != SPI_OK_SELECT)
        elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
    return SPI_processed;
}

} // namespace

uint64 repair(const TrackedRow& row) {
    const uint64 found = count_discrepancies(row);
    if (found == 0)
        return 0;
    SqlNames names = companion_names(row);
    add_claims(&names, row);
    refuse_unsupported_stays(names);
    refuse_unreadable_texts(names);
    refuse_double_bookings(names);
    const char* column = listings_key_column(row);
    ensure_triggers(row, column);
    // Calendars before day rows, as everywhere: a listing that is deleted meanwhile has its own locked in that order.
    repair_calendars(names);
    if (column != nullptr) {
        names.set("listings_column", column);
        repair_listings(names);
    }
    if (OidIsValid(row.day))
        repair_day_rows(names);
    return found;
}

namespace {

uint64 forget(const TrackedRow& row, Day horizon) {
    SqlNames names = companion_names(row);
    names.set("before", psprintf("(date '1970-01-01' + %d)", horizon));
    names.set("oid", psprintf("%u", row.reservations));
    write_tracked(row.reservations, "UPDATE availability.tracked SET since = {before} WHERE reservations = {oid}::oid",
                  names);
    const uint64 changed = run_sql(
        "UPDATE {calendar} AS c SET booked = c.booked OPERATOR(availability.*) daterange({before}, NULL), {reset}"
        " WHERE c.booked OPERATOR(availability.&&) daterange(NULL, {before})",
        names);
    if (OidIsValid(row.day))
        run_sql("DELETE FROM {day} WHERE day < {before}", names);
    if (OidIsValid(row.hold))
        run_sql("DELETE FROM {hold} WHERE upper(stay) <= {before}", names);
    drop_gone_calendars(row);
    return changed;
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

void remove_day_rows(const TrackedRow& row) {
    set_day_companion(row, nullptr);
    drop_day_rows(row);
}

// What is not a companion, or belongs to a role whose rights neither the owner nor `user` has, is left and named.
void untrack(const TrackedRow& row, Oid owner, Oid user) {
    drop_triggers(row);
    drop_companions(row, owner, user, DROP_RESTRICT);
    SqlNames names;
    names.set("oid", psprintf("%u", row.reservations));
    write_tracked(row.reservations, "DELETE FROM availability.tracked WHERE reservations = {oid}::oid", names);
}

// What is left of an earlier tracking of a table that is not tracked, as after a restore of its schema alone; false if
// there is none.
bool untrack_leftovers(Oid reservations) {
    TrackedRow row;
    if (read_tracked_row(reservations, &row) || get_rel_name(reservations) == nullptr)
        return false;
    const auto find = [&](LOCKMODE mode) {
        Relation relation = relation_open(reservations, mode);
        const bool found = find_leftovers(relation, &row);
        relation_close(relation, NoLock);
        return found;
    };
    if (!find(AccessShareLock))
        return false;
    require_owner(reservations);
    const bool found = find(AccessExclusiveLock);
    const Oid user = GetUserId();
    if (found)
        as_owner(reservations, [&] {
            drop_triggers(row);
            drop_companions(row, relation_owner(reservations), user, DROP_RESTRICT);
        });
    return found;
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
    require_companions(row);
    prove_companions(row, RowExclusiveLock);

    PG_RETURN_INT64(static_cast<int64>(as_owner(reservations, [&] { return repair(row); })));
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

    require_companions(row);
    prove_companions(row, RowExclusiveLock);
    PG_RETURN_INT64(static_cast<int64>(as_owner(reservations, [&] { return forget(row, horizon); })));
}

// Calendars stay as they are, and no event is sent.
AVAILABILITY_FUNCTION(availability_set_day_rows) {
    const Oid reservations = PG_GETARG_OID(0);
    const bool day_rows = PG_GETARG_BOOL(1);
    require_owner(reservations);
    lock_against_writes(reservations, "availability.set_day_rows");
    const TrackedRow row = require_tracked_row(reservations);
    if (OidIsValid(row.day) == day_rows)
        PG_RETURN_VOID();
    // Deleting a listing writes companions too.
    LockRelationOid(row.calendar, ShareRowExclusiveLock);
    require_companions(row);
    prove_companions(row, RowExclusiveLock);

    as_owner(reservations, [&] { day_rows ? add_day_rows(row) : remove_day_rows(row); });
    PG_RETURN_VOID();
}

AVAILABILITY_FUNCTION(availability_untrack) {
    const Oid reservations = PG_GETARG_OID(0);
    if (untrack_leftovers(reservations))
        PG_RETURN_VOID();
    const Oid owner = require_owner_of_tracked(require_tracked_row(reservations));
    LockRelationOid(reservations, AccessExclusiveLock);
    // Somebody else may have untracked it while we waited.
    const TrackedRow row = require_tracked_row(reservations);

    const Oid user = GetUserId();
    as_role(owner, [&] { untrack(row, owner, user); });
    PG_RETURN_VOID();
}

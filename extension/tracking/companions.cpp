// What availability.track makes beside a tracked table, and how it is compared with the reservations.

#include <cstring>

#include "extension/tracking/companions.hpp"

#include "extension/dayset/type.hpp"
#include "extension/server/owner_scope.hpp"

extern "C" {
#include <access/table.h>
#include <access/xact.h>
#include <catalog/pg_class.h>
#include <catalog/pg_inherits.h>
#include <catalog/pg_trigger.h>
#include <commands/trigger.h>
#include <miscadmin.h>
#include <storage/lmgr.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/ruleutils.h>
}

namespace availability {

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
    return names;
}

void add_claims(SqlNames* names, const TrackedRow& row) {
    const char* claims =
        claims_sql(row.reservations, load_claim_expressions(row.reservations, row.claims), row.hold, row.since);
    constexpr char kSupported[] = "stay OPERATOR(pg_catalog.<@) pg_catalog.daterange '[1970-01-01,2149-06-07)'";
    names->set("claims", psprintf("(SELECT * FROM %s AS claims WHERE %s)", claims, kSupported));
    names->set("unsupported_claims", psprintf("(SELECT * FROM %s AS claims WHERE NOT %s)", claims, kSupported));
}

namespace {

char* with_ending(const char* name, const char* old_ending, const char* new_ending) {
    const std::size_t length = std::strlen(name);
    const std::size_t old_length = std::strlen(old_ending);
    const std::size_t stem = length < old_length ? 0 : length - old_length;
    return psprintf("%.*s%s", static_cast<int>(stem), name, new_ending);
}

} // namespace

char* listing_truncate_trigger(const char* listing_trigger) {
    return with_ending(listing_trigger, "listing", "truncate");
}

char* listing_row_trigger(const char* truncate_trigger) {
    return with_ending(truncate_trigger, "truncate", "listing");
}

void refuse_existing(Oid schema, const char* name) {
    if (OidIsValid(get_relname_relid(name, schema)))
        ereport(ERROR, (errcode(ERRCODE_DUPLICATE_TABLE), errmsg("companion \"%s\" exists already", name),
                        errhint("Drop or rename it: track makes its companions itself.")));
}

namespace {

// The type of the listings, as a column of it is declared.
const char* listing_type(Oid calendar) {
    Oid type;
    int32 typmod;
    Oid collation;
    get_atttypetypmodcoll(calendar, get_attnum(calendar, "listing_id"), &type, &typmod, &collation);
    const char* name = format_type_be_qualified(type);
    return OidIsValid(collation) && collation != get_typcollation(type)
               ? psprintf("%s COLLATE %s", name, generate_collation_name(collation))
               : name;
}

} // namespace

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

void fill_day_rows(const SqlNames& names) {
    run_sql("INSERT INTO {day} (listing_id, day, reservation_id)"
            " SELECT listing, lower(stay) + n, key"
            " FROM {claims} AS claims CROSS JOIN LATERAL generate_series(0, upper(stay) - lower(stay) - 1) AS n",
            names);
    run_sql("ALTER TABLE {day} ADD CONSTRAINT {day_pkey} PRIMARY KEY (listing_id, day)", names);
}

namespace {

void make_booking_companions(const TrackedRow& row) {
    SqlNames names;
    const Oid schema = get_rel_namespace(row.calendar);
    constexpr const char* kCompanions[] = {"hold", "request"};
    for (const char* companion : kCompanions) {
        const char* name = companion_name(row, companion);
        refuse_existing(schema, name);
        names.set(companion, qualified_name(schema, name));
    }
    names.set("listing_type", listing_type(row.calendar));
    run_sql(
        "CREATE TABLE {hold} (hold_id uuid PRIMARY KEY, listing_id {listing_type} NOT NULL, stay daterange NOT NULL,"
        " expires_at timestamptz NOT NULL)",
        names);
    run_sql("CREATE INDEX ON {hold} (listing_id)", names);
    run_sql("CREATE TABLE {request} (key text COLLATE \"C\" PRIMARY KEY, request bytea NOT NULL, reservation_id text, "
            "version bigint,"
            " expires_at timestamptz NOT NULL)",
            names);
    run_sql("CREATE INDEX ON {request} (expires_at)", names);
    run_sql("COMMENT ON TABLE {hold} IS 'days that are held for a while, kept by availability.hold'", names);
    run_sql("COMMENT ON TABLE {request} IS 'idempotency keys and their answers, kept by availability.book'", names);

    names.set("hold_literal", quote_literal_cstr(expand_sql("{hold}", names)));
    names.set("request_literal", quote_literal_cstr(expand_sql("{request}", names)));
    names.set("reservations_oid", psprintf("%u", row.reservations));
    write_tracked(row.reservations,
                  "UPDATE availability.tracked SET hold = {hold_literal}, request = {request_literal}"
                  " WHERE reservations = {reservations_oid}",
                  names);
}

} // namespace

void require_booking_companions(TrackedRow* row) {
    if (OidIsValid(row->hold))
        return;
    // One session makes them; whoever waited for it finds them made.
    LockRelationOid(row->reservations, ShareUpdateExclusiveLock);
    *row = require_tracked_row(row->reservations);
    if (OidIsValid(row->hold))
        return;
    const OwnerScope scope = enter_owner(relation_owner(row->reservations));
    SPI_connect();
    make_booking_companions(*row);
    SPI_finish();
    leave_owner(scope);
    CommandCounterIncrement();
    *row = require_tracked_row(row->reservations);
}

namespace {

enum class TriggerState { kMissing, kDisabled, kEnabled };

TriggerState trigger_state_of_one(Oid table, const char* name) {
    Relation relation = table_open(table, AccessShareLock);
    TriggerState state = TriggerState::kMissing;
    const TriggerDesc* triggers = relation->trigdesc;
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++)
        if (std::strcmp(triggers->triggers[i].tgname, name) == 0) {
            const char enabled = triggers->triggers[i].tgenabled;
            state = enabled == TRIGGER_FIRES_ON_ORIGIN || enabled == TRIGGER_FIRES_ALWAYS ? TriggerState::kEnabled
                                                                                          : TriggerState::kDisabled;
        }
    table_close(relation, AccessShareLock);
    return state;
}

// The state on a table and, since each may be disabled on its own, on its partitions: clones have their parent's name.
TriggerState trigger_state(Oid table, const char* name) {
    const TriggerState state = trigger_state_of_one(table, name);
    if (state != TriggerState::kEnabled || get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE)
        return state;
    ListCell* cell;
    foreach (cell, find_all_inheritors(table, AccessShareLock, nullptr))
        if (trigger_state_of_one(lfirst_oid(cell), name) == TriggerState::kDisabled)
            return TriggerState::kDisabled;
    return state;
}

// `definition` is what follows the trigger's name in CREATE TRIGGER, with {table} for the table.
uint64 ensure_trigger(Oid table, const char* name, const char* definition, SqlNames names) {
    const TriggerState state = trigger_state(table, name);
    if (state == TriggerState::kEnabled)
        return 0;
    names.set("table", qualified_name(table));
    names.set("trigger", quote_identifier(name));
    if (state == TriggerState::kDisabled)
        run_sql("ALTER TABLE {table} ENABLE TRIGGER {trigger}", names);
    else
        run_sql(psprintf("CREATE TRIGGER {trigger} %s", definition), names);
    return 1;
}

} // namespace

uint64 ensure_triggers(const TrackedRow& row, const char* listings_column) {
    uint64 ensured = 0;
    SqlNames names;
    ensured += ensure_trigger(row.reservations, kClaimTrigger,
                              "AFTER INSERT OR DELETE OR UPDATE ON {table} FOR EACH ROW"
                              " EXECUTE FUNCTION availability.claim_changed()",
                              names);
    ensured += ensure_trigger(row.reservations, kTruncateTrigger,
                              "AFTER TRUNCATE ON {table} FOR EACH STATEMENT"
                              " EXECUTE FUNCTION availability.reservations_truncated()",
                              names);
    if (listings_column == nullptr)
        return ensured;
    names.set("column", listings_column);
    const char* trigger = NameStr(row.listings_trigger);
    ensured += ensure_trigger(row.listings, trigger,
                              "AFTER INSERT OR DELETE OR UPDATE OF {column} ON {table} FOR EACH ROW"
                              " EXECUTE FUNCTION availability.listing_changed()",
                              names);
    ensured += ensure_trigger(row.listings, listing_truncate_trigger(trigger),
                              "AFTER TRUNCATE ON {table} FOR EACH STATEMENT"
                              " EXECUTE FUNCTION availability.listing_changed()",
                              names);
    return ensured;
}

void refuse_unsupported_stays(const SqlNames& names) {
    bool is_null;
    const Datum report = query_value("SELECT format('listing %s: %s by reservation %s', listing, stay, key)"
                                     " FROM {unsupported_claims} AS claims LIMIT 1",
                                     names, &is_null);
    if (!is_null)
        ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
                        errmsg("an existing reservation is unbounded or outside the supported days"),
                        errdetail("%s", TextDatumGetCString(report)),
                        errhint("Supported days are 1970-01-01 to 2149-06-06.")));
}

void refuse_double_bookings(const SqlNames& names) {
    bool is_null;
    query_value("SELECT FROM {claims} AS claims GROUP BY listing"
                " HAVING sum(upper(stay) - lower(stay)) <> availability.booked_days(availability.dayset_agg(stay))"
                " LIMIT 1",
                names, &is_null);
    if (SPI_processed == 0)
        return;

    // Pairs of neighbours in the order of arrival are enough to show each shared run of days once.
    const Datum report = query_value(
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
        names, &is_null);
    ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION), errmsg("existing reservations share days"),
                    is_null ? 0 : errdetail("%s", TextDatumGetCString(report)),
                    errhint("Cancel or change one of each pair, then try again.")));
}

void lock_against_writes(Oid reservations, const char* function) {
    if (IsolationUsesXactSnapshot())
        ereport(ERROR,
                (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION), errmsg("%s needs isolation level READ COMMITTED", function),
                 errdetail("The snapshot of this transaction may be older than its lock.")));
    LockRelationOid(reservations, ShareRowExclusiveLock);
    if (get_rel_name(reservations) == nullptr)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", reservations)));
    // Who writes to a partition by its own name locks that alone.
    list_free(find_all_inheritors(reservations, ShareRowExclusiveLock, nullptr));
}

} // namespace availability

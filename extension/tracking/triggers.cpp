// The triggers on a tracked table and on its table of listings.

#include "extension/tracking/triggers.hpp"

#include <cstring>
#include <initializer_list>

extern "C" {
#include <access/table.h>
#include <catalog/dependency.h>
#include <catalog/namespace.h>
#include <catalog/pg_class.h>
#include <catalog/pg_inherits.h>
#include <catalog/pg_trigger.h>
#include <commands/trigger.h>
#include <miscadmin.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/rls.h>
}

namespace availability {

namespace {

bool ends_with(const char* name, const char* ending) {
    const std::size_t length = std::strlen(name);
    return length >= std::strlen(ending) && std::strcmp(name + length - std::strlen(ending), ending) == 0;
}

char* with_ending(const char* name, const char* old_ending, const char* new_ending) {
    const std::size_t length = std::strlen(name);
    const std::size_t old_length = std::strlen(old_ending);
    const std::size_t stem = length < old_length ? 0 : length - old_length;
    return psprintf("%.*s%s", static_cast<int>(stem), name, new_ending);
}

// Whether a trigger calls a function of the extension's: only its owner makes functions in its schema.
bool is_ours(const Trigger& trigger) {
    return get_func_namespace(trigger.tgfoid) == get_namespace_oid("availability", true);
}

enum class TriggerState { kMissing, kDisabled, kEnabled };

TriggerState trigger_state_of_one(Oid table, const char* name) {
    Relation relation = table_open(table, AccessShareLock);
    TriggerState state = TriggerState::kMissing;
    const TriggerDesc* triggers = relation->trigdesc;
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++)
        if (std::strcmp(triggers->triggers[i].tgname, name) == 0 && is_ours(triggers->triggers[i])) {
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

void drop_trigger(Oid table, const char* name) {
    if (!OidIsValid(table) || get_rel_name(table) == nullptr)
        return;
    Relation relation = table_open(table, AccessShareLock);
    Oid trigger = InvalidOid;
    for (int i = 0; relation->trigdesc != nullptr && i < relation->trigdesc->numtriggers; i++)
        if (std::strcmp(relation->trigdesc->triggers[i].tgname, name) == 0 && is_ours(relation->trigdesc->triggers[i]))
            trigger = relation->trigdesc->triggers[i].tgoid;
    table_close(relation, NoLock);
    if (!OidIsValid(trigger))
        return;
    const ObjectAddress address = {TriggerRelationId, trigger, 0};
    performDeletion(&address, DROP_RESTRICT, 0);
}

} // namespace

char* listing_truncate_trigger(const char* listing_trigger) {
    return with_ending(listing_trigger, "listing", "truncate");
}

char* listing_rekey_trigger(const char* listing_trigger) {
    return with_ending(listing_trigger, "listing", "rekey");
}

char* listing_row_trigger(const char* trigger) {
    for (const char* ending : {"truncate", "rekey"})
        if (ends_with(trigger, ending))
            return with_ending(trigger, ending, "listing");
    return pstrdup(trigger);
}

bool has_claim_trigger(Oid reservations) {
    return trigger_state_of_one(reservations, kClaimTrigger) != TriggerState::kMissing;
}

const char* leftover_listing_trigger(Oid listings, const char* table) {
    TrackedRow row;
    const char* name = psprintf(kListingTriggerFormat, table);
    const bool is_left = OidIsValid(listings) && !tracked_row_of_listings(listings, name, &row) &&
                         trigger_state_of_one(listings, name) != TriggerState::kMissing;
    return is_left ? name : nullptr;
}

void drop_key_triggers(const TrackedRow& row) {
    drop_trigger(row.listings, NameStr(row.listings_trigger));
    drop_trigger(row.listings, listing_rekey_trigger(NameStr(row.listings_trigger)));
}

const char* new_listing_trigger(Oid listings, Relation reservations) {
    const char* table = RelationGetRelationName(reservations);
    const char* name = leftover_listing_trigger(listings, table);
    if (name != nullptr)
        return name;
    name = psprintf(kListingTriggerFormat, table);
    for (int n = 2; OidIsValid(listings) && OidIsValid(get_trigger_oid(listings, name, true)); n++)
        name = psprintf(kListingTriggerFormat, psprintf("%s_%d", table, n));
    return name;
}

namespace {

bool row_security_hides(Oid listings, Oid role) {
    return check_enable_rls(listings, role, true) == RLS_ENABLED && !owns_relation(listings, role);
}

} // namespace

bool may_read_listings(Oid listings, Oid role) {
    return pg_class_aclcheck(listings, role, ACL_SELECT) == ACLCHECK_OK && !row_security_hides(listings, role);
}

void require_rights_on_listings(Oid listings, Oid owner) {
    if (row_security_hides(listings, owner))
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("row-level security may hide rows of table \"%s\" from %s", get_rel_name(listings),
                               GetUserNameFromId(owner, false)),
                        errdetail("Each listing has a calendar.")));
    if (pg_class_aclcheck(listings, owner, ACL_TRIGGER) == ACLCHECK_OK && may_read_listings(listings, owner))
        return;
    ereport(ERROR,
            (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied for table %s", get_rel_name(listings)),
             errdetail("Calendars follow the listings by a trigger on their table."),
             errhint("GRANT SELECT, TRIGGER ON %s TO %s;", qualified_name(listings),
                     quote_identifier(GetUserNameFromId(owner, false)))));
}

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
    ensured += ensure_trigger(row.listings, listing_rekey_trigger(trigger),
                              "AFTER UPDATE ON {table} FOR EACH ROW WHEN (OLD.{column} IS DISTINCT FROM NEW.{column})"
                              " EXECUTE FUNCTION availability.listing_changed()",
                              names);
    return ensured;
}

void drop_triggers(const TrackedRow& row) {
    drop_trigger(row.reservations, kClaimTrigger);
    drop_trigger(row.reservations, kTruncateTrigger);
    if (!OidIsValid(row.listings))
        return;
    const char* trigger = NameStr(row.listings_trigger);
    for (const char* name :
         std::initializer_list<const char*>{trigger, listing_truncate_trigger(trigger), listing_rekey_trigger(trigger)})
        drop_trigger(row.listings, name);
}

} // namespace availability

// The companions of set search.

#include "extension/search/set_companions.hpp"

#include "extension/server/spi.hpp"
#include "extension/tracking/companions.hpp"
#include "extension/tracking/prove.hpp"
#include "extension/tracking/provenance.hpp"
#include "extension/tracking/triggers.hpp"

extern "C" {
#include <access/genam.h>
#include <access/stratnum.h>
#include <catalog/dependency.h>
#include <catalog/index.h>
#include <catalog/pg_am.h>
#include <catalog/pg_class.h>
#include <catalog/pg_opfamily.h>
#include <catalog/pg_type.h>
#include <catalog/namespace.h>
#include <catalog/pg_trigger.h>
#include <commands/trigger.h>
#include <utils/builtins.h>
#include <utils/fmgroids.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
}

namespace availability {

namespace {

[[noreturn]] void raise_altered(const Companion& companion, const char* what) {
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("companion \"%s\" is not what availability.index_sets made",
                    RelationGetRelationName(companion.relation)),
             errdetail("%s", what),
             errhint("Undo what was done to it, or use availability.unindex_sets and availability.index_sets.")));
    pg_unreachable();
}

Companion open_of_owner(CompanionKind kind, Oid oid, const CompanionTypes& types, LOCKMODE mode, Oid owner) {
    const Companion companion = open_companion(kind, oid, types, mode);
    if (companion.owner != owner)
        raise_altered(companion, "It belongs to another role than the calendars.");
    return companion;
}

// Whether the index is one of integers on just this column, whatever columns it includes.
bool is_index_on(Relation index, AttrNumber column) {
    return index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indisvalid && index->rd_index->indisready &&
           IndexRelationGetNumberOfKeyAttributes(index) == 1 && index->rd_index->indkey.values[0] == column &&
           index->rd_opfamily[0] == INTEGER_BTREE_FAM_OID && index->rd_opcintype[0] == INT4OID &&
           index->rd_indoption[0] == 0 && heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, nullptr);
}

SqlNames new_names(const TrackedRow& row) {
    SqlNames names;
    const Oid schema = get_rel_namespace(row.calendar);
    const char* sets = companion_name(row, "set");
    const char* delta = companion_name(row, "delta");
    refuse_existing(schema, sets);
    refuse_existing(schema, delta);
    names.set("calendar", qualified_name(row.calendar));
    names.set("sets", qualified_name(schema, sets));
    names.set("delta", qualified_name(schema, delta));
    names.set("set_key", quote_identifier(psprintf("%s_pkey", sets)));
    names.set("ordinal_index", quote_identifier(companion_name(row, "ordinal_idx")));
    names.set("reservations_oid", psprintf("%u", row.reservations));
    return names;
}

void register_companions(SqlNames names, const char* sets, const char* delta, Oid reservations) {
    names.set("sets_literal", sets != nullptr ? quote_literal_cstr(sets) : "NULL");
    names.set("delta_literal", delta != nullptr ? quote_literal_cstr(delta) : "NULL");
    write_tracked(reservations,
                  "UPDATE availability.tracked SET sets = {sets_literal}, delta = {delta_literal}"
                  " WHERE reservations = {reservations_oid}",
                  names);
}

} // namespace

SetCompanions open_set_companions(const TrackedRow& tracked, LOCKMODE mode) {
    CompanionTypes types{};
    types.dayset = dayset_type();
    types.listing_set = listing_set_type();
    SetCompanions companions;
    companions.calendar = open_companion(CompanionKind::kSearched, tracked.calendar, types, AccessShareLock);
    // While we waited for who makes or drops them, they may have become others.
    const TrackedRow row = require_tracked_row(tracked.reservations);
    if (!OidIsValid(row.sets))
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("table \"%s\" has no sets to search", get_rel_name(row.reservations)),
                        errhint("Its owner makes them: SELECT availability.index_sets('%s');",
                                qualified_name(row.reservations))));
    const Oid owner = companions.calendar.owner;
    companions.sets = open_of_owner(CompanionKind::kSet, row.sets, types, mode, owner);
    companions.delta = open_of_owner(CompanionKind::kDelta, row.delta, types, mode, owner);
    return companions;
}

void close_set_companions(const SetCompanions& companions) {
    close_companion(companions.delta);
    close_companion(companions.sets);
    close_companion(companions.calendar);
}

Companion open_delta(const DeltaTarget& target) {
    CompanionTypes types{};
    types.dayset = target.dayset;
    return open_of_owner(CompanionKind::kDelta, target.delta, types, RowExclusiveLock, target.owner);
}

Relation open_ordinal_index(const Companion& calendar) {
    List* indexes = RelationGetIndexList(calendar.relation);
    ListCell* cell;
    foreach (cell, indexes) {
        Relation index = index_open(lfirst_oid(cell), AccessShareLock);
        if (is_index_on(index, calendar.columns[kSearchedOrdinal])) {
            list_free(indexes);
            return index;
        }
        index_close(index, AccessShareLock);
    }
    raise_altered(calendar, "Its index on ordinals is missing.");
}

namespace {

RegProcedure comparison(StrategyNumber strategy, RegProcedure less, RegProcedure equal, RegProcedure greater_equal,
                        RegProcedure less_equal) {
    switch (strategy) {
    case BTLessStrategyNumber:
        return less;
    case BTLessEqualStrategyNumber:
        return less_equal;
    case BTEqualStrategyNumber:
        return equal;
    default:
        return greater_equal;
    }
}

} // namespace

void init_day_key(ScanKeyData* key, StrategyNumber strategy, DateADT day) {
    ScanKeyInit(key, 1, strategy, comparison(strategy, F_DATE_LT, F_DATE_EQ, F_DATE_GE, F_DATE_LE),
                DateADTGetDatum(day));
}

void init_block_key(ScanKeyData* key, StrategyNumber strategy, int32 block) {
    ScanKeyInit(key, 2, strategy, comparison(strategy, F_INT4LT, F_INT4EQ, F_INT4GE, F_INT4LE), Int32GetDatum(block));
}

uint64 ensure_set_triggers(const TrackedRow& row) {
    return ensure_trigger(row.calendar, kSetsTrigger,
                          "AFTER INSERT OR DELETE OR UPDATE ON {table} FOR EACH ROW"
                          " EXECUTE FUNCTION availability.calendar_changed()",
                          SqlNames()) +
           ensure_trigger(row.calendar, kSetsTruncateTrigger,
                          "AFTER TRUNCATE ON {table} FOR EACH STATEMENT"
                          " EXECUTE FUNCTION availability.calendar_changed()",
                          SqlNames());
}

// The sets are kept as they are, each in its own chunks out of line: compressing bits costs more than it saves. The
// index on ordinals is not a unique one, so that no change of a calendar looks for others.
void create_set_companions(const TrackedRow& row) {
    const SqlNames names = new_names(row);
    run_sql(
        "CREATE TABLE {sets} (day date NOT NULL, block integer NOT NULL, listings availability.listing_set NOT NULL,"
        " CONSTRAINT {set_key} PRIMARY KEY (day, block))",
        names);
    run_sql("ALTER TABLE {sets} ALTER COLUMN listings SET STORAGE EXTERNAL", names);
    run_sql("CREATE TABLE {delta} (version bigint, ordinal integer NOT NULL, booked availability.dayset)", names);
    run_sql("CREATE INDEX {ordinal_index} ON {calendar} (ordinal) INCLUDE (listing_id)", names);
    run_sql("COMMENT ON TABLE {sets} IS 'the booked listings of each day by blocks of 65,536 ordinals, kept by "
            "availability.fold;"
            " of -infinity: those that have a calendar'",
            names);
    run_sql("COMMENT ON TABLE {delta} IS 'calendars that changed since availability.fold last wrote the sets'", names);
    register_companions(names, expand_sql("{sets}", names), expand_sql("{delta}", names), row.reservations);
    ensure_set_triggers(row);
}

void drop_set_companions(const TrackedRow& row) {
    // One that was dropped by hand is in nobody's way.
    const auto present = [](Oid companion) { return get_rel_name(companion) != nullptr ? companion : InvalidOid; };
    TrackedRow there = row;
    there.sets = present(row.sets);
    there.delta = present(row.delta);
    require_companions(there);
    ObjectAddresses* companions = new_object_addresses();
    const auto add = [&](Oid catalog, Oid oid) {
        const ObjectAddress address = {catalog, oid, 0};
        add_exact_object_address(&address, companions);
    };
    for (const Oid companion : {there.sets, there.delta})
        if (OidIsValid(companion))
            add(RelationRelationId, companion);
    for (const char* name : {kSetsTrigger, kSetsTruncateTrigger})
        if (const Oid trigger = get_trigger_oid(row.calendar, name, true); OidIsValid(trigger))
            add(TriggerRelationId, trigger);
    // One that has another name by now is its owner's.
    const Oid index = get_relname_relid(companion_name(row, "ordinal_idx"), get_rel_namespace(row.calendar));
    if (OidIsValid(index) && IndexGetRelation(index, true) == row.calendar)
        add(RelationRelationId, index);
    SqlNames names;
    names.set("reservations_oid", psprintf("%u", row.reservations));
    register_companions(names, nullptr, nullptr, row.reservations);
    performMultipleDeletions(companions, DROP_RESTRICT, 0);
    free_object_addresses(companions);
}

} // namespace availability

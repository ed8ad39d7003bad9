// The one door to companions.

#include "extension/server/companion.hpp"

#include "extension/server/primary_key.hpp"
#include "extension/server/spi.hpp"

extern "C" {
#include <access/genam.h>
#include <access/relation.h>
#include <access/tableam.h>
#include <catalog/pg_class.h>
#include <catalog/pg_collation.h>
#include <catalog/pg_inherits.h>
#include <catalog/pg_type.h>
#include <commands/trigger.h>
#include <nodes/value.h>
#include <parser/parse_func.h>
#include <storage/lmgr.h>
#include <utils/builtins.h>
#include <utils/hsearch.h>
#include <utils/inval.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/rel.h>
}

namespace availability {

namespace {

// A column as track makes it. The listing's and the reservation's types are those of the tracked table.
enum class ColumnType {
    kListing,
    kKey,
    kDayset,
    kBigint,
    kText,
    kTextInC,
    kName,
    kBytes,
    kDate,
    kStay,
    kUuid,
    kMoment
};

struct ColumnShape {
    const char* name;
    ColumnType type;
    bool not_null;
    bool may_miss = false; // until the first use that needs it, of a table that was tracked under an earlier version
};

struct Shape {
    int columns;
    int key_columns; // the first ones
    ColumnShape column[Companion::kMostColumns];
};

// By CompanionKind; the columns in the order of their enumerations.
constexpr Shape kShapes[] = {
    {7,
     1,
     {{"listing_id", ColumnType::kListing, true},
      {"booked", ColumnType::kDayset, true},
      {"version", ColumnType::kBigint, true},
      {"change", ColumnType::kText, true},
      {"reservation_id", ColumnType::kKey, false},
      {"stay", ColumnType::kStay, false},
      {"was", ColumnType::kStay, false}}},
    {3,
     2,
     {{"listing_id", ColumnType::kListing, true},
      {"day", ColumnType::kDate, true},
      {"reservation_id", ColumnType::kKey, false}}},
    {5,
     1,
     {{"hold_id", ColumnType::kUuid, true},
      {"listing_id", ColumnType::kListing, true},
      {"stay", ColumnType::kStay, true},
      {"expires_at", ColumnType::kMoment, true},
      {"holder", ColumnType::kName, true, true}}},
    {6,
     2,
     {{"booker", ColumnType::kName, true},
      {"key", ColumnType::kTextInC, true},
      {"request", ColumnType::kBytes, true},
      {"reservation_id", ColumnType::kText, false},
      {"version", ColumnType::kBigint, false},
      {"expires_at", ColumnType::kMoment, true}}},
};

Oid type_of(const ColumnShape& column, const CompanionTypes& types) {
    switch (column.type) {
    case ColumnType::kListing:
        return types.listing;
    case ColumnType::kKey:
        return types.key;
    case ColumnType::kDayset:
        return types.dayset;
    case ColumnType::kBigint:
        return INT8OID;
    case ColumnType::kText:
    case ColumnType::kTextInC:
        return TEXTOID;
    case ColumnType::kName:
        return NAMEOID;
    case ColumnType::kBytes:
        return BYTEAOID;
    case ColumnType::kDate:
        return DATEOID;
    case ColumnType::kStay:
        return DATERANGEOID;
    case ColumnType::kUuid:
        return UUIDOID;
    case ColumnType::kMoment:
        return TIMESTAMPTZOID;
    }
    return InvalidOid;
}

Oid collation_of(const ColumnShape& column, const CompanionTypes& types) {
    return column.type == ColumnType::kListing   ? types.listing_collation
           : column.type == ColumnType::kTextInC ? C_COLLATION_OID
                                                 : get_typcollation(type_of(column, types));
}

// Why a companion can't be used.
struct Problem {
    const char* message; // NULL: there is none
    const char* detail;  // may be NULL
};

Problem not_as_made(Relation relation, const char* detail) {
    return {psprintf("companion \"%s\" is not what availability.track made", RelationGetRelationName(relation)),
            detail};
}

Problem find_table_problem(Relation relation) {
    const Form_pg_class table = relation->rd_rel;
    if (table->relkind != RELKIND_RELATION)
        return not_as_made(relation, "It is not an ordinary table.");
    if (table->relpersistence != RELPERSISTENCE_PERMANENT)
        return not_as_made(relation, "It is temporary or unlogged.");
    if (relation->rd_tableam != GetHeapamTableAmRoutine())
        return not_as_made(relation, "Its table access method is not heap.");
    if (relation->rd_rules != nullptr)
        return not_as_made(relation, "It has rules.");
    if (table->relispartition || has_superclass(RelationGetRelid(relation)) ||
        (table->relhassubclass && find_inheritance_children(RelationGetRelid(relation), NoLock) != NIL))
        return not_as_made(relation, "It is part of an inheritance tree.");
    const TriggerDesc* triggers = relation->trigdesc;
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++)
        if (triggers->triggers[i].tginitdeferred)
            return not_as_made(
                relation, psprintf("Its trigger \"%s\" is deferred: it would fire after its owner's rights have ended.",
                                   triggers->triggers[i].tgname));
    return {};
}

Problem find_column_problem(Relation relation, const ColumnShape& shape, const CompanionTypes& types,
                            AttrNumber* number) {
    *number = get_attnum(RelationGetRelid(relation), shape.name);
    const Oid type = type_of(shape, types);
    const Form_pg_attribute column = *number > 0 ? TupleDescAttr(RelationGetDescr(relation), *number - 1) : nullptr;
    const char* detail = nullptr;
    if (column == nullptr && shape.may_miss)
        return {};
    if (column == nullptr)
        detail = "There is none of that name.";
    else if (column->atttypid != type || column->atttypmod != -1)
        detail = psprintf("It has type %s.", format_type_with_typemod(column->atttypid, column->atttypmod));
    else if (column->attcollation != collation_of(shape, types))
        detail = "It has another collation.";
    else if (column->attgenerated != '\0' || column->attidentity != '\0')
        detail = "It is generated.";
    else if (shape.not_null && !column->attnotnull)
        detail = "It may be null.";
    if (detail == nullptr)
        return {};
    return {psprintf("companion \"%s\" has no column \"%s\" of type %s%s", RelationGetRelationName(relation),
                     shape.name, format_type_be(type), shape.not_null ? " NOT NULL" : ""),
            detail};
}

// What is kept of a companion that was proved.
struct Proof {
    Oid relation; // hash key
    bool valid;
    CompanionKind kind;
    CompanionTypes types;
    Companion companion; // but for the relation
};

HTAB* proofs = nullptr;
// Counts invalidations, so that one which arrives while a proof is made is not lost.
uint64 invalidations = 0;

// Callback of the server: a relation, or every one, may have changed.
void forget_proof(Datum, Oid relation) {
    invalidations++;
    if (OidIsValid(relation)) {
        if (auto* proof = static_cast<Proof*>(hash_search(proofs, &relation, HASH_FIND, nullptr)))
            proof->valid = false;
        return;
    }
    HASH_SEQ_STATUS status;
    hash_seq_init(&status, proofs);
    while (auto* proof = static_cast<Proof*>(hash_seq_search(&status)))
        proof->valid = false;
}

void make_proofs() {
    HASHCTL control{};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(Proof);
    control.hcxt = TopMemoryContext;
    proofs = hash_create("availability companions", 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    CacheRegisterRelcacheCallback(forget_proof, 0);
}

bool same_types(const CompanionTypes& a, const CompanionTypes& b) {
    return a.dayset == b.dayset && a.listing == b.listing && a.listing_collation == b.listing_collation &&
           a.key == b.key;
}

// Whether there are triggers but the one that track makes on calendars, which is for those who update them by hand.
bool has_foreign_trigger(Relation relation) {
    const TriggerDesc* triggers = relation->trigdesc;
    if (triggers == nullptr)
        return false;
    const Oid own = calendar_trigger_function();
    for (int i = 0; i < triggers->numtriggers; i++)
        if (triggers->triggers[i].tgfoid != own)
            return true;
    return false;
}

Problem prove(CompanionKind kind, Relation relation, const CompanionTypes& types, Companion* companion) {
    const Shape& shape = kShapes[static_cast<int>(kind)];
    Problem problem = find_table_problem(relation);
    for (int i = 0; i < shape.columns && problem.message == nullptr; i++)
        problem = find_column_problem(relation, shape.column[i], types, &companion->columns[i]);
    if (problem.message != nullptr)
        return problem;

    List* indexes = RelationGetIndexList(relation);
    companion->only_key = list_length(indexes) == 1;
    list_free(indexes);
    companion->primary_key = relation->rd_pkindex;
    if (!is_plain_key(relation, companion->primary_key, companion->columns, shape.key_columns))
        return {psprintf("companion \"%s\" has not the primary key that track made", RelationGetRelationName(relation)),
                shape.key_columns == 1
                    ? psprintf("One of column \"%s\" alone is wanted, not deferrable.", shape.column[0].name)
                    : psprintf("One of columns \"%s\" and \"%s\" alone is wanted, not deferrable.",
                               shape.column[0].name, shape.column[1].name)};

    const TupleConstr* constraints = RelationGetDescr(relation)->constr;
    int columns = 0;
    for (int i = 0; i < RelationGetNumberOfAttributes(relation); i++)
        columns += TupleDescAttr(RelationGetDescr(relation), i)->attisdropped ? 0 : 1;
    companion->owner = relation->rd_rel->relowner;
    companion->plain = !has_foreign_trigger(relation) &&
                       (constraints == nullptr || (!constraints->has_generated_stored && constraints->num_check == 0));
    companion->plain_inserts = companion->plain && columns == shape.columns;
    return {};
}

// The companion must be locked.
Problem prove_once(CompanionKind kind, Relation relation, const CompanionTypes& types, Companion* companion) {
    if (proofs == nullptr)
        make_proofs();
    const Oid oid = RelationGetRelid(relation);
    auto* proof = static_cast<Proof*>(hash_search(proofs, &oid, HASH_FIND, nullptr));
    if (proof != nullptr && proof->valid && proof->kind == kind && same_types(proof->types, types)) {
        *companion = proof->companion;
        companion->relation = relation;
        return {};
    }
    const uint64 before = invalidations;
    *companion = Companion{};
    companion->relation = relation;
    const Problem problem = prove(kind, relation, types, companion);
    if (problem.message != nullptr)
        return problem;
    proof = static_cast<Proof*>(hash_search(proofs, &oid, HASH_ENTER, nullptr));
    proof->valid = before == invalidations;
    proof->kind = kind;
    proof->types = types;
    proof->companion = *companion;
    return {};
}

[[noreturn]] void report_missing(Oid companion) {
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("a companion of a tracked table is missing"),
             errdetail("Relation with OID %u was dropped.", companion),
             errhint("Use availability.untrack and availability.track to make it again.")));
    pg_unreachable();
}

} // namespace

Oid calendar_trigger_function() {
    return LookupFuncName(list_make2(makeString(pstrdup("availability")), makeString(pstrdup("calendar_updated"))), 0,
                          nullptr, true);
}

Oid Companion::oid() const {
    return RelationGetRelid(relation);
}

Companion open_companion(CompanionKind kind, Oid oid, const CompanionTypes& types, LOCKMODE mode) {
    Relation relation = try_relation_open(oid, mode);
    if (relation == nullptr)
        report_missing(oid);
    Companion companion;
    const Problem problem = prove_once(kind, relation, types, &companion);
    if (problem.message != nullptr)
        ereport(
            ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("%s", problem.message),
             problem.detail != nullptr ? errdetail("%s", problem.detail) : 0,
             errhint(
                 "Undo what was done to it, or use availability.untrack and availability.track to make it again.")));
    return companion;
}

bool try_open_companion(CompanionKind kind, Oid oid, const CompanionTypes& types, LOCKMODE mode, Companion* opened,
                        const char** problem) {
    if (!ConditionalLockRelationOid(oid, mode)) {
        const char* name = get_rel_name(oid);
        *problem = psprintf("companion \"%s\" is locked", name != nullptr ? name : "");
        return false;
    }
    Relation relation = try_relation_open(oid, NoLock);
    if (relation == nullptr) {
        *problem = "a companion was dropped";
        UnlockRelationOid(oid, mode);
        return false;
    }
    const Problem found = prove_once(kind, relation, types, opened);
    *problem = found.message;
    if (found.message != nullptr)
        relation_close(relation, mode);
    return found.message == nullptr;
}

Relation open_primary_key(const Companion& companion, LOCKMODE mode) {
    return index_open(companion.primary_key, mode);
}

void close_companion(const Companion& companion) {
    relation_close(companion.relation, NoLock);
}

void truncate_companion(const Companion& companion) {
    const Oid oid = companion.oid();
    // TRUNCATE wants nobody to have it open; the lock keeps what was proved.
    close_companion(companion);
    as_role(companion.owner, [&] {
        SqlNames names;
        names.set("companion", qualified_name(oid));
        run_sql("TRUNCATE {companion}", names);
    });
}

Relation open_companion_view(Oid view, LOCKMODE mode) {
    Relation relation = try_relation_open(view, mode);
    if (relation == nullptr)
        report_missing(view);
    if (relation->rd_rel->relkind != RELKIND_VIEW)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("companion \"%s\" is not a view", RelationGetRelationName(relation)),
                        errhint("Use availability.untrack and availability.track to make it again.")));
    return relation;
}

} // namespace availability

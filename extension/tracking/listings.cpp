// The table of listings beside a tracked table, and its key.

#include "extension/tracking/listings.hpp"

#include <cstring>

#include "extension/claim/expressions.hpp"
#include "extension/server/owner_scope.hpp"

extern "C" {
#include <access/htup_details.h>
#include <access/relation.h>
#include <access/table.h>
#include <catalog/pg_constraint.h>
#include <catalog/pg_inherits.h>
#include <commands/trigger.h>
#include <nodes/parsenodes.h>
#include <nodes/pg_list.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/relcache.h>
#include <utils/syscache.h>
}

namespace availability {

AttrNumber single_key_column(Relation relation, const char* hint) {
    list_free(RelationGetIndexList(relation));
    if (OidIsValid(relation->rd_pkindex)) {
        Relation index = relation_open(relation->rd_pkindex, AccessShareLock);
        const bool single = IndexRelationGetNumberOfKeyAttributes(index) == 1;
        const AttrNumber column = index->rd_index->indkey.values[0];
        relation_close(index, AccessShareLock);
        if (single)
            return column;
    }
    ereport(ERROR, (errcode(ERRCODE_INVALID_TABLE_DEFINITION),
                    errmsg("table \"%s\" has no primary key of one column", RelationGetRelationName(relation)),
                    errhint("%s", hint)));
}

namespace {

// The foreign key of the listing column alone, to `given` or, if that is InvalidOid, to any table; NULL if there is
// none. Lives as long as the relation's cache entry is left alone.
const ForeignKeyCacheInfo* find_foreign_key(Relation reservations, Node* listing, Oid given) {
    if (!IsA(listing, Var))
        return nullptr;
    const AttrNumber column = reinterpret_cast<Var*>(listing)->varattno;
    ListCell* cell;
    foreach (cell, RelationGetFKeyList(reservations)) {
        const auto* foreign_key = static_cast<ForeignKeyCacheInfo*>(lfirst(cell));
        const bool wanted =
            OidIsValid(given) ? foreign_key->confrelid == given : !get_rel_relispartition(foreign_key->confrelid);
        if (foreign_key->nkeys == 1 && foreign_key->conkey[0] == column && wanted)
            return foreign_key;
    }
    return nullptr;
}

} // namespace

ListingsKey find_listings(Relation reservations, Node* listing, Oid given) {
    if (const ForeignKeyCacheInfo* foreign_key = find_foreign_key(reservations, listing, given))
        return {foreign_key->confrelid, foreign_key->confkey[0]};
    if (!OidIsValid(given))
        return {InvalidOid, InvalidAttrNumber};
    require_relation(given);
    Relation listings = relation_open(given, AccessShareLock);
    const AttrNumber column = single_key_column(listings, "Reference its key by a foreign key of the listing column.");
    relation_close(listings, AccessShareLock);
    return {given, column};
}

AttrNumber remembered_key_column(Relation listings, const char* listing_trigger) {
    for (int i = 0; listings->trigdesc != nullptr && i < listings->trigdesc->numtriggers; i++) {
        const Trigger& trigger = listings->trigdesc->triggers[i];
        if (std::strcmp(trigger.tgname, listing_trigger) == 0 && trigger.tgnattr == 1)
            return trigger.tgattr[0];
    }
    return InvalidAttrNumber;
}

const char* listings_key_column(const TrackedRow& row) {
    if (!OidIsValid(row.listings))
        return nullptr;
    Relation listings = try_relation_open(row.listings, AccessShareLock);
    if (listings == nullptr)
        return nullptr;
    AttrNumber column = remembered_key_column(listings, NameStr(row.listings_trigger));
    relation_close(listings, AccessShareLock);
    if (column == InvalidAttrNumber) {
        Relation reservations = relation_open(row.reservations, AccessShareLock);
        const ClaimExpressions claim = load_claim_expressions(row.reservations, row.claims);
        column = find_listings(reservations, claim.listing, row.listings).column;
        relation_close(reservations, AccessShareLock);
    }
    return quote_identifier(get_attname(row.listings, column, false));
}

bool has_listing(const TrackedRow& row, Oid type, Datum listing) {
    const char* column = listings_key_column(row);
    if (column == nullptr)
        return true;
    SqlNames names;
    names.set("listings", qualified_name(row.listings));
    names.set("column", column);
    return as_owner(row.listings, [&] {
        return query_latest("SELECT FROM {listings} WHERE {column} = $1", names, {{type, listing}}) > 0;
    });
}

bool reservations_follow(Relation reservations, Node* listing, Oid listings, Leaving leaving) {
    const ForeignKeyCacheInfo* foreign_key = find_foreign_key(reservations, listing, listings);
    if (foreign_key == nullptr)
        return false;
    if (leaving == Leaving::kTruncate)
        return true;
    HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(foreign_key->conoid));
    if (!HeapTupleIsValid(tuple))
        return false;
    const auto* constraint = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
    const char action = leaving == Leaving::kDelete ? constraint->confdeltype : constraint->confupdtype;
    // Of all actions, only the mere check can wait.
    const bool at_once = is_enforced(constraint) && (action != FKCONSTR_ACTION_NOACTION || !constraint->condeferrable);
    ReleaseSysCache(tuple);
    return at_once;
}

bool may_keep_actions_away(Relation reservations) {
    const TriggerDesc* triggers = reservations->trigdesc;
    if (reservations->rd_rules != nullptr ||
        (triggers != nullptr &&
         (triggers->trig_insert_before_row || triggers->trig_update_before_row || triggers->trig_delete_before_row)))
        return true;
    if (reservations->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
        return false;
    ListCell* cell;
    foreach (cell, find_inheritance_children(RelationGetRelid(reservations), AccessShareLock)) {
        Relation partition = table_open(lfirst_oid(cell), NoLock);
        const bool may = may_keep_actions_away(partition);
        table_close(partition, NoLock);
        if (may)
            return true;
    }
    return false;
}

bool has_reservations(Relation reservations, const TrackedRow& row, Oid type, Datum listing) {
    const auto* column = castNode(Var, load_claim_expressions(row.reservations, row.claims).listing);
    SqlNames names;
    names.set("reservations", qualified_name(row.reservations));
    names.set("column", quote_identifier(get_attname(RelationGetRelid(reservations), column->varattno, false)));
    return as_owner(row.reservations, [&] {
        return query_latest("SELECT FROM {reservations} WHERE {column} = $1 LIMIT 1", names, {{type, listing}}) > 0;
    });
}

} // namespace availability

// The companions that are functions: where they are, and the proof that they are what track makes.

#include <cstring>

#include "extension/server/dependencies.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/tracking/settings.hpp"

extern "C" {
#include <access/htup_details.h>
#include <catalog/namespace.h>
#include <catalog/pg_class.h>
#include <catalog/pg_language.h>
#include <catalog/pg_proc.h>
#include <catalog/pg_type.h>
#include <parser/parse_func.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/syscache.h>
}

namespace availability {

namespace {

// The body of a claim function up to where types follow.
constexpr char kClaimBody[] = "SELECT listing, key, stay FROM availability.claim(reservation)";

bool is_claim_of(const TrackedRow& row, HeapTuple tuple) {
    const auto* function = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
    if (function->pronargs != 1 || function->proargtypes.values[0] != get_rel_type_id(row.reservations))
        return false;
    bool is_null;
    const Datum body = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &is_null);
    return !is_null && std::strncmp(TextDatumGetCString(body), kClaimBody, sizeof(kClaimBody) - 1) == 0;
}

// A function of a key with a body that is bound to the table.
bool is_cancel_of(const TrackedRow& row, HeapTuple tuple) {
    const auto* function = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
    const AttrNumber key = get_attnum(row.calendar, "reservation_id");
    if (key <= 0 || function->pronargs != 1 || function->proargtypes.values[0] != get_atttype(row.calendar, key) ||
        !function->proretset || function->prorettype != INT4OID)
        return false;
    bool is_null;
    SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosqlbody, &is_null);
    return !is_null && depends_on({ProcedureRelationId, function->oid, 0}, {RelationRelationId, row.reservations, 0});
}

// Whether a function is a companion of the table, and belongs to its owner or, where only the table got a new one, to
// that of the calendar.
bool is_companion_function(const TrackedRow& row, Oid oid, bool (*is_made)(const TrackedRow&, HeapTuple)) {
    HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(oid));
    if (!HeapTupleIsValid(tuple))
        return false;
    const auto* function = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
    const auto owns = [&](Oid relation) {
        return get_rel_name(relation) != nullptr && relation_owner(relation) == function->proowner;
    };
    const bool is_companion = function->prolang == SQLlanguageId && function->prokind == PROKIND_FUNCTION &&
                              (owns(row.reservations) || owns(row.calendar)) && is_made(row, tuple);
    ReleaseSysCache(tuple);
    return is_companion;
}

// InvalidOid if none is tied. See tie_companions().
Oid tied_function(const TrackedRow& row, bool (*is_made)(const TrackedRow&, HeapTuple)) {
    Oid found = InvalidOid;
    ListCell* cell;
    foreach (cell, dependents({RelationRelationId, row.claims, 0}, ProcedureRelationId))
        if (depends_on({ProcedureRelationId, lfirst_oid(cell), 0}, our_extension()) &&
            is_companion_function(row, lfirst_oid(cell), is_made))
            found = lfirst_oid(cell);
    return found;
}

// InvalidOid if there is none of that name and argument beside the calendar.
Oid function_beside_calendar(const TrackedRow& row, char* name, Oid argument) {
    char* schema = get_namespace_name(get_rel_namespace(row.calendar));
    return schema != nullptr && OidIsValid(argument)
               ? LookupFuncName(list_make2(makeString(schema), makeString(name)), 1, &argument, true)
               : InvalidOid;
}

} // namespace

Oid claim_function(const TrackedRow& row) {
    if (const Oid tied = tied_function(row, is_claim_of); OidIsValid(tied))
        return tied;
    const Oid named = function_beside_calendar(row, pstrdup(NameStr(row.claim)), get_rel_type_id(row.reservations));
    return is_companion_function(row, named, is_claim_of) ? named : InvalidOid;
}

Oid cancel_function(const TrackedRow& row) {
    if (!row.cancels_by_update)
        return InvalidOid;
    if (const Oid tied = tied_function(row, is_cancel_of); OidIsValid(tied))
        return tied;
    const AttrNumber key = get_attnum(row.calendar, "reservation_id");
    const Oid named = function_beside_calendar(row, companion_name(row, "cancel"),
                                               key > 0 ? get_atttype(row.calendar, key) : InvalidOid);
    return is_companion_function(row, named, is_cancel_of) ? named : InvalidOid;
}

} // namespace availability

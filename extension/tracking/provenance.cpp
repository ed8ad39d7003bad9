// Which objects are companions of a tracked table.

#include "extension/tracking/provenance.hpp"

#include <cstring>

#include "extension/dayset/type.hpp"
#include "extension/server/dependencies.hpp"
#include "extension/server/owner_scope.hpp"

extern "C" {
#include <access/htup_details.h>
#include <catalog/dependency.h>
#include <catalog/pg_class.h>
#include <catalog/pg_extension.h>
#include <catalog/pg_proc.h>
#include <catalog/pg_type.h>
#include <miscadmin.h>
#include <utils/acl.h>
#include <utils/lsyscache.h>
#include <utils/syscache.h>
}

namespace availability {

namespace {

// What a companion's tie leads to.
ObjectAddress claims_view(const TrackedRow& row) {
    return {RelationRelationId, row.claims, 0};
}

struct ColumnShape {
    const char* name;
    Oid type; // InvalidOid: that of the listings or of the reservations' keys
};

template <std::size_t n>
bool has_columns(Oid relation, const ColumnShape (&columns)[n]) {
    for (const ColumnShape& column : columns) {
        const AttrNumber number = get_attnum(relation, column.name);
        if (number <= 0 || (OidIsValid(column.type) && get_atttype(relation, number) != column.type))
            return false;
    }
    return true;
}

Oid column_type_of(Oid relation, const char* column) {
    const AttrNumber number = get_attnum(relation, column);
    return number > 0 ? get_atttype(relation, number) : InvalidOid;
}

bool is_table(Oid relation) {
    return get_rel_relkind(relation) == RELKIND_RELATION;
}

bool is_view(Oid relation) {
    return get_rel_relkind(relation) == RELKIND_VIEW;
}

// Its days went with the extension, if that was dropped with CASCADE under 0.2.
bool is_calendar(Oid relation) {
    const Oid booked = column_type_of(relation, "booked");
    return is_table(relation) && (!OidIsValid(booked) || booked == dayset_type()) &&
           has_columns(relation, {{"listing_id", InvalidOid},
                                  {"ordinal", INT4OID},
                                  {"version", INT8OID},
                                  {"change", TEXTOID},
                                  {"reservation_id", InvalidOid},
                                  {"stay", DATERANGEOID},
                                  {"was", DATERANGEOID}});
}

// Besides their columns, the tables beside a calendar have listings of its type.
bool has_listings_of(Oid relation, const TrackedRow& row) {
    const Oid listing = column_type_of(row.calendar, "listing_id");
    return !OidIsValid(listing) || column_type_of(relation, "listing_id") == listing;
}

// Whether a relation is, by its shape, what track makes for the table of this row.
bool has_shape(const TrackedRow& row, const char* kind, Oid relation) {
    const auto is = [&](const char* name) { return std::strcmp(kind, name) == 0; };
    if (is("calendar"))
        return is_calendar(relation);
    if (is("day"))
        return is_table(relation) && has_listings_of(relation, row) &&
               has_columns(relation, {{"listing_id", InvalidOid}, {"day", DATEOID}, {"reservation_id", InvalidOid}});
    if (is("hold"))
        return is_table(relation) && has_listings_of(relation, row) &&
               has_columns(relation, {{"hold_id", UUIDOID},
                                      {"listing_id", InvalidOid},
                                      {"stay", DATERANGEOID},
                                      {"expires_at", TIMESTAMPTZOID}});
    if (is("request"))
        return is_table(relation) && has_columns(relation, {{"key", TEXTOID},
                                                            {"request", BYTEAOID},
                                                            {"reservation_id", TEXTOID},
                                                            {"version", INT8OID},
                                                            {"expires_at", TIMESTAMPTZOID}});
    return is_view(relation) && view_reads(relation, row.calendar);
}

// Whether another tracked table has a relation as its companion.
bool is_companion_of_another(const TrackedRow& row, Oid relation) {
    ListCell* cell;
    foreach (cell, all_tracked_rows()) {
        const auto* other = static_cast<TrackedRow*>(lfirst(cell));
        if (other->reservations == row.reservations)
            continue;
        for (const Oid companion : {other->calendar, other->day, other->month_view, other->open_view, other->claims,
                                    other->hold, other->request, other->reservations})
            if (companion == relation)
                return true;
    }
    return false;
}

// Tied or, as track makes it, a query of the table.
bool is_claims_view(const TrackedRow& row) {
    return is_view(row.claims) && !is_companion_of_another(row, row.claims) &&
           (depends_on(claims_view(row), our_extension()) ||
            (view_reads(row.claims, row.reservations) &&
             has_columns(row.claims, {{"listing", InvalidOid}, {"key", InvalidOid}, {"stay", InvalidOid}})));
}

bool is_proved(const TrackedRow& row, const CompanionObject& object) {
    // Functions were proved when they were found.
    if (object.address.classId == ProcedureRelationId)
        return true;
    const Oid relation = object.address.objectId;
    if (relation == row.claims)
        return std::strcmp(object.kind, "claims") == 0 && is_claims_view(row);
    if (depends_on(object.address, claims_view(row)) && is_claims_view(row))
        return true;
    return relation != row.reservations && has_shape(row, object.kind, relation) &&
           !is_companion_of_another(row, relation);
}

Oid owner_of(const ObjectAddress& object) {
    if (object.classId == RelationRelationId)
        return relation_owner(object.objectId);
    HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(object.objectId));
    if (!HeapTupleIsValid(tuple))
        elog(ERROR, "cache lookup failed for function %u", object.objectId);
    const Oid owner = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple))->proowner;
    ReleaseSysCache(tuple);
    return owner;
}

void tie(const ObjectAddress& object, const ObjectAddress& referenced) {
    if (OidIsValid(referenced.objectId) && !depends_on(object, referenced))
        recordDependencyOn(&object, &referenced, DEPENDENCY_NORMAL);
}

// Once what is left has no tie, it is in nobody's way.
void untie(const ObjectAddress& object, const TrackedRow& row) {
    deleteDependencyRecordsForSpecific(object.classId, object.objectId, DEPENDENCY_NORMAL, RelationRelationId,
                                       row.claims);
    deleteDependencyRecordsForSpecific(object.classId, object.objectId, DEPENDENCY_NORMAL, ExtensionRelationId,
                                       our_extension().objectId);
}

void name_what_is_left(const CompanionObject& object, const char* reason) {
    ereport(WARNING, (errmsg("%s is left as it is", getObjectDescription(&object.address, false)),
                      errdetail("%s", psprintf(reason, object.kind))));
}

} // namespace

void CompanionObjects::add(const char* kind, Oid catalog, Oid oid) {
    if (!OidIsValid(oid) || (catalog == RelationRelationId && get_rel_name(oid) == nullptr))
        return;
    if (count == kMost)
        elog(ERROR, "too many companions");
    objects[count++] = {kind, {catalog, oid, 0}, false};
}

CompanionObjects find_companions(const TrackedRow& row) {
    CompanionObjects found;
    found.add("month", RelationRelationId, row.month_view);
    found.add("open", RelationRelationId, row.open_view);
    found.add("claims", RelationRelationId, row.claims);
    found.add("day", RelationRelationId, row.day);
    found.add("calendar", RelationRelationId, row.calendar);
    found.add("hold", RelationRelationId, row.hold);
    found.add("request", RelationRelationId, row.request);
    found.add("claim", ProcedureRelationId, claim_function(row));
    found.add("cancel", ProcedureRelationId, cancel_function(row));
    for (int i = 0; i < found.count; i++)
        found.objects[i].proved = is_proved(row, found.objects[i]);
    return found;
}

void require_companions(const TrackedRow& row) {
    for (const Oid companion : {row.calendar, row.day, row.claims, row.hold, row.request})
        if (OidIsValid(companion) && get_rel_name(companion) == nullptr)
            ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                            errmsg("a companion of table \"%s\" is missing", get_rel_name(row.reservations)),
                            errdetail("Relation with OID %u was dropped.", companion),
                            errhint("Use availability.untrack and availability.track to make it again.")));
    const CompanionObjects found = find_companions(row);
    for (int i = 0; i < found.count; i++)
        if (!found.objects[i].proved)
            ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                            errmsg("%s is not the companion \"%s\" of table \"%s\"",
                                   getObjectDescription(&found.objects[i].address, false), found.objects[i].kind,
                                   get_rel_name(row.reservations)),
                            errhint("Use availability.untrack and availability.track to make it again; untrack leaves "
                                    "what is no companion.")));
}

void tie_companion(const TrackedRow& row, const ObjectAddress& companion) {
    tie(companion, claims_view(row));
    tie(companion, our_extension());
}

void untie_companions(const TrackedRow& row) {
    const CompanionObjects found = find_companions(row);
    for (int i = 0; i < found.count; i++)
        if (found.objects[i].proved)
            untie(found.objects[i].address, row);
    CommandCounterIncrement();
}

void tie_companions(const TrackedRow& row) {
    const CompanionObjects found = find_companions(row);
    const ObjectAddress claims = claims_view(row);
    if (!is_claims_view(row))
        return;
    for (int i = 0; i < found.count; i++) {
        const CompanionObject& object = found.objects[i];
        // Views of the calendar go with it.
        if (!object.proved || std::strcmp(object.kind, "month") == 0 || std::strcmp(object.kind, "open") == 0)
            continue;
        if (object.address.objectId != row.claims)
            tie(object.address, claims);
        tie(object.address, our_extension());
    }
}

void drop_companions(const TrackedRow& row, Oid owner, Oid user, DropBehavior behavior) {
    const CompanionObjects found = find_companions(row);
    ObjectAddresses* dropped = new_object_addresses();
    for (int i = 0; i < found.count; i++) {
        const CompanionObject& object = found.objects[i];
        const Oid its_owner = owner_of(object.address);
        if (!object.proved)
            name_what_is_left(object, "It is not the companion \"%s\" that availability.track makes.");
        else if (its_owner != owner && !has_privs_of_role(user, its_owner))
            name_what_is_left(object, "Another role owns this companion \"%s\".");
        else
            add_exact_object_address(&object.address, dropped);
        if (object.proved)
            untie(object.address, row);
    }
    CommandCounterIncrement();
    performMultipleDeletions(dropped, behavior, 0);
    free_object_addresses(dropped);
}

void drop_day_rows(const TrackedRow& row) {
    require_companions(row);
    const ObjectAddress address = {RelationRelationId, row.day, 0};
    performDeletion(&address, DROP_RESTRICT, 0);
}

} // namespace availability

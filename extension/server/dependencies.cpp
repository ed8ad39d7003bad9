// What pg_depend says of one object.

#include "extension/server/dependencies.hpp"

extern "C" {
#include <access/genam.h>
#include <access/htup_details.h>
#include <access/table.h>
#include <catalog/dependency.h>
#include <catalog/indexing.h>
#include <catalog/pg_class.h>
#include <catalog/pg_depend.h>
#include <catalog/pg_extension.h>
#include <catalog/pg_rewrite.h>
#include <commands/extension.h>
#include <utils/fmgroids.h>
#include <utils/lsyscache.h>
}

namespace availability {

bool depends_on(const ObjectAddress& object, const ObjectAddress& referenced) {
    Relation depend = table_open(DependRelationId, AccessShareLock);
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object.classId));
    ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object.objectId));
    SysScanDesc scan = systable_beginscan(depend, DependDependerIndexId, true, nullptr, 2, keys);
    bool found = false;
    for (HeapTuple tuple; !found && HeapTupleIsValid(tuple = systable_getnext(scan));) {
        const auto* dependency = reinterpret_cast<Form_pg_depend>(GETSTRUCT(tuple));
        found = dependency->refclassid == referenced.classId && dependency->refobjid == referenced.objectId;
    }
    systable_endscan(scan);
    table_close(depend, AccessShareLock);
    return found;
}

List* dependents(const ObjectAddress& referenced, Oid catalog) {
    Relation depend = table_open(DependRelationId, AccessShareLock);
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(referenced.classId));
    ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(referenced.objectId));
    SysScanDesc scan = systable_beginscan(depend, DependReferenceIndexId, true, nullptr, 2, keys);
    List* found = NIL;
    for (HeapTuple tuple; HeapTupleIsValid(tuple = systable_getnext(scan));) {
        const auto* dependency = reinterpret_cast<Form_pg_depend>(GETSTRUCT(tuple));
        if (dependency->classid == catalog)
            found = list_append_unique_oid(found, dependency->objid);
    }
    systable_endscan(scan);
    table_close(depend, AccessShareLock);
    return found;
}

List* reading_views(Oid relation) {
    List* views = NIL;
    Relation rewrite = table_open(RewriteRelationId, AccessShareLock);
    ListCell* cell;
    foreach (cell, dependents({RelationRelationId, relation, 0}, RewriteRelationId)) {
        ScanKeyData key;
        ScanKeyInit(&key, Anum_pg_rewrite_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(lfirst_oid(cell)));
        SysScanDesc scan = systable_beginscan(rewrite, RewriteOidIndexId, true, nullptr, 1, &key);
        if (HeapTuple tuple = systable_getnext(scan); HeapTupleIsValid(tuple)) {
            const Oid view = reinterpret_cast<Form_pg_rewrite>(GETSTRUCT(tuple))->ev_class;
            if (get_rel_relkind(view) == RELKIND_VIEW)
                views = list_append_unique_oid(views, view);
        }
        systable_endscan(scan);
    }
    table_close(rewrite, AccessShareLock);
    return views;
}

ObjectAddress our_extension() {
    return {ExtensionRelationId, get_extension_oid("availability", true), 0};
}

bool view_reads(Oid view, Oid relation) {
    Relation rewrite = table_open(RewriteRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_rewrite_ev_class, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(view));
    SysScanDesc scan = systable_beginscan(rewrite, RewriteRelRulenameIndexId, true, nullptr, 1, &key);
    bool reads = false;
    for (HeapTuple tuple; !reads && HeapTupleIsValid(tuple = systable_getnext(scan));)
        reads = depends_on({RewriteRelationId, reinterpret_cast<Form_pg_rewrite>(GETSTRUCT(tuple))->oid, 0},
                           {RelationRelationId, relation, 0});
    systable_endscan(scan);
    table_close(rewrite, AccessShareLock);
    return reads;
}

} // namespace availability

// The one door to companions.

#include "extension/server/companion.hpp"

extern "C" {
#include <access/relation.h>
#include <utils/lsyscache.h>
#include <utils/builtins.h>
#include <utils/rel.h>
#include <utils/relcache.h>
}

namespace availability {

Relation open_companion(Oid companion, LOCKMODE mode) {
    Relation relation = try_relation_open(companion, mode);
    if (relation == nullptr)
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("a companion of a tracked table is missing"),
                 errdetail("Relation with OID %u was dropped.", companion),
                 errhint("Use availability.untrack and availability.track to make it again.")));
    return relation;
}

// The triggers read and write companions by their columns' types, which the owner, who is anybody, can alter.
AttrNumber require_column(Relation companion, const char* name, Oid type) {
    const AttrNumber column = get_attnum(RelationGetRelid(companion), name);
    if (column <= 0 || TupleDescAttr(RelationGetDescr(companion), column - 1)->atttypid != type)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("companion \"%s\" has no column \"%s\" of type %s", RelationGetRelationName(companion),
                               name, format_type_be(type)),
                        errhint("Use availability.untrack and availability.track to make it again.")));
    return column;
}

} // namespace availability

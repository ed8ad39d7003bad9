// Looking up rows of a companion by its primary key.

#include "extension/server/primary_key.hpp"

#include <algorithm>

extern "C" {
#include <access/genam.h>
#include <access/skey.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/relcache.h>
}

namespace availability {

Relation open_primary_key(Relation companion, std::initializer_list<AttrNumber> columns, LOCKMODE mode) {
    if (!companion->rd_indexvalid)
        list_free(RelationGetIndexList(companion));
    if (OidIsValid(companion->rd_pkindex)) {
        Relation index = index_open(companion->rd_pkindex, mode);
        // The owner may have made another one, whose keys would be compared by functions of other types.
        if (IndexRelationGetNumberOfKeyAttributes(index) == static_cast<int>(columns.size()) &&
            std::equal(columns.begin(), columns.end(), index->rd_index->indkey.values))
            return index;
    }
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("companion \"%s\" has not the primary key that track made", RelationGetRelationName(companion)),
             errhint("Use availability.untrack and availability.track to make it again.")));
    pg_unreachable();
}

void init_index_key(ScanKeyData* key, Relation index, AttrNumber column, StrategyNumber strategy, Datum value) {
    const Oid family = index->rd_opfamily[column - 1];
    const Oid type = index->rd_opcintype[column - 1];
    const Oid op = get_opfamily_member(family, type, type, strategy);
    if (!OidIsValid(op))
        elog(ERROR, "missing operator %d of operator family %u", strategy, family);
    ScanKeyEntryInitialize(key, 0, column, strategy, type, index->rd_indcollation[column - 1], get_opcode(op), value);
}

} // namespace availability

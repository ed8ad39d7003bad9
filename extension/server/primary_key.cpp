// Primary keys, and looking up rows by them.

#include "extension/server/primary_key.hpp"

extern "C" {
#include <access/genam.h>
#include <access/htup_details.h>
#include <access/skey.h>
#include <catalog/pg_am.h>
#include <catalog/pg_index.h>
#include <commands/defrem.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/relcache.h>
}

namespace availability {

namespace {

bool is_plain_column(Relation table, Relation index, int place, AttrNumber column) {
    const Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), column - 1);
    const Oid operator_class = GetDefaultOpClass(attribute->atttypid, BTREE_AM_OID);
    return index->rd_index->indkey.values[place] == column && OidIsValid(operator_class) &&
           index->rd_opfamily[place] == get_opclass_family(operator_class) &&
           index->rd_opcintype[place] == get_opclass_input_type(operator_class) &&
           index->rd_indcollation[place] == attribute->attcollation && index->rd_indoption[place] == 0;
}

} // namespace

bool is_plain_key(Relation table, Oid oid, const AttrNumber* columns, int count) {
    if (!OidIsValid(oid))
        return false;
    Relation index = index_open(oid, AccessShareLock);
    const Form_pg_index key = index->rd_index;
    // A key with INCLUDE has more attributes than key attributes, and an entry is formed of them all.
    bool plain = index->rd_rel->relam == BTREE_AM_OID && IndexRelationGetNumberOfAttributes(index) == count &&
                 IndexRelationGetNumberOfKeyAttributes(index) == count && key->indisprimary && key->indisunique &&
                 key->indimmediate && key->indisvalid && key->indisready && key->indislive && !key->indisexclusion &&
                 heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, nullptr);
    for (int i = 0; i < count && plain; i++)
        plain = is_plain_column(table, index, i, columns[i]);
    index_close(index, AccessShareLock);
    return plain;
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

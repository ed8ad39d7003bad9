// Primary keys, and looking up rows by them.
#pragma once

#include "extension/server/boundary.hpp"

extern "C" {
#include <access/attnum.h>
#include <access/skey.h>
#include <utils/relcache.h>
}

namespace availability {

// Whether an index is the primary key of a table on just these columns, and calls no code but that of their types: a
// valid, immediate btree of default operator classes, with no further column, expression or predicate.
bool is_plain_key(Relation table, Oid index, const AttrNumber* columns, int count);

// A key `column <strategy> value` on a btree index, by the operator of the index's own operator class; `column` counts
// from 1.
void init_index_key(ScanKeyData* key, Relation index, AttrNumber column, StrategyNumber strategy, Datum value);

} // namespace availability

// Looking up rows of a companion by its primary key.
#pragma once

#include <initializer_list>

#include "extension/server/boundary.hpp"

namespace availability {

// The index of the primary key on `columns`, opened; close it with index_close(index, NoLock). Raises 55000 if the
// primary key is missing or another one.
Relation open_primary_key(Relation companion, std::initializer_list<AttrNumber> columns, LOCKMODE mode);

// A key `column <strategy> value` on a btree index, by the operator of the index's own operator class; `column` counts
// from 1.
void init_index_key(ScanKeyData* key, Relation index, AttrNumber column, StrategyNumber strategy, Datum value);

} // namespace availability

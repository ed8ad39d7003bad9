// Index entries of rows that are written without the executor.
#pragma once

#include "extension/server/boundary.hpp"

namespace availability {

// All indexes of a table.
struct IndexWriter {
    EState* estate;
    ResultRelInfo* result;
};
static_assert(std::is_trivially_destructible_v<IndexWriter>);

IndexWriter open_indexes(Relation table);

// Makes the entries of a new row, or of a new version that went to another page; raises 23505 as an INSERT does.
void write_index_entries(const IndexWriter& writer, TupleTableSlot* slot, bool is_update, IndexEntries entries);

void close_indexes(const IndexWriter& writer);

} // namespace availability

// Index entries of rows that are written without the executor.
#pragma once

#include "extension/server/companion.hpp"

namespace availability {

// All indexes of a companion. Those that its owner added may have expressions and predicates: these run as the owner,
// as does everything else until close_indexes(). An index that is nothing but the primary key calls nobody's code.
struct IndexWriter {
    EState* estate;
    ResultRelInfo* result;
    bool as_owner;
    OwnerScope scope;
};
static_assert(std::is_trivially_destructible_v<IndexWriter>);

IndexWriter open_indexes(const Companion& companion);

// Makes the entries of a new row, or of a new version that went to another page; raises 23505 as an INSERT does.
void write_index_entries(const IndexWriter& writer, TupleTableSlot* slot, bool is_update, IndexEntries entries);

void close_indexes(const IndexWriter& writer);

} // namespace availability

// Index entries of rows that are written without the executor.

#include "extension/server/index_writer.hpp"

namespace availability {

IndexWriter open_indexes(Relation table) {
    const IndexWriter writer = {CreateExecutorState(), makeNode(ResultRelInfo)};
    // In no range table: the executor would look there for the columns that an UPDATE names.
    InitResultRelInfo(writer.result, table, 0, nullptr, 0);
    ExecOpenIndices(writer.result, false);
    return writer;
}

void write_index_entries(const IndexWriter& writer, TupleTableSlot* slot, bool is_update, IndexEntries entries) {
    insert_index_entries(writer.result, slot, writer.estate, is_update, entries);
}

void close_indexes(const IndexWriter& writer) {
    ExecCloseIndices(writer.result);
    FreeExecutorState(writer.estate);
}

} // namespace availability

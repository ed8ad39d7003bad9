// Index entries of rows that are written without the executor.

#include "extension/server/index_writer.hpp"

namespace availability {

IndexWriter open_indexes(const Companion& companion) {
    IndexWriter writer{};
    writer.as_owner = !companion.only_key;
    if (writer.as_owner)
        writer.scope = enter_owner(companion.owner);
    writer.estate = CreateExecutorState();
    writer.result = makeNode(ResultRelInfo);
    // In no range table: the executor would look there for the columns that an UPDATE names.
    InitResultRelInfo(writer.result, companion.relation, 0, nullptr, 0);
    ExecOpenIndices(writer.result, false);
    return writer;
}

void write_index_entries(const IndexWriter& writer, TupleTableSlot* slot, bool is_update, IndexEntries entries) {
    insert_index_entries(writer.result, slot, writer.estate, is_update, entries);
}

void close_indexes(const IndexWriter& writer) {
    ExecCloseIndices(writer.result);
    FreeExecutorState(writer.estate);
    if (writer.as_owner)
        leave_owner(writer.scope);
}

} // namespace availability

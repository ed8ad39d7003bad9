// availability_decoder: the output plugin that turns calendar rows in the WAL into events.
//
// The callbacks, and no more: which tables matter is calendar_table.hpp's, what a row says row.hpp's and event.hpp's,
// how it is written a format's (writer.hpp), when it goes out outbox.hpp's. Transactions arrive whole, at commit, one
// after the other; all that passes from one change to the next is a counter, and the one message that waits for it.

#include "extension/server/boundary.hpp"

extern "C" {
#include <replication/logical.h>
#include <replication/output_plugin.h>
#include <utils/memutils.h>
#include <utils/rel.h>
}

#include "decoder/calendar_table.hpp"
#include "decoder/encoding.hpp"
#include "decoder/event.hpp"
#include "decoder/options.hpp"
#include "decoder/outbox.hpp"
#include "decoder/row.hpp"
#include "extension/core/epoch.hpp"

extern "C" {
PG_MODULE_MAGIC;
AVAILABILITY_EXPORT void _PG_output_plugin_init(OutputPluginCallbacks* callbacks);
}

namespace availability {

namespace {

struct Decoder {
    Options options;
    MemoryContext change_context; // reset after each change

    Outbox outbox;

    std::uint64_t seq;     // calendar changes of the current transaction so far
    std::uint64_t skipped; // those of them since the last event that are of no wanted table
    int skipped_changes;   // since the last report of progress
};
static_assert(std::is_trivially_destructible_v<Decoder>);

Decoder* decoder_of(LogicalDecodingContext* ctx) {
    return static_cast<Decoder*>(ctx->output_plugin_private);
}

Position position_of(const ReorderBufferTXN* txn) {
    return {txn->end_lsn, txn->xact_time.commit_time + kPostgresEpochMicroseconds};
}

// The buffer of the transaction's next message.
StringInfo open_message(LogicalDecodingContext* ctx, ReorderBufferTXN* txn) {
    return open_message(&decoder_of(ctx)->outbox, ctx, {Frame::Kind::kBegin, txn->xid, position_of(txn)});
}

void write_event(LogicalDecodingContext* ctx, ReorderBufferTXN* txn, Relation relation, const CalendarTable& table,
                 HeapTuple tuple) {
    Decoder* decoder = decoder_of(ctx);

    Event event;
    event.table = table.name;
    event.position = position_of(txn);
    event.seq = decoder->seq;
    event.skipped = decoder->skipped;
    decoder->skipped = 0;
    event.read(read_row(table, RelationGetDescr(relation), tuple));

    decoder->options.writer->event(open_message(ctx, txn), event);
}
static_assert(std::is_trivially_destructible_v<Event>);

// Tells the client that a long transaction is being worked on, lest it takes silence for death. From 16 on the
// server does it.
void report_skipped_change([[maybe_unused]] LogicalDecodingContext* ctx) {
#if AVAILABILITY_PLUGIN_REPORTS_PROGRESS
    constexpr int kEvery = 100;
    Decoder* decoder = decoder_of(ctx);
    if (++decoder->skipped_changes < kEvery)
        return;
    decoder->skipped_changes = 0;
    OutputPluginUpdateProgress(ctx, false);
#endif
}

void startup(LogicalDecodingContext* ctx, OutputPluginOptions* output, bool) {
    auto* decoder = static_cast<Decoder*>(MemoryContextAllocZero(ctx->context, sizeof(Decoder)));
    decoder->options = read_options(ctx->output_plugin_options);
    decoder->change_context =
        AllocSetContextCreate(ctx->context, "availability_decoder change", ALLOCSET_DEFAULT_SIZES);
    start_calendar_tables(ctx->context, &decoder->options);
    start_outbox(&decoder->outbox, decoder->options, ctx->context);
    ctx->output_plugin_private = decoder;
    output->output_type = decoder->options.writer->binary ? OUTPUT_PLUGIN_BINARY_OUTPUT : OUTPUT_PLUGIN_TEXTUAL_OUTPUT;
    output->receive_rewrites = false;
}

void begin(LogicalDecodingContext* ctx, ReorderBufferTXN*) {
    Decoder* decoder = decoder_of(ctx);
    decoder->seq = 0;
    decoder->skipped = 0;
    open_transaction(&decoder->outbox);
}

void change(LogicalDecodingContext* ctx, ReorderBufferTXN* txn, Relation relation, ReorderBufferChange* change) {
    Decoder* decoder = decoder_of(ctx);
    const bool writes_row =
        change->action == REORDER_BUFFER_CHANGE_INSERT || change->action == REORDER_BUFFER_CHANGE_UPDATE;
    HeapTuple tuple = writes_row ? AVAILABILITY_CHANGE_TUPLE(change->data.tp.newtuple) : nullptr;

    const MemoryContext caller = MemoryContextSwitchTo(decoder->change_context);
    const CalendarTable* table = tuple != nullptr ? find_calendar_table(relation) : nullptr;
    if (table != nullptr) {
        ++decoder->seq;
        if (!table->wanted)
            ++decoder->skipped;
    }
    if (table != nullptr && table->wanted)
        write_event(ctx, txn, relation, *table, tuple);
    else
        report_skipped_change(ctx);
    MemoryContextSwitchTo(caller);
    MemoryContextReset(decoder->change_context);
}

void message(LogicalDecodingContext* ctx, ReorderBufferTXN* txn, bool transactional, const char* prefix,
             std::string_view content) {
    Decoder* decoder = decoder_of(ctx);
    if (!transactional)
        return;
    if (!wants_message(decoder->options, prefix)) {
        report_skipped_change(ctx);
        return;
    }

    const MemoryContext caller = MemoryContextSwitchTo(decoder->change_context);
    decoder->options.writer->message(open_message(ctx, txn),
                                     {name_to_utf8(prefix), content, is_utf8(content), position_of(txn)});
    MemoryContextSwitchTo(caller);
    MemoryContextReset(decoder->change_context);
}

// A transaction that sent nothing still moves the slot on.
void commit(LogicalDecodingContext* ctx, ReorderBufferTXN* txn) {
    Outbox* outbox = &decoder_of(ctx)->outbox;
    OutputPluginUpdateProgress(ctx, !outbox->holds);
    close_transaction(outbox, ctx, {Frame::Kind::kCommit, txn->xid, position_of(txn)});
}

// What the server calls.

void startup_callback(LogicalDecodingContext* ctx, OutputPluginOptions* output, bool is_init) {
    guarded(startup, ctx, output, is_init);
}

void begin_callback(LogicalDecodingContext* ctx, ReorderBufferTXN* txn) {
    guarded(begin, ctx, txn);
}

void change_callback(LogicalDecodingContext* ctx, ReorderBufferTXN* txn, Relation relation,
                     ReorderBufferChange* row_change) {
    guarded(change, ctx, txn, relation, row_change);
}

void message_callback(LogicalDecodingContext* ctx, ReorderBufferTXN* txn, XLogRecPtr, bool transactional,
                      const char* prefix, Size size, const char* content) {
    guarded(message, ctx, txn, transactional, prefix, std::string_view(content, size));
}

void commit_callback(LogicalDecodingContext* ctx, ReorderBufferTXN* txn, XLogRecPtr) {
    guarded(commit, ctx, txn);
}

} // namespace

} // namespace availability

// No streaming and no two-phase callbacks: uncommitted changes are of no use to a cache. No truncate callback: who
// empties a calendar says so row by row.
void _PG_output_plugin_init(OutputPluginCallbacks* callbacks) {
    callbacks->startup_cb = availability::startup_callback;
    callbacks->begin_cb = availability::begin_callback;
    callbacks->change_cb = availability::change_callback;
    callbacks->message_cb = availability::message_callback;
    callbacks->commit_cb = availability::commit_callback;
}

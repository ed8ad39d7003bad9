// What a transaction sends, on its way to the client.

#include "decoder/outbox.hpp"

extern "C" {
#include <replication/output_plugin.h>
#include <utils/memutils.h>
}

namespace availability {

namespace {

// A buffer that one large message has left behind is given back.
constexpr int kKeptSize = 64 * 1024;

void empty_buffer(Outbox* outbox) {
    if (outbox->held.data != nullptr && outbox->held.maxlen <= kKeptSize) {
        resetStringInfo(&outbox->held);
        return;
    }
    if (outbox->held.data != nullptr)
        pfree(outbox->held.data);
    const MemoryContext caller = MemoryContextSwitchTo(outbox->session);
    initStringInfo(&outbox->held);
    MemoryContextSwitchTo(caller);
}

void send_frame(const Outbox* outbox, LogicalDecodingContext* ctx, const Frame& frame) {
    OutputPluginPrepareWrite(ctx, true);
    outbox->writer->frame(ctx->out, frame);
    OutputPluginWrite(ctx, true);
}

// Sends what waits under the WAL place given.
void send_held(Outbox* outbox, LogicalDecodingContext* ctx, XLogRecPtr location, bool last) {
    const XLogRecPtr current = ctx->write_location;
    ctx->write_location = location;
    OutputPluginPrepareWrite(ctx, true);
    appendBinaryStringInfo(ctx->out, outbox->held.data, outbox->held.len);
    outbox->writer->end(ctx->out, last);
    OutputPluginWrite(ctx, true);
    ctx->write_location = current;
    outbox->holds = false;
}

} // namespace

void start_outbox(Outbox* outbox, const Options& options, MemoryContext session) {
    *outbox = {};
    outbox->writer = options.writer;
    outbox->frames = options.transactions;
    outbox->session = session;
}

void open_transaction(Outbox* outbox) {
    outbox->holds = false;
}

StringInfo open_message(Outbox* outbox, LogicalDecodingContext* ctx, const Frame& begin) {
    if (outbox->holds)
        send_held(outbox, ctx, outbox->held_location, false);
    else if (outbox->frames)
        send_frame(outbox, ctx, begin);
    empty_buffer(outbox);
    outbox->holds = true;
    outbox->held_location = ctx->write_location;
    return &outbox->held;
}

// The last message of all goes under the commit's end, which is the callback's own place: a driver that confirms the
// place of what it has received then confirms the transaction with it, and neither before nor later.
void close_transaction(Outbox* outbox, LogicalDecodingContext* ctx, const Frame& commit) {
    if (!outbox->holds)
        return;
    send_held(outbox, ctx, outbox->frames ? outbox->held_location : ctx->write_location, true);
    if (outbox->frames)
        send_frame(outbox, ctx, commit);
}

} // namespace availability

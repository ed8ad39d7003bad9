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

// Sends what write() appends, under a WAL place.
template <typename Write>
void send(LogicalDecodingContext* ctx, XLogRecPtr location, Write write) {
    const XLogRecPtr current = ctx->write_location;
    ctx->write_location = location;
    OutputPluginPrepareWrite(ctx, true);
    write(ctx->out);
    OutputPluginWrite(ctx, true);
    ctx->write_location = current;
}

void send_frame(const Outbox* outbox, LogicalDecodingContext* ctx, XLogRecPtr location, const Frame& frame) {
    send(ctx, location, [&](StringInfo out) { outbox->writer->frame(out, frame); });
}

void send_held(Outbox* outbox, LogicalDecodingContext* ctx, XLogRecPtr location, bool last) {
    send(ctx, location, [&](StringInfo out) {
        appendBinaryStringInfo(out, outbox->held.data, outbox->held.len);
        outbox->writer->end(out, last);
    });
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
        send_frame(outbox, ctx, ctx->write_location, begin);
    empty_buffer(outbox);
    outbox->holds = true;
    outbox->held_location = ctx->write_location;
    return &outbox->held;
}

// The last message of all goes under a place within the commit record, which only this transaction has: a driver that
// confirms the place of what it received (some of them one byte more) confirms this transaction with it, and no other.
// One that moves on by itself, once what it received last is confirmed, does not take an earlier commit for that. The
// commit's end would be the place of the next record, which may be another commit.
void close_transaction(Outbox* outbox, LogicalDecodingContext* ctx, const Frame& commit) {
    if (!outbox->holds)
        return;
    const XLogRecPtr within_commit = static_cast<XLogRecPtr>(commit.position.lsn) - 1;
    send_held(outbox, ctx, outbox->frames ? outbox->held_location : within_commit, true);
    if (outbox->frames)
        send_frame(outbox, ctx, within_commit, commit);
}

} // namespace availability

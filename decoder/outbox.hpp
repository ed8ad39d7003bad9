// What a transaction sends, on its way to the client: each message waits for the next one, or for the commit, so that
// the last can say that it is the last. One message waits at most, whatever the size of the transaction.
#pragma once

#include "decoder/options.hpp"

extern "C" {
#include <replication/logical.h>
}

namespace availability {

struct Outbox {
    const Writer* writer;
    bool frames; // option `transactions`
    MemoryContext session;

    bool holds;               // whether a message waits: whether the transaction has any
    StringInfoData held;      // all of it but its end
    XLogRecPtr held_location; // the WAL place that it is for
};
static_assert(std::is_trivially_destructible_v<Outbox>);

// For a decoding session whose memory context is given.
void start_outbox(Outbox* outbox, const Options& options, MemoryContext session);

// To be called before the messages of a transaction.
void open_transaction(Outbox* outbox);

// The buffer that the transaction's next message is appended to, without its end. Sends the one before it.
StringInfo open_message(Outbox* outbox, LogicalDecodingContext* ctx, const Frame& begin);

// Sends what waits, as the last of its transaction, and the frame behind it. A transaction without a message sends
// nothing.
void close_transaction(Outbox* outbox, LogicalDecodingContext* ctx, const Frame& commit);

} // namespace availability

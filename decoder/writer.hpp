// What an output format is: how each kind of message is appended. A format knows nothing of PostgreSQL's rows.
#pragma once

#include "extension/server/boundary.hpp"

extern "C" {
#include <lib/stringinfo.h>
}

#include "decoder/event.hpp"

namespace availability {

// The begin or the commit of a transaction that sends something.
struct Frame {
    enum class Kind : std::uint8_t { kBegin, kCommit };
    Kind kind;
    std::uint32_t xid;
    Position position;
};

// A transactional logical message.
struct Message {
    std::string_view prefix;  // UTF-8
    std::string_view content; // any bytes
    bool content_is_text;     // valid UTF-8 without NUL
    Position position;
};

// Content past this is not passed on (the event is unreadable instead): its message could outgrow what the server
// can hold in one allocation, 1 GB, and raising would stop the stream for good.
inline constexpr std::size_t kMaxContentSize = 16 * 1024 * 1024;
inline constexpr char kTooLargeContent[] = "content is too large";

// Functions of an output format; all append to a buffer and raise nothing but 53200.
//
// event() and message() leave the end open, since whether the transaction sends another is not known yet: end() closes
// what they began. A frame is whole.
struct Writer {
    const char* name; // as option `format` has it
    bool binary;
    void (*event)(StringInfo out, const Event& event);
    void (*message)(StringInfo out, const Message& message);
    void (*end)(StringInfo out, bool last);
    void (*frame)(StringInfo out, const Frame& frame);
};

} // namespace availability

// The protobuf form of events, encoded with protozero.

// Before PostgreSQL's headers, which make macros of functions that <string> names.
#include <protozero/basic_pbf_writer.hpp>
#include <protozero/buffer_fixed.hpp>

#include "decoder/protobuf.hpp"
#include "extension/core/change.hpp"

namespace availability {

namespace {

// The field numbers of event.proto.
enum Tag : protozero::pbf_tag_type {
    kEvent = 1,
    kTable,
    kListingNumber,
    kListingText,
    kReservationNumber,
    kReservationText,
    kStay,
    kWas,
    kVersion,
    kBooked,
    kLsn,
    kSeq,
    kAtAfterVersion,
    kReason,
    kXid,
    kPrefix,
    kContent,
    kLast,
    kSkipped,
};
enum StayTag : protozero::pbf_tag_type { kStayFirstDay = 1, kStayNights };

// Its enum Kind; the first five in the order of the words in a calendar.
enum Kind { kCreated = 1, kUpdated, kCancelled, kReset, kDropped, kUnreadable, kBegin, kCommit, kMessage };

Kind kind_of(std::string_view change) {
    int kind = kCreated;
    for (const std::string_view word : kChangeWords) {
        if (change == word)
            break;
        ++kind;
    }
    return static_cast<Kind>(kind);
}

// Into room that is there: nothing is allocated while a writer is alive, which has a destructor.
using Buffer = protozero::fixed_size_buffer_adaptor;
using Pbf = protozero::basic_pbf_writer<Buffer>;

// Numbers, tags and lengths of a message, and more: all that is not text or bytes.
constexpr std::size_t kNumbersSize = 256;

// Calls write(pbf) with room for `size` bytes of text and for the numbers, and appends what it wrote.
template <typename Write>
void append_message(StringInfo out, std::size_t size, Write write) {
    const std::size_t room = size + kNumbersSize;
    enlargeStringInfo(out, static_cast<int>(room));
    Buffer buffer(out->data + out->len, room);
    {
        Pbf pbf(buffer);
        write(pbf);
    }
    out->len += static_cast<int>(buffer.size());
    out->data[out->len] = '\0';
}

void add_text(Pbf& pbf, Tag tag, std::string_view text) {
    pbf.add_bytes(tag, text.data(), text.size());
}

void add_key(Pbf& pbf, const Key& key, Tag number, Tag text) {
    if (key.kind() == Key::Kind::kInteger)
        pbf.add_int64(number, key.integer());
    else if (key.kind() == Key::Kind::kText)
        add_text(pbf, text, key.text());
}

// Written aside: a message within a message begins with its length.
void add_stay(Pbf& pbf, Tag tag, DaySpan stay) {
    if (stay.empty())
        return;
    char bytes[16];
    Buffer buffer(bytes, sizeof(bytes));
    {
        Pbf span(buffer);
        if (stay.first_day != 0)
            span.add_uint32(kStayFirstDay, static_cast<std::uint32_t>(stay.first_day));
        span.add_uint32(kStayNights, static_cast<std::uint32_t>(stay.days()));
    }
    pbf.add_message(tag, bytes, buffer.size());
}

void add_position(Pbf& pbf, const Position& position) {
    pbf.add_uint64(kLsn, position.lsn);
}

// Two's complement: a version may be any number.
void add_at(Pbf& pbf, std::int64_t at, std::int64_t version) {
    pbf.add_sint64(kAtAfterVersion,
                   static_cast<std::int64_t>(static_cast<std::uint64_t>(at) - static_cast<std::uint64_t>(version)));
}

void write_event(StringInfo out, const Event& event) {
    const std::size_t size = event.table.size() + event.listing.text().size() + event.reservation.text().size() +
                             event.booked_bytes.size() + event.reason().size();
    append_message(out, size, [&event](Pbf& pbf) {
        pbf.add_enum(kEvent, event.unreadable() ? kUnreadable : kind_of(event.change));
        add_text(pbf, kTable, event.table);
        add_key(pbf, event.listing, kListingNumber, kListingText);
        if (event.unreadable()) {
            add_text(pbf, kReason, event.reason());
        } else {
            add_key(pbf, event.reservation, kReservationNumber, kReservationText);
            add_stay(pbf, kStay, event.stay);
            add_stay(pbf, kWas, event.was);
            pbf.add_int64(kVersion, event.version);
            add_text(pbf, kBooked, event.booked_bytes);
        }
        add_position(pbf, event.position);
        pbf.add_uint64(kSeq, event.seq);
        if (event.skipped != 0)
            pbf.add_uint64(kSkipped, event.skipped);
        add_at(pbf, event.position.at, event.unreadable() ? 0 : event.version);
    });
}

void write_frame(StringInfo out, const Frame& frame) {
    append_message(out, 0, [&frame](Pbf& pbf) {
        pbf.add_enum(kEvent, frame.kind == Frame::Kind::kBegin ? kBegin : kCommit);
        add_position(pbf, frame.position);
        add_at(pbf, frame.position.at, 0);
        pbf.add_uint32(kXid, frame.xid);
    });
}

void write_message(StringInfo out, const Message& message) {
    const bool readable = message.content.size() <= kMaxContentSize;
    append_message(out, message.prefix.size() + (readable ? message.content.size() : 0), [&](Pbf& pbf) {
        pbf.add_enum(kEvent, readable ? kMessage : kUnreadable);
        add_position(pbf, message.position);
        add_at(pbf, message.position.at, 0);
        if (!readable)
            add_text(pbf, kReason, kTooLargeContent);
        add_text(pbf, kPrefix, message.prefix);
        if (readable)
            add_text(pbf, kContent, message.content);
    });
}

void write_end(StringInfo out, bool last) {
    if (last)
        append_message(out, 0, [](Pbf& pbf) { pbf.add_bool(kLast, true); });
}

} // namespace

const Writer kProtobufWriter = {"protobuf", true, write_event, write_message, write_end, write_frame};

} // namespace availability

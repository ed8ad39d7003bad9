// What the relay tells its subscribers, version 1: the one description, for the relay that writes it and the services
// that read it.
//
// Both answers come in the chunks of HTTP/1.1; where a chunk ends means nothing. Integers are little-endian; a varint
// has seven bits in each byte, the lowest first, and the top bit set in all bytes but the last.
//
// GET /snapshot — every calendar. 503 while the relay loads them itself.
//
//   "AVSNAP01" <epoch:8> <lsn:8>                   stream from (epoch, lsn, *) after it
//   <tables: varint>, each <size: varint> <name>   the calendar companions, in the order of their numbers
//   records, each
//     01 <table: varint> <listing: zigzag varint>  <version:8> <size: varint> <stored bytes of a day set>
//     02 <table: varint> <size: varint> <listing>  <version:8> <size: varint> <stored bytes of a day set>
//     03 <table: varint> <listing: zigzag varint>  a listing whose calendar isn't known: its last event
//     04 <table: varint> <size: varint> <listing>  could not be read
//   00 <records:8> <lsn:8>                         the end, without which it is not whole
//
// Calendars are as they were at some moment between the first lsn and the last: a subscriber agrees with the database
// as of the last one when the stream has brought it there. Until then it must take the newer version of each listing,
// as ever.
//
// GET /stream?from=EPOCH,LSN,SEQ — every event after that position, and at the beginning perhaps some before it; LSN as
// X/X, SEQ a number or * for all of that commit. 410 if the position is of another epoch or too old: take the snapshot.
// 503 while the relay has no epoch: it has just been started, or waits for another to end. The answer has no end. For
// who holds no calendars and only wants to know what changes, GET /stream?from=now: from the last event that the relay
// has.
//
//   frames, each <size of the rest: 4> <type:1> and
//     01 <version:1> <epoch:8> <lsn:8> <seq:8>     first: the position that was asked for; of `now`,
//                                                the one that it is
//     02 <message>                                 an event, as the decoder sent it (decoder/event.proto); its
//                                                  (lsn, seq) is greater than that of every event before
//     03 <lsn:8> <as of:8>                         all commits up to lsn have been sent. `as of`, unless 0: they are
//                                                  all that anybody saw at that time, in microseconds since 1970 by
//                                                  the database's clock. It comes with the relay's heartbeats
//                                                  (relay.heartbeat_seconds), under load too; the time in an event is
//                                                  no such time, for events are in the order of the WAL, and it may
//                                                  be another server's
//     04 <reason>                                  last: nothing follows, take the snapshot
//
// A reader skips types that it doesn't know. A stream that ends without 04 goes on from the last position: (lsn, seq)
// of the last event, or (lsn, *) of the last 03 if it came later. A listing with an unreadable event has no known
// calendar until its next one.
//
// Both ask for `Authorization: Bearer TOKEN` if the relay has a token.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/event.hpp"

namespace availability::wire {

using relay::Epoch;
using relay::Key;
using relay::Position;

inline constexpr std::uint8_t kVersion = 1;
inline constexpr std::string_view kSnapshotMagic = "AVSNAP01";
// Position::seq of a position after all of a commit: * in text.
inline constexpr std::uint64_t kWholeCommit = UINT64_MAX;
// More is no listing and no event: a bound for readers.
inline constexpr std::size_t kMaxFrame = 1 << 20;

struct StreamFrom {
    Epoch epoch = 0;
    Position position;
};
// "EPOCH,LSN,SEQ".
std::string format_from(const StreamFrom& from);
std::optional<StreamFrom> parse_from(std::string_view text);

// --- the writer's side ---------------------------------------------------------------------------

void append_snapshot_header(Epoch epoch, std::uint64_t lsn, const std::vector<std::string>& tables, std::string* out);
void append_snapshot_record(std::uint16_t table, const Key& listing, std::int64_t version, std::string_view booked,
                            std::string* out);
void append_snapshot_unknown(std::uint16_t table, const Key& listing, std::string* out);
void append_snapshot_end(std::uint64_t records, std::uint64_t lsn, std::string* out);

void append_hello(const StreamFrom& from, std::string* out);
void append_event(std::string_view message, std::string* out);
void append_progress(std::uint64_t lsn, std::int64_t as_of, std::string* out);
void append_end(std::string_view reason, std::string* out);

// --- the reader's side: bytes of which nothing is believed ---------------------------------------

// Reads a snapshot from bytes as they come. Views are valid until the next call.
class SnapshotReader {
  public:
    enum class Item { kMore, kHeader, kRecord, kUnknown, kEnd, kBroken };

    void feed(std::string_view bytes) { buffer_.append(bytes); }
    // The next item; kMore: feed. After kEnd and kBroken nothing comes.
    Item next();

    // kHeader
    Epoch epoch = 0;
    std::uint64_t lsn = 0; // of kEnd: the last one
    std::vector<std::string> tables;
    // kRecord, kUnknown
    std::uint16_t table = 0;
    Key listing;
    // kRecord
    std::int64_t version = 0;
    std::string_view booked; // validated

  private:
    Item header();
    Item record();
    std::string buffer_;
    std::size_t at_ = 0;
    bool has_header_ = false;
    bool ended_ = false;
    std::uint64_t records_ = 0;
};

// Reads frames of a stream.
class FrameReader {
  public:
    enum class Item { kMore, kHello, kEvent, kProgress, kEnd, kBroken };

    void feed(std::string_view bytes) { buffer_.append(bytes); }
    Item next();

    StreamFrom from;          // kHello
    std::string_view message; // kEvent; kEnd: the reason
    std::uint64_t lsn = 0;    // kProgress
    std::int64_t as_of = 0;

  private:
    std::string buffer_;
    std::size_t at_ = 0;
    bool ended_ = false;
};

} // namespace availability::wire

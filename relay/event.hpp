// What passes between the parts of the relay: events, as the decoder sent them, and batches of them.
//
// An Event is views into bytes that its Batch owns; whoever keeps a view keeps the batch. Batches are immutable and
// shared by all sinks. Nothing in an event is trusted any more: its stays and its calendar have been validated where it
// was read (event_reader.hpp).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "extension/core/day.hpp"

namespace availability::relay {

// Everything that the relay writes carries the epoch that it was written in. A new one begins with each bootstrap; it
// is greater than every one before: greatest(old + 1, microseconds of the clock). Within an epoch the versions of a
// listing only grow.
using Epoch = std::uint64_t;

// Orders all events of an epoch, and names each of them: the end of its commit and its number in the transaction,
// from 1.
struct Position {
    std::uint64_t lsn = 0;
    std::uint64_t seq = 0;

    friend bool operator==(Position a, Position b) { return a.lsn == b.lsn && a.seq == b.seq; }
    friend bool operator<(Position a, Position b) { return a.lsn != b.lsn ? a.lsn < b.lsn : a.seq < b.seq; }
    friend bool operator<=(Position a, Position b) { return !(b < a); }
};

// The Kind of decoder/event.proto, and one that is the relay's own.
enum class EventKind : std::uint8_t {
    kCreated = 1,
    kUpdated = 2,
    kCancelled = 3,
    kReset = 4,
    kDropped = 5,
    // A change that nobody can read, of the listing if it has one, of another part of the table if not. What was known
    // of the listing is void: its key is to be deleted, whatever its version.
    kUnreadable = 6,
    kBegin = 7,   // the source consumes it
    kCommit = 8,  // the source consumes it
    kMessage = 9, // the source consumes it
    // The calendar of a listing as the relay holds it: no change, but what a sink needs for a new epoch, to catch up or
    // to warm up.
    kCalendar = 100,
};

// "created", "updated", …
std::string_view word_of(EventKind kind);

// The key of a listing or a reservation.
struct Key {
    enum class Kind : std::uint8_t { kNone, kNumber, kText };

    Kind kind = Kind::kNone;
    std::int64_t number = 0;
    std::string_view text;

    static Key of(std::int64_t number) { return {Kind::kNumber, number, {}}; }
    static Key of(std::string_view text) { return {Kind::kText, 0, text}; }

    bool empty() const { return kind == Kind::kNone; }
    // The text form, a number in decimal, as it stands in keys of Redis and of Kafka.
    void append_to(std::string* out) const {
        if (kind == Kind::kNumber)
            out->append(std::to_string(number));
        else
            out->append(text);
    }
    std::string str() const {
        std::string out;
        append_to(&out);
        return out;
    }
    friend bool operator==(const Key& a, const Key& b) {
        return a.kind == b.kind && a.number == b.number && a.text == b.text;
    }
};

inline constexpr std::int64_t kUnknownVersion = INT64_MIN;

struct Event {
    EventKind kind = EventKind::kUnreadable;
    // Which of the configured tables; its name and what its keys begin with are the configuration's.
    std::uint16_t table = 0;
    Key listing;
    Key reservation;       // none: kReset, kDropped, kCalendar and the changes of a hold
    DaySpan stay = {0, 0}; // empty if the change gave none
    DaySpan was = {0, 0};  // empty if it had none
    std::int64_t version = 0;
    std::string_view booked; // the stored bytes of a valid day set; that of kDropped is empty of days
    Position position;       // of kCalendar: {0, 0}
    std::int64_t at = 0;     // time of the commit in microseconds since 1970; of kCalendar: 0
    std::string_view reason; // kUnreadable

    // The calendar that this event follows, if the relay held the one just before it: then what differs between
    // `previous` and `booked` is all that changed since `previous_version`. kUnknownVersion for a listing's first
    // event, for kCalendar and for an event that comes again: then all of the calendar counts as changed.
    std::int64_t previous_version = kUnknownVersion;
    std::string_view previous;

    std::string_view raw; // the message of the decoder (decoder/event.proto), as it is; empty for kCalendar
};

// Bytes with addresses that stay, freed all at once.
class Arena {
  public:
    std::string_view copy(std::string_view bytes);
    std::size_t size() const { return size_; }

  private:
    static constexpr std::size_t kChunk = 32768;
    std::vector<std::unique_ptr<char[]>> chunks_;
    std::size_t left_ = 0;
    char* next_ = nullptr;
    std::size_t size_ = 0;
};

// Some events in their order. A transaction may stretch over many batches, and a batch hold many transactions.
struct Batch {
    Epoch epoch = 0;
    std::vector<Event> events;
    // Where the stream stands after the batch: if all before it and this one are applied, all up to `lsn` is. A batch
    // that ends amid a transaction has the end of the one before it. Calendars alone: 0.
    std::uint64_t lsn = 0;
    // Time of the first commit in it, microseconds since 1970; 0 without one.
    std::int64_t first_at = 0;
    Arena arena;

    // What it counts for in a queue that is bounded in bytes.
    std::size_t bytes() const { return sizeof(Batch) + events.capacity() * sizeof(Event) + arena.size(); }
};

using BatchPtr = std::shared_ptr<const Batch>;

} // namespace availability::relay

// Keeps a Replica as the relay has it: GET /snapshot, then GET /stream, on the event loop; again from the last position
// when the stream breaks, from a new snapshot when the relay says so (410, the frame "end"), a frame can't be read, or
// an event can't be applied. Back-off with jitter between attempts.
//
//   kLoading → kStreaming → kBroken → kStreaming …
//
// The replica holds good while kStreaming and while the last progress is not older than the reader's bound.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "relay/event.hpp"
#include "service/reader/answer.hpp"

namespace availability::reader {

class Replica;

struct FeedOptions {
    std::vector<std::string> relays; // host:port each, the first that answers
    std::string token;
    std::vector<std::string> tables;         // calendar companions, as schema.table: their numbers in the replica
    std::chrono::milliseconds timeout{2000}; // silence after which a relay counts as lost: it sends progress more often
};

// One change that the stream brought. Views are valid during the call.
struct Change {
    relay::EventKind kind = relay::EventKind::kUpdated;
    Listing listing; // key.empty(): nothing is known of which
    std::int64_t version = kAnyVersion;
    std::string_view booked;
    relay::Position position;
    std::int64_t at = 0; // of the commit
};

// Calls come on the loop, after the replica has taken the change over.
class FeedListener {
  public:
    virtual ~FeedListener() = default;
    // Everything may have changed: a new snapshot holds, or the stream was lost and what it brings is not known. L1 is
    // to be cleared.
    virtual void replaced() = 0;
    virtual void changed(const Change& change) = 0;
    // All that committed up to as_of has come.
    virtual void progress(std::int64_t as_of) = 0;
};

class Feed {
  public:
    enum class State : std::uint8_t { kLoading, kStreaming, kBroken };

    // `replica` may be null: `near` needs no calendars, only to know what changed. Then there is no snapshot: it
    // streams from the relay's newest position.
    Feed(boost::asio::io_context& io, FeedOptions options, Replica* replica);
    ~Feed();
    void add_listener(FeedListener* listener);
    void remove_listener(FeedListener* listener);
    void start();
    void stop();

    State state() const;
    Epoch epoch() const; // 0: not known yet
    relay::Position position() const;
    // Microseconds since 1970 by the database's clock, up to which everything has come; 0: not known.
    std::int64_t as_of() const;

    struct Counters {
        std::uint64_t snapshots = 0, streams = 0, losses = 0, events = 0, broken_frames = 0;
    };
    const Counters& counters() const;

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

} // namespace availability::reader

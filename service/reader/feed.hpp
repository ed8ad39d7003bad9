// Keeps a Replica as the relay has it: GET /snapshot, then GET /stream, on the event loop; again from the last position
// when the stream breaks, from a new snapshot when the relay says so (410, the frame "end"), a frame can't be read, or
// what it brings breaks the order that was promised. Back-off with jitter between attempts, which go round the relays.
//
//   kLoading    a snapshot is being taken, or the stream has not brought the replica to where it ended
//   kStreaming  what has committed up to as_of() is in the replica
//   kBroken     the stream was lost; what is held is whole, and stands still at as_of()
//
//   kLoading → kStreaming → kBroken → kStreaming …, and from each of them kLoading again
//
// The replica holds good while kStreaming and while as_of() is not older than the reader's bound. In the other states
// it can be read, and is as old as as_of() says; while kLoading, some calendars are newer.
//
// Only the stream's progress frames move as_of(). It begins anew with a load, and stays where it was until that holds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "relay/event.hpp"
#include "service/reader/answer.hpp"
#include "service/reader/change.hpp"

namespace availability::reader {

class Replica;

struct FeedOptions {
    std::vector<std::string> relays; // host:port each, [host]:port for IPv6; in turn, the first that answers
    std::string token;
    std::vector<std::string> tables; // calendar companions, as schema.table: their numbers in the replica
    // For a connection, for a head, and for silence after which a relay counts as lost: it sends progress more often.
    std::chrono::milliseconds timeout{2000};
    // Between attempts: from the first, doubled up to the longest, a half to the whole of it by chance.
    std::chrono::milliseconds first_delay{50};
    std::chrono::milliseconds longest_delay{2000};
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
    void remove_listener(FeedListener* listener); // also from within a call
    void start();
    void stop(); // for good; no call comes after it

    // Any thread.
    State state() const;
    Epoch epoch() const; // of what is held; 0: not known yet
    // Microseconds since 1970 by the database's clock, up to which everything has come; 0: not known.
    std::int64_t as_of() const;

    // The loop's thread.
    relay::Position position() const;
    const std::string& relay() const;   // that it has, or tries
    const std::string& problem() const; // why it is not streaming, for people; empty while it is

    using Counters = FeedCounters;
    const Counters& counters() const;

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

} // namespace availability::reader

// What the reader asks of the tiers behind its memory: Redis (L2) and the database. Both are called on the event loop,
// answer on it, and may be called again before they have answered. The reader is tested against tiers of the tests'
// own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "service/reader/answer.hpp"

namespace availability::reader {

// A listing that outlives the call.
struct OwnedListing {
    std::uint16_t table = 0;
    bool is_text = false;
    std::int64_t number = 0;
    std::string text;

    OwnedListing() = default;
    explicit OwnedListing(const Listing& listing)
        : table(listing.table), is_text(listing.key.kind == Key::Kind::kText), number(listing.key.number),
          text(listing.key.text) {}
    Listing view() const { return {table, is_text ? Key::of(text) : Key::of(number)}; }
    friend bool operator==(const OwnedListing& a, const OwnedListing& b) {
        return a.table == b.table && a.is_text == b.is_text && a.number == b.number && a.text == b.text;
    }
};

struct TierAnswer {
    enum class Kind : std::uint8_t {
        kFound,
        kNoListing, // a tombstone, or no row
        kMiss,      // L2 alone: it is not there, or of another epoch; nobody reads it, or no lease was asked for
        kBusy,      // L2 alone: somebody else has the lease: ask again in a moment, or the database
        kGranted,   // L2 alone: a miss, and the lease is the caller's: read the database, then fill with `token`
        kFailed,    // the tier can't tell
    };

    Kind kind = Kind::kFailed;
    Epoch epoch = 0;
    std::int64_t version = kAnyVersion;
    std::int64_t as_of = 0;
    std::string booked; // kFound: validated
    // kFound: the days that `booked` tells of; of others it says nothing, not even that they are open. All supported
    // days, but from Redis in the layout of months, which has so many of them. Who asks about other days asks the next
    // tier.
    DaySpan known{kFirstDay, kEndDay};
    std::uint64_t token = 0;
    std::string reason; // kFailed
};

using TierAnswered = std::function<void(std::vector<TierAnswer>)>;

// The database. The calendar's own row, by primary key: the truth as of the statement's snapshot.
class CalendarSource {
  public:
    virtual ~CalendarSource() = default;
    // One round trip for all. `done` is called once, after this call has returned.
    virtual void read(std::vector<OwnedListing> listings, Clock::time_point deadline, TierAnswered done) = 0;
    // Whether it would be asked at all: false while its circuit breaker is open.
    virtual bool usable() const = 0;
};

// What a fill gives to L2.
struct Fill {
    OwnedListing listing;
    std::int64_t version = kAnyVersion;
    std::string booked;
    bool no_listing = false;   // a tombstone
    std::uint64_t token = 0;   // of the lease
    Epoch epoch = 0;           // that the lease was granted in
    Clock::time_point read_at; // when the database was asked: older than 30 s is dropped
};

// Redis.
class SharedCache {
  public:
    virtual ~SharedCache() = default;
    // One round trip a shard for all. With `lease`, listings that are missed are leased in the same round trip or one
    // more. `done` as above.
    virtual void read(std::vector<OwnedListing> listings, bool lease, Clock::time_point deadline,
                      TierAnswered done) = 0;
    // Nobody waits for it.
    virtual void fill(std::vector<Fill> fills) = 0;
    virtual bool usable() const = 0;
};

// Sets of listings by the database (availability.free_listings), for a table that has sets.
class SetSource {
  public:
    virtual ~SetSource() = default;
    virtual void search(SetQuery query, Clock::time_point deadline, std::function<void(SetAnswer)> done) = 0;
};

} // namespace availability::reader

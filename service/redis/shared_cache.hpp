// The calendars that Redis holds, as the service reads and fills them: relay/layout.hpp says what that is, and why it
// is never older than it says.
//
// How a batch is read: on the connection to each master the relay's record, then the entries, in one round trip. An
// entry counts if its epoch is the record's, and is then as fresh as the record says. What redirects (a slot that
// moves) is a miss: a key that is read on another master than the record tells nothing of its age. What is missed is
// leased in one more round trip, if the caller asks for it.
//
// What Redis refuses to write (no memory, a replica) is a miss without a lease. What it does not answer in time fails;
// each node has a circuit breaker, so that one that stands still costs a timeout now and then, and the others go on.
// Bytes are validated; what is none of ours is a miss.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "relay/layout.hpp"
#include "relay/redis/client.hpp"
#include "service/database/breaker.hpp"
#include "service/reader/tier.hpp"
#include "service/redis/table.hpp"

namespace availability::shared_cache {

struct Options {
    relay::redis::ClientOptions client; // its scripts are set here
    std::vector<Table> tables;          // by number
    layout::Layout layout = layout::Layout::kCalendar;
    int months = 18; // of kMonths, as the relay's redis.months
    // Whether the reader heeds TierAnswer::known. Months tell of no other days than their own: without it, all that is
    // asked of this layout is a miss, and nothing is leased.
    bool partial = false;
    std::chrono::milliseconds ttl{600000}; // of fills; 0: no end
    double ttl_spread = 0.2;
    std::chrono::milliseconds unknown_ttl{60000}; // of tombstones that are filled: listings that don't exist
    std::chrono::milliseconds timeout{100};       // of a read, lease included; its own deadline may be earlier
    std::size_t max_under_way = 20000;            // listings that are being read: more fail
    database::BreakerOptions breaker;
};

struct Counters {
    std::uint64_t found = 0, tombstones = 0, misses = 0, other_epoch = 0, broken = 0, failed = 0, redirected = 0;
    std::uint64_t granted = 0, busy = 0, lease_refused = 0;
    std::uint64_t filled = 0, fills_lost = 0, fills_dropped = 0, fills_failed = 0;
    std::uint64_t timeouts = 0, trips = 0;
};

class RedisCache final : public reader::SharedCache {
  public:
    // A fill of what was asked of the database longer ago is dropped; leases live as long.
    static constexpr std::chrono::milliseconds kLeaseLife{30000};

    // `options.client.connection.tls` outlives it.
    RedisCache(boost::asio::io_context& io, Options options);
    ~RedisCache() override;
    void start();
    // What is under way is not answered any more.
    void stop();

    void read(std::vector<reader::OwnedListing> listings, bool lease, reader::Clock::time_point deadline,
              reader::TierAnswered done) override;
    void fill(std::vector<reader::Fill> fills) override;
    // Whether some master would be asked.
    bool usable() const override;

    const Counters& counters() const;
    // The worst of the nodes' breakers: 0 closed, 1 half open, 2 open.
    int breaker() const;
    // What last stood in the way; for people.
    const std::string& last_trouble() const;

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

} // namespace availability::shared_cache

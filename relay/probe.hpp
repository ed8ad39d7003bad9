// Judges Redis from outside, as a reader of it would see it.
//
// From time to time: a sample of listings is read from the database, then from Redis. What is older there is asked for
// again until it is as new as the database was at first: how long that took, at least, is how stale it was. Misses are
// no mistake.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "relay/event.hpp"
#include "relay/redis_reader.hpp"
#include "relay/settings.hpp"
#include "relay/source/pg_connection.hpp"
#include "relay/store.hpp"

namespace availability::relay {

class Probe {
  public:
    struct Hooks {
        std::function<bool()> wanted; // whether there is anything to judge now
        std::function<Epoch()> epoch;
        std::function<std::int64_t()> lag; // what the relay tells of Redis, microseconds
        // How stale the sample was, and how many of it for longer than was told.
        std::function<void(double staleness_seconds, std::size_t differences)> done;
        std::function<void(const std::string&)> failed;
    };

    // The store says which listings there are, and no more. Throws std::runtime_error if Redis's TLS files can't be
    // used.
    Probe(boost::asio::io_context& io, const Settings& settings, const Store& store, Hooks hooks);
    void start() { schedule(); }
    void stop();

  private:
    struct Expected {
        std::int64_t version;
        std::string booked;
    };

    void schedule();
    void begin();
    bool choose();
    void read_database();
    void read_redis();
    void judge(const std::vector<CachedListing>& cached);
    void end();
    void fail(const std::string& what);

    boost::asio::io_context& io_;
    const Settings& settings_;
    const Store& store_;
    Hooks hooks_;
    RedisReader reader_;
    PgConnectionPtr database_;
    boost::asio::steady_timer timer_;
    std::vector<ListingName> names_; // still to be judged
    std::vector<Expected> expected_;
    Epoch epoch_ = 0;
    std::int64_t read_at_ = 0;   // when the database had been read
    std::int64_t lag_ = 0;       // the greatest that was told since
    std::int64_t staleness_ = 0; // how long the oldest has been seen to be older
    std::size_t differences_ = 0;
    std::uint16_t table_ = 0;
    std::uint64_t random_ = 1;
    bool stopped_ = false;
};

} // namespace availability::relay

// The tiers as the settings have them: the database, Redis, the replica with its feed, and the reader over them.
#pragma once

#include <memory>

#include <boost/asio/io_context.hpp>

#include "service/database/bookings.hpp"
#include "service/database/calendars.hpp"
#include "service/database/sets.hpp"
#include "service/metrics.hpp"
#include "service/reader/reader.hpp"
#include "service/reader/replica.hpp"
#include "service/settings.hpp"

namespace availability::service {

// Redis, if there is one: what it is made of stays in tiers.cpp.
class Cache {
  public:
    virtual ~Cache() = default;
    virtual void start() = 0;
    virtual void stop() = 0;
    virtual reader::SharedCache& cache() = 0;
    virtual void tell(Metrics& metrics) const = 0;
    virtual int breaker() const = 0;
    virtual std::string trouble() const = 0;
};
// Null without Redis. Throws std::runtime_error if the TLS files can't be used.
std::unique_ptr<Cache> make_cache(boost::asio::io_context& io, const Settings& settings);

struct Tiers {
    Tiers(boost::asio::io_context& io, const Settings& settings);
    void start();
    void stop();
    void tell(Metrics& metrics) const;

    database::Pool reads;
    database::Pool writes;
    database::Tables tables;
    database::Calendars calendars;
    database::Sets sets;
    database::Bookings bookings;
    std::unique_ptr<Cache> cache;
    reader::Replica replica;
    std::unique_ptr<reader::Feed> feed; // null without relays
    reader::Reader reader;
};

reader::Routing routing_of(const Settings& settings);

} // namespace availability::service

// Reads what Redis holds of listings, as a reader of the cache would, to compare it with the database.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "relay/event.hpp"
#include "relay/layout.hpp"
#include "relay/redis/client.hpp"
#include "relay/redis/redis_sink.hpp"
#include "relay/settings.hpp"
#include "relay/sink.hpp"

namespace availability::relay {

// What a listing's entry says, of any epoch.
struct CachedListing {
    enum class Kind { kNone, kTombstone, kLease, kCalendar, kMonths, kBroken, kFailed } kind = Kind::kNone;
    layout::Stamp stamp;
    std::string booked;                                              // kCalendar
    std::vector<std::pair<layout::Month, layout::MonthBits>> months; // kMonths
    std::string problem;                                             // kBroken, kFailed
};

// Whether the entry shows these days, as far as it shows any.
bool shows(const CachedListing& cached, std::string_view booked);

class RedisReader : private redis::ClientListener {
  public:
    using Done = std::function<void(std::vector<CachedListing>)>;

    // Throws std::runtime_error if the TLS files can't be used.
    RedisReader(boost::asio::io_context& io, const Settings& settings);
    ~RedisReader();

    // One answer a listing, in their order. One call at a time.
    void read(std::vector<ListingName> listings, Done done);
    // Deletes all keys of a listing: the next reader fills them anew.
    void remove(const ListingName& listing, const CachedListing& cached, std::function<void(bool)> done);
    void stop() { client_.stop(); }

  private:
    void identified(const std::string&, const redis::Identity&) override {}
    void map_changed() override {}
    void trouble(const std::string& what) override { trouble_ = what; }

    void take_entry(std::size_t index, const redis::Reply* reply, std::string_view reason);
    void read_months(std::size_t index, const layout::Entry& entry);
    void one_done();
    std::string key_of(const ListingName& name) const;

    redis::RedisOptions options_;
    std::vector<std::string> prefixes_;
    std::unique_ptr<boost::asio::ssl::context> tls_;
    redis::Client client_;
    std::vector<ListingName> listings_;
    std::vector<CachedListing> cached_;
    std::size_t left_ = 0;
    Done done_;
    std::string trouble_;
};

} // namespace availability::relay

// Server-sent events: what the stream brings, to clients that look on.
//
//   event: calendar   of each listing that was asked for: its calendar now, and after each change of it
//                     {"listing","version","booked":[["2027-07-03","2027-07-10"],…],"as_of", …}; of a listing that is
//                     not there: {"listing","dropped":true}
//   event: age        every second: {"as_of","age_ms","streaming"}
//
// Who names no listing is told every change of the table, and `event: reset` when changes may have been missed.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "service/http/backend.hpp"
#include "service/http/exchange.hpp"
#include "service/reader/feed.hpp"
#include "service/reader/tier.hpp"

namespace availability::service {

class Events final : public reader::FeedListener {
  public:
    struct Freshness {
        std::int64_t as_of = 0;
        bool streaming = false;
    };

    Events(boost::asio::io_context& io, std::size_t most, std::function<Freshness()> freshness);
    ~Events() override { stop(); }
    // Before anybody subscribes; `backend` outlives it.
    void set_backend(Backend* backend) { backend_ = backend; }
    void start();
    void stop();

    // Answers an exchange with events. No listings: all changes of the table.
    void subscribe(Exchange& exchange, std::uint16_t table, std::vector<reader::OwnedListing> listings);

    void replaced() override;
    void changed(const reader::Change& change) override;
    void progress(std::int64_t) override {}

    std::size_t subscribers() const { return subscribers_.size(); }
    std::uint64_t sent() const { return sent_; }

  private:
    struct Subscriber {
        std::shared_ptr<EventStream> stream;
        std::uint16_t table = 0;
        std::vector<reader::OwnedListing> listings;
        bool gone = false;
    };
    using SubscriberPtr = std::shared_ptr<Subscriber>;

    void tick();
    void send(Subscriber& subscriber, std::string_view bytes);
    void sweep();
    void tell_calendars(const SubscriberPtr& subscriber);

    std::size_t most_;
    std::function<Freshness()> freshness_;
    Backend* backend_ = nullptr;
    boost::asio::steady_timer timer_;
    std::list<SubscriberPtr> subscribers_;
    std::uint64_t sent_ = 0;
};

} // namespace availability::service

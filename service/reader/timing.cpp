#include "service/reader/timing.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "relay/clock.hpp"

namespace availability::reader {

namespace {

class LoopTiming : public Timing {
  public:
    explicit LoopTiming(boost::asio::io_context& io) : timer_(io) {}

    Clock::time_point now() const override { return Clock::now(); }
    std::int64_t now_us() const override { return relay::now_us(); }
    void ring_at(Clock::time_point when) override {
        timer_.expires_at(when);
        // A handler may run although it was cancelled, and after this is gone.
        timer_.async_wait([this, alive = std::weak_ptr<int>(alive_), turn = ++turn_](boost::system::error_code error) {
            if (!error && !alive.expired() && turn == turn_)
                ring();
        });
    }

  private:
    boost::asio::steady_timer timer_;
    std::uint64_t turn_ = 0;
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

} // namespace

std::unique_ptr<Timing> timing_of(boost::asio::io_context& io) {
    return std::make_unique<LoopTiming>(io);
}

} // namespace availability::reader

// What systemd wants to know (sd_notify(3)); nothing happens where it did not ask.
#pragma once

#include <chrono>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace availability::relay {

// Sends a state such as "READY=1" to $NOTIFY_SOCKET.
void notify_supervisor(std::string_view state);

// Tells it, as often as it asks by $WATCHDOG_USEC, that the event loop turns.
class Watchdog {
  public:
    explicit Watchdog(boost::asio::io_context& io);

  private:
    void tick();
    boost::asio::steady_timer timer_;
    std::chrono::microseconds interval_{0};
};

} // namespace availability::relay

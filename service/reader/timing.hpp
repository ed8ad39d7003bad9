// The time as the reader has it: of the event loop, or of a test that moves it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

#include "service/reader/answer.hpp"

namespace availability::reader {

class Timing {
  public:
    virtual ~Timing() = default;
    virtual Clock::time_point now() const = 0;
    // Microseconds since 1970. Any thread may ask.
    virtual std::int64_t now_us() const = 0;
    // `ring` is to be called once, on the loop, at `when` or soon after: never during this call. What was set before is
    // void.
    virtual void ring_at(Clock::time_point when) = 0;

    std::function<void()> ring;
};

std::unique_ptr<Timing> timing_of(boost::asio::io_context& io);

} // namespace availability::reader

// A command on its way.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "relay/redis/reply.hpp"

namespace availability::relay::redis {

using Clock = std::chrono::steady_clock;

// One of answered() and failed() is called, once, unless the client goes away before. Neither may throw.
class Request {
  public:
    virtual ~Request() = default;

    // The answer for good: what the client does about errors (redirections, loading, lack of memory, …) is behind it.
    // Valid during the call.
    virtual void answered(const Reply& reply) = 0;
    // No answer within the deadline. Whether Redis has done it is unknown.
    virtual void failed(std::string_view reason) = 0;

    std::string wire; // the command, as command.hpp writes it
    static constexpr std::uint16_t kAnySlot = UINT16_MAX;
    std::uint16_t slot = kAnySlot; // which slot its keys lie in
    Clock::time_point deadline{};  // the client sets it, if it is not set
    Clock::time_point sent{};      // the connection's
    std::uint8_t attempts = 0;     // the client's
};

using RequestPtr = std::unique_ptr<Request>;

// A request of which only the answer matters; an error or a lack of an answer is one as well.
template <typename Handler>
class Call final : public Request {
  public:
    Call(std::string command, Handler handler) : handler_(std::move(handler)) { wire = std::move(command); }
    void answered(const Reply& reply) override { handler_(&reply, std::string_view()); }
    void failed(std::string_view reason) override { handler_(nullptr, reason); }

  private:
    Handler handler_; // void(const Reply* reply, std::string_view reason): no reply if failed
};

template <typename Handler>
RequestPtr call(std::string command, Handler handler) {
    return std::make_unique<Call<Handler>>(std::move(command), std::move(handler));
}

// One whose answer nobody needs.
inline RequestPtr ignored(std::string command) {
    return call(std::move(command), [](const Reply*, std::string_view) {});
}

} // namespace availability::relay::redis

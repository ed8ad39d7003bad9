// One request and its answer, between the connection that carries them and those who answer: the API, and the control
// endpoints. Nothing of Beast is in here.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "extension/core/day.hpp"
#include "service/http/request.hpp"

namespace availability::service {

namespace tracing {
class Span;
}

// What is counted and logged of a request by name.
enum class Route : std::uint8_t {
    kAvailability,
    kCalendar,
    kMonths,
    kNextGap,
    kMany,
    kSearch,
    kBook,
    kMove,
    kCancel,
    kHold,
    kConfirm,
    kRelease,
    kEvents,
    kHealth,
    kReady,
    kMetrics,
    kOpenApi,
    kPage,
    kControl,
    kNone,
};
inline constexpr std::size_t kRoutes = static_cast<std::size_t>(Route::kNone) + 1;
std::string_view word_of(Route route);

// The head of an answer. Views must live until finish() returns.
struct Reply {
    unsigned status = 200;
    std::string_view content_type = "application/json";
    std::string_view cache_control = "no-store";
    std::string_view etag;     // with its quotes
    std::string_view allow;    // of 405 and OPTIONS
    std::string_view location; // of 201
    int retry_after = -1;      // seconds
    bool challenge = false;    // of 401
    std::string_view policy;   // Content-Security-Policy, of pages
    std::string_view fixed;    // in place of Exchange::body
    bool has_fixed = false;
    bool close = false; // the connection ends after it
};

// Server-sent events to one client. Kept by who sends; its connection may go at any time.
class EventStream {
  public:
    virtual ~EventStream() = default;
    // Adds to what is to go. False: the client is gone, or so far behind that it was dropped.
    virtual bool send(std::string_view bytes) = 0;
    virtual void end() = 0;
};

class Exchange {
  public:
    virtual ~Exchange() = default;

    Request request;
    std::string body; // of the answer
    // What the metrics and the log tell.
    Route route = Route::kNone;
    std::int8_t source = -1; // reader::Source; -1: none
    bool stale = false;
    std::string sqlstate;                // with which the database refused it; empty: it did not
    std::string trace;                   // the traceparent that goes on from here; made when somebody needs it
    std::shared_ptr<tracing::Span> span; // of OpenTelemetry, if there is one; made when somebody needs it
    std::chrono::steady_clock::time_point began{};
    // What the API asked for this request: it is needed again when the answer is there.
    struct Asked {
        std::string listing; // in its text form
        bool is_text = false;
        DaySpan span{0, 0};
        int number = 0; // of months, of nights
        std::vector<std::string> listings;
    } asked;

    // Sends `body`, or what the reply has in its place. Once for each exchange; the exchange is another one after it.
    virtual void finish(const Reply& reply) = 0;
    // Instead of finish(): 200, and events from now on. `closed` is called once, when the client is gone; not by
    // end().
    virtual std::shared_ptr<EventStream> begin_events(std::function<void()> closed) = 0;
};

class Handler {
  public:
    virtual ~Handler() = default;
    // Answers before it returns or later, on the loop.
    virtual void handle(Exchange& exchange) = 0;
    // After an answer was given: for metrics and the log.
    virtual void finished(const Exchange& exchange, unsigned status) = 0;
};

} // namespace availability::service

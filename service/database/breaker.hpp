// A circuit breaker: whether something that may be down is to be asked at all.
//
//   closed ──(failures in a row, or too great a share of them)──▶ open ──(the pause is over)──▶ half open
//      ▲                                                           ▲                               │
//      └──────────────(as many probes succeeded)───────────────────┼───────────────────────────────┤
//                                                                  └──(a probe failed: longer pause)┘
//
// A state machine and nothing else: the caller says what time it is, and how each call that was admitted went. One
// thread at a time.
#pragma once

#include <chrono>
#include <cstdint>

namespace availability::database {

struct BreakerOptions {
    using Milliseconds = std::chrono::milliseconds;

    // It opens after so many failures in a row,
    unsigned failures_in_a_row = 5;
    // or when so great a share of the calls of the last window failed, if there were so many at least.
    double failure_share = 0.5;
    unsigned least_calls = 20;
    Milliseconds window{10000};
    // Open for so long, twice as long each time that a probe fails, up to an end; each time between a half and the
    // whole of it by chance, so that many processes don't come again together.
    Milliseconds first_pause{100};
    Milliseconds longest_pause{10000};
    // Half open, so many calls at once are let through, and as many successes close it.
    unsigned probes = 2;
    // A probe of whose end nothing is heard for so long counts as failed.
    Milliseconds probe_timeout{10000};
};

class Breaker {
  public:
    using Clock = std::chrono::steady_clock;
    enum class State : std::uint8_t { kClosed = 0, kHalfOpen = 1, kOpen = 2 };

    // A call that was admitted; of an earlier state its outcome counts for nothing. False: refused.
    class Ticket {
      public:
        explicit operator bool() const { return generation_ != 0; }

      private:
        friend class Breaker;
        std::uint64_t generation_ = 0;
    };

    // `seed` of its chance; 0: another one each time.
    explicit Breaker(BreakerOptions options = {}, std::uint64_t seed = 0);

    // Whether a call may be made now. If so, one of the three below is told of it, once.
    Ticket admit(Clock::time_point now);
    void succeeded(Ticket ticket, Clock::time_point now);
    void failed(Ticket ticket, Clock::time_point now);
    // It was not made after all, or says nothing of the other side.
    void withdrawn(Ticket ticket, Clock::time_point now);

    // Whether admit() would say yes.
    bool would_admit(Clock::time_point now) const;
    // kHalfOpen from the end of the pause on, whether or not a probe was made.
    State state(Clock::time_point now) const;
    // While open: the end of the pause.
    Clock::time_point retry_at() const { return retry_at_; }
    // How often it went from closed to open.
    std::uint64_t trips() const { return trips_; }

  private:
    struct Half {
        Clock::time_point begin{};
        unsigned calls = 0;
        unsigned failures = 0;
    };

    void open(Clock::time_point now);
    void close();
    void advance_window(Clock::time_point now);
    double chance();
    bool probe_is_lost(Clock::time_point now) const;

    BreakerOptions options_;
    std::uint64_t random_;
    State state_ = State::kClosed;
    std::uint64_t generation_ = 1;
    std::uint64_t trips_ = 0;

    unsigned in_a_row_ = 0;
    Half current_, previous_; // halves of the window

    unsigned openings_ = 0; // in a row, without having been closed
    Clock::time_point retry_at_{};

    unsigned probes_under_way_ = 0;
    unsigned probes_succeeded_ = 0;
    Clock::time_point last_probe_{};
};

// "closed", "half_open", "open".
const char* word_of(Breaker::State state);

} // namespace availability::database

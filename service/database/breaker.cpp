#include "service/database/breaker.hpp"

#include <algorithm>
#include <random>

namespace availability::database {

Breaker::Breaker(BreakerOptions options, std::uint64_t seed) : options_(options), random_(seed) {
    options_.probes = std::max(options_.probes, 1U);
    options_.failures_in_a_row = std::max(options_.failures_in_a_row, 1U);
    while (random_ == 0) {
        std::random_device device;
        random_ = static_cast<std::uint64_t>(device()) << 32 | device();
    }
}

// xorshift64; 0 … 1.
double Breaker::chance() {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return static_cast<double>(random_ >> 11) * 0x1p-53;
}

void Breaker::open(Clock::time_point now) {
    trips_ += state_ == State::kClosed;
    state_ = State::kOpen;
    generation_++;
    const double first = static_cast<double>(options_.first_pause.count());
    const double whole = std::min(first * static_cast<double>(1ULL << std::min(openings_, 30U)),
                                  static_cast<double>(options_.longest_pause.count()));
    openings_++;
    retry_at_ = now + std::chrono::microseconds(static_cast<std::int64_t>(whole * (0.5 + 0.5 * chance()) * 1000));
}

void Breaker::close() {
    state_ = State::kClosed;
    generation_++;
    in_a_row_ = 0;
    openings_ = 0;
    current_ = previous_ = {};
}

// The window is two halves, of which the older one goes as a whole: between a half and all of it is looked back.
void Breaker::advance_window(Clock::time_point now) {
    const auto half = options_.window / 2;
    if (now - current_.begin < half)
        return;
    previous_ = now - current_.begin < 2 * half ? current_ : Half{};
    current_ = {};
    current_.begin = now;
}

bool Breaker::probe_is_lost(Clock::time_point now) const {
    return probes_under_way_ > 0 && now - last_probe_ >= options_.probe_timeout;
}

bool Breaker::would_admit(Clock::time_point now) const {
    switch (state_) {
    case State::kClosed:
        return true;
    case State::kOpen:
        return now >= retry_at_;
    case State::kHalfOpen:
        return probes_under_way_ < options_.probes && !probe_is_lost(now);
    }
    return false;
}

Breaker::State Breaker::state(Clock::time_point now) const {
    return state_ == State::kOpen && now >= retry_at_ ? State::kHalfOpen : state_;
}

Breaker::Ticket Breaker::admit(Clock::time_point now) {
    Ticket ticket;
    if (state_ == State::kHalfOpen && probe_is_lost(now))
        open(now);
    if (!would_admit(now))
        return ticket;
    if (state_ == State::kOpen) {
        state_ = State::kHalfOpen;
        generation_++;
        probes_under_way_ = probes_succeeded_ = 0;
    }
    if (state_ == State::kHalfOpen) {
        probes_under_way_++;
        last_probe_ = now;
    }
    ticket.generation_ = generation_;
    return ticket;
}

void Breaker::succeeded(Ticket ticket, Clock::time_point now) {
    if (ticket.generation_ != generation_)
        return;
    if (state_ == State::kHalfOpen) {
        probes_under_way_--;
        if (++probes_succeeded_ >= options_.probes)
            close();
        return;
    }
    in_a_row_ = 0;
    advance_window(now);
    current_.calls++;
}

void Breaker::failed(Ticket ticket, Clock::time_point now) {
    if (ticket.generation_ != generation_)
        return;
    if (state_ == State::kHalfOpen)
        return open(now);
    advance_window(now);
    current_.calls++;
    current_.failures++;
    const unsigned calls = current_.calls + previous_.calls;
    const unsigned failures = current_.failures + previous_.failures;
    if (++in_a_row_ >= options_.failures_in_a_row ||
        (calls >= options_.least_calls && failures >= options_.failure_share * calls))
        open(now);
}

void Breaker::withdrawn(Ticket ticket, Clock::time_point) {
    if (ticket.generation_ == generation_ && state_ == State::kHalfOpen)
        probes_under_way_--;
}

const char* word_of(Breaker::State state) {
    switch (state) {
    case Breaker::State::kClosed:
        return "closed";
    case Breaker::State::kHalfOpen:
        return "half_open";
    case Breaker::State::kOpen:
        return "open";
    }
    return "open";
}

} // namespace availability::database

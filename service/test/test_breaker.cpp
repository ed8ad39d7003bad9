// The circuit breaker, by a clock of the test's own.

#include <random>
#include <vector>

#include "relay/test/seed.hpp"
#include "service/database/breaker.hpp"
#include "test/core/check.hpp"

using availability::database::Breaker;
using availability::database::BreakerOptions;
using State = Breaker::State;
using namespace std::chrono_literals;

namespace {

struct Rig {
    explicit Rig(BreakerOptions options = {}) : breaker(options, 7) {}
    bool call(bool works) {
        const auto ticket = breaker.admit(now);
        if (!ticket)
            return false;
        works ? breaker.succeeded(ticket, now) : breaker.failed(ticket, now);
        return true;
    }
    State state() const { return breaker.state(now); }
    Breaker::Clock::time_point now{1000s};
    Breaker breaker;
};

void opens_after_failures_in_a_row() {
    Rig rig;
    for (int i = 0; i < 4; i++)
        CHECK(rig.call(false));
    CHECK(rig.call(true)); // ends the row
    for (int i = 0; i < 4; i++)
        CHECK(rig.call(false));
    CHECK(rig.state() == State::kClosed);
    CHECK(rig.call(false));
    CHECK(rig.state() == State::kOpen && !rig.call(true) && !rig.breaker.would_admit(rig.now));
    CHECK(rig.breaker.trips() == 1);
}

void opens_by_share() {
    BreakerOptions options;
    options.failures_in_a_row = 1000;
    Rig rig(options);
    for (int i = 0; i < 19; i++)
        CHECK(rig.call(i % 2 == 0));
    CHECK(rig.state() == State::kClosed);
    CHECK(rig.call(false)); // 10 of 20
    CHECK(rig.state() == State::kOpen);

    // What is older than the window counts no more.
    Rig other(options);
    for (int i = 0; i < 19; i++)
        CHECK(other.call(i < 10));
    other.now += 10s;
    CHECK(other.call(false));
    CHECK(other.state() == State::kClosed);
}

void closes_after_probes() {
    Rig rig;
    for (int i = 0; i < 5; i++)
        rig.call(false);
    CHECK(rig.breaker.retry_at() - rig.now >= 50ms && rig.breaker.retry_at() - rig.now <= 100ms);
    rig.now += 100ms;
    CHECK(rig.state() == State::kHalfOpen);
    const auto first = rig.breaker.admit(rig.now);
    const auto second = rig.breaker.admit(rig.now);
    CHECK(first && second);
    CHECK(!rig.breaker.admit(rig.now)); // two at once, no more
    rig.breaker.succeeded(first, rig.now);
    CHECK(rig.state() == State::kHalfOpen && rig.breaker.would_admit(rig.now));
    rig.breaker.succeeded(second, rig.now);
    CHECK(rig.state() == State::kClosed);
    // The row begins anew.
    for (int i = 0; i < 4; i++)
        CHECK(rig.call(false));
    CHECK(rig.state() == State::kClosed);
}

void pauses_grow_and_differ() {
    Rig rig;
    for (int i = 0; i < 5; i++)
        rig.call(false);
    std::vector<double> shares;
    double whole = 100;
    for (int i = 0; i < 12; i++) {
        const double pause = std::chrono::duration<double, std::milli>(rig.breaker.retry_at() - rig.now).count();
        CHECK(pause >= whole / 2 - 0.01 && pause <= whole + 0.01);
        shares.push_back(pause / whole);
        rig.now = rig.breaker.retry_at();
        CHECK(rig.call(false));
        CHECK(!rig.call(false));
        whole = std::min(2 * whole, 10000.0);
    }
    CHECK(shares[0] != shares[1] && shares[1] != shares[2]);
    CHECK(rig.breaker.trips() == 1);
    // Once closed, the next pause is short again.
    rig.now = rig.breaker.retry_at();
    CHECK(rig.call(true) && rig.call(true) && rig.state() == State::kClosed);
    for (int i = 0; i < 5; i++)
        rig.call(false);
    CHECK(rig.breaker.retry_at() - rig.now <= 100ms);
    CHECK(rig.breaker.trips() == 2);
}

// A call of before it opened tells nothing of now.
void late_outcomes_do_not_count() {
    Rig rig;
    const auto early = rig.breaker.admit(rig.now);
    for (int i = 0; i < 5; i++)
        rig.call(false);
    rig.now += 100ms;
    const auto probe = rig.breaker.admit(rig.now);
    CHECK(probe ? true : false);
    rig.breaker.failed(early, rig.now);
    CHECK(rig.state() == State::kHalfOpen);
    rig.breaker.succeeded(early, rig.now);
    rig.breaker.succeeded(early, rig.now);
    CHECK(rig.state() == State::kHalfOpen);
    rig.breaker.failed(probe, rig.now);
    CHECK(rig.state() == State::kOpen);
}

void probes_that_are_withdrawn_or_lost() {
    Rig rig;
    for (int i = 0; i < 5; i++)
        rig.call(false);
    rig.now += 100ms;
    for (int i = 0; i < 10; i++) {
        const auto ticket = rig.breaker.admit(rig.now);
        CHECK(ticket ? true : false);
        rig.breaker.withdrawn(ticket, rig.now);
    }
    CHECK(rig.breaker.admit(rig.now) && rig.breaker.admit(rig.now) && !rig.breaker.admit(rig.now));
    // Nobody says how these went: after a time it opens for a longer pause, and goes on.
    rig.now += 10s;
    CHECK(!rig.breaker.admit(rig.now));
    CHECK(rig.state() == State::kOpen);
    rig.now += 200ms;
    CHECK(rig.call(true) && rig.call(true) && rig.state() == State::kClosed);
}

// Whatever happens: it never admits more than its probes while not closed, and never stays shut when all works again.
void random_walk() {
    std::mt19937_64 random(test::seed());
    for (int round = 0; round < 200; round++) {
        BreakerOptions options;
        options.probes = 1 + static_cast<unsigned>(random() % 3);
        Rig rig(options);
        std::vector<Breaker::Ticket> under_way;
        for (int i = 0; i < 300; i++) {
            rig.now += std::chrono::milliseconds(random() % 200);
            const bool closed = rig.state() == State::kClosed;
            unsigned admitted = 0;
            for (unsigned n = static_cast<unsigned>(random() % 6); n > 0; n--) {
                const bool would = rig.breaker.would_admit(rig.now);
                const auto ticket = rig.breaker.admit(rig.now);
                CHECK(would == static_cast<bool>(ticket));
                if (ticket) {
                    admitted++;
                    under_way.push_back(ticket);
                }
            }
            CHECK(closed || admitted <= options.probes);
            while (!under_way.empty() && random() % 3 != 0) {
                const auto ticket = under_way.back();
                under_way.pop_back();
                switch (random() % 3) {
                case 0:
                    rig.breaker.succeeded(ticket, rig.now);
                    break;
                case 1:
                    rig.breaker.failed(ticket, rig.now);
                    break;
                default:
                    rig.breaker.withdrawn(ticket, rig.now);
                }
            }
        }
        for (int i = 0; i < 100 && rig.state() != State::kClosed; i++) {
            rig.now += 10s;
            rig.call(true);
        }
        CHECK(rig.state() == State::kClosed);
    }
}

} // namespace

int main() {
    test::run("breaker: opens after failures in a row", opens_after_failures_in_a_row);
    test::run("breaker: opens when too great a share fails", opens_by_share);
    test::run("breaker: probes close it", closes_after_probes);
    test::run("breaker: pauses grow, and differ", pauses_grow_and_differ);
    test::run("breaker: late outcomes do not count", late_outcomes_do_not_count);
    test::run("breaker: probes that are withdrawn or lost", probes_that_are_withdrawn_or_lost);
    test::run("breaker: at random", random_walk);
    return test::exit_status();
}

// Heartbeats that have not come back, and the lag that they tell.

#include "relay/source/heartbeats.hpp"
#include "test/core/check.hpp"

using namespace availability::relay;

namespace {

void one_says_nothing_of_the_next() {
    Heartbeats heartbeats;
    CHECK(heartbeats.oldest_at() == 0);
    heartbeats.sent(10);
    CHECK(heartbeats.oldest_at() == 10);
    heartbeats.told(100);
    heartbeats.sent(20);
    heartbeats.told(200);
    heartbeats.heard(100); // up to its beginning
    CHECK(heartbeats.oldest_at() == 10);
    heartbeats.heard(150);
    CHECK(heartbeats.oldest_at() == 20);
    heartbeats.heard(120);
    CHECK(heartbeats.oldest_at() == 20);
    heartbeats.heard(201);
    CHECK(heartbeats.oldest_at() == 0);
}

void told_late_or_never() {
    Heartbeats heartbeats;
    heartbeats.sent(10);
    heartbeats.heard(300);
    CHECK(heartbeats.oldest_at() == 10);
    heartbeats.told(200);
    CHECK(heartbeats.oldest_at() == 0);
    heartbeats.sent(20);
    heartbeats.given_up();
    CHECK(heartbeats.oldest_at() == 0);
    heartbeats.sent(30);
    heartbeats.clear();
    heartbeats.sent(40);
    heartbeats.told(50); // of another history, where places begin anew
    CHECK(heartbeats.oldest_at() == 40);
}

void a_stream_that_stands() {
    Heartbeats heartbeats;
    constexpr std::int64_t kCount = 1000000;
    for (std::int64_t i = 1; i <= kCount; ++i) {
        heartbeats.sent(i);
        heartbeats.told(static_cast<std::uint64_t>(i));
    }
    CHECK(heartbeats.oldest_at() == 1);
    // Of a lag, all but a small share is told wherever the stream is.
    for (std::int64_t at = 1; at < kCount; at += 997) {
        heartbeats.heard(static_cast<std::uint64_t>(at) + 1);
        const std::int64_t oldest = heartbeats.oldest_at();
        CHECK(oldest > at && oldest - at <= kCount / 100);
    }
    heartbeats.heard(kCount + 1);
    CHECK(heartbeats.oldest_at() == 0);
}

} // namespace

int main() {
    test::run("heartbeats: one that comes back says nothing of those after it", one_says_nothing_of_the_next);
    test::run("heartbeats: one may be back before the server has told its place, or never be told", told_late_or_never);
    test::run("heartbeats: a stream that stands for days", a_stream_that_stands);
    return test::exit_status();
}

// The feed: what it makes of a relay's bytes, however they come, and of a relay that fails in every way.

#include <boost/asio/io_context.hpp>
#include <spdlog/spdlog.h>

#include "service/reader/feed.hpp"
#include "service/reader/follower.hpp"
#include "service/test/feed_rig.hpp"
#include "service/test/replica_model.hpp"
#include "test/core/check.hpp"

using namespace test;
using relay::EventKind;

namespace {

const std::string kTable = "public.reservations_calendar";
const std::vector<std::string> kTables = {kTable};
constexpr Epoch kEpoch = 7;
const std::string kFree = stored_bytes({});
const std::string kTaken = stored_bytes({{20000, 20007}});

// Of `count` listings, free, of version 10; the last one unknown.
std::string snapshot(Epoch epoch, std::uint64_t lsn, std::int64_t count, std::uint64_t end,
                     const std::vector<std::string>& tables = {"public.another", kTable}) {
    std::string bytes;
    wire::append_snapshot_header(epoch, lsn, tables, &bytes);
    for (std::int64_t i = 1; i <= count; ++i)
        wire::append_snapshot_record(1, Key::of(i), 10, kFree, &bytes);
    wire::append_snapshot_record(0, Key::of(1), 10, kTaken, &bytes); // of a table that nobody asked for
    wire::append_snapshot_unknown(1, Key::of(count + 1), &bytes);
    wire::append_snapshot_end(static_cast<std::uint64_t>(count) + 2, end, &bytes);
    return bytes;
}

std::string hello(Epoch epoch, std::uint64_t lsn, std::uint64_t seq = wire::kWholeCommit) {
    std::string bytes;
    wire::append_hello({epoch, {lsn, seq}}, &bytes);
    return bytes;
}
std::string event(EventKind kind, std::int64_t listing, std::int64_t version, std::uint64_t lsn, std::uint64_t seq = 1,
                  const std::string& table = kTable) {
    std::string bytes;
    wire::append_event(message(kind, listing == 0 ? Key() : Key::of(listing), version,
                               kind == EventKind::kDropped ? kFree : kTaken, lsn, seq, table),
                       &bytes);
    return bytes;
}
std::string progress(std::uint64_t lsn, std::int64_t as_of) {
    std::string bytes;
    wire::append_progress(lsn, as_of, &bytes);
    return bytes;
}

struct Told : Follower::Events, FeedListener {
    int loads = 0, replacements = 0, changes = 0;
    std::int64_t as_of = 0;
    std::string said;
    void loading() override { ++loads, said += 'l'; }
    void replaced() override { ++replacements, said += 'r'; }
    void changed(const Change& change) override {
        ++changes, said += change.kind == EventKind::kUnreadable ? 'u' : 'c';
    }
    void progress(std::int64_t upto) override { as_of = upto, said += 'p'; }
};

std::int64_t version_of(const Replica& replica, std::int64_t listing) {
    std::int64_t version = -1;
    const Found found = replica.read({0, Key::of(listing)}, [&](const Replica::Held& held) { version = held.version; });
    return found == Found::kFound ? version : found == Found::kNoListing ? -1 : -2;
}

// --- the follower ----------------------------------------------------------------------------------------------------

struct Followed {
    Replica replica{1};
    Told told;
    Follower follower{kTables, &replica, told};
    Follower::Next next = Follower::Next::kMore;

    // Both in pieces; the stream once the snapshot has said so.
    void run(const std::string& first, const std::string& stream, std::size_t piece) {
        follower.begin_snapshot();
        for (std::size_t at = 0; at < first.size() && next == Follower::Next::kMore; at += piece)
            next = follower.take_snapshot(std::string_view(first).substr(at, piece));
        if (next != Follower::Next::kStream)
            return;
        follower.begin_stream();
        go_on(stream, piece);
    }
    void go_on(const std::string& stream, std::size_t piece) {
        next = Follower::Next::kMore;
        for (std::size_t at = 0; at < stream.size() && next == Follower::Next::kMore; at += piece)
            next = follower.take_stream(std::string_view(stream).substr(at, piece));
    }
};

void follows() {
    for (const std::size_t piece : {1, 7, 100000}) {
        Followed followed;
        followed.run(snapshot(kEpoch, 100, 5, 120),
                     hello(kEpoch, 100) + event(EventKind::kCreated, 1, 11, 90) +  // comes again
                         progress(95, 1) + event(EventKind::kCreated, 1, 9, 105) + // older than the snapshot's
                         event(EventKind::kUpdated, 2, 12, 110) + event(EventKind::kCreated, 6, 12, 110, 3) +
                         event(EventKind::kCreated, 3, 99, 111, 1, "public.another") + progress(115, 1000) +
                         event(EventKind::kUnreadable, 4, 0, 119) + event(EventKind::kUnreadable, 0, 0, 119, 2) +
                         event(EventKind::kDropped, 5, 13, 120) + progress(120, 0) + progress(120, 2000) +
                         event(EventKind::kCreated, 5, 12, 121) + event(EventKind::kUnreadable, 4, 0, 122),
                     piece);
        CHECK(followed.next == Follower::Next::kMore && followed.follower.streams());
        const Replica& replica = followed.replica;
        CHECK(version_of(replica, 1) == 10 && version_of(replica, 2) == 12 && version_of(replica, 3) == 10);
        CHECK(version_of(replica, 4) == -2 && version_of(replica, 5) == -1 && version_of(replica, 6) == 12);
        CHECK(version_of(replica, 7) == -1);
        // Nothing holds good before the end of the snapshot has come by; progress alone moves as_of.
        CHECK(followed.told.said == "lccccuucrpcu" || followed.told.said == "lcccuucrpcu");
        CHECK(followed.told.as_of == 2000 && followed.follower.counters().unreadable == 3);
        CHECK((followed.follower.position() == relay::Position{122, 1}));
        // A listing that could not be read is known again by whatever comes.
        followed.go_on(event(EventKind::kUpdated, 4, 3, 123), piece);
        CHECK(version_of(replica, 4) == 3);
    }
}

// Wherever a stream or a snapshot is cut, what is held is what had come, and it goes on.
void cut_anywhere() {
    const std::string whole = snapshot(kEpoch, 100, 4, 100);
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
        Followed followed;
        followed.run(whole.substr(0, cut), "", 5);
        CHECK(followed.next == Follower::Next::kMore && followed.follower.wants_snapshot());
        CHECK(!followed.follower.streams() && version_of(followed.replica, 9) == -2);
        followed.run(whole, hello(kEpoch, 100) + progress(100, 5), 5);
        CHECK(followed.follower.streams() && version_of(followed.replica, 4) == 10);
    }
    const std::string events = event(EventKind::kUpdated, 1, 20, 101) + event(EventKind::kUpdated, 1, 21, 101, 2) +
                               progress(101, 50) + event(EventKind::kUpdated, 2, 22, 102);
    for (std::size_t cut = 0; cut <= events.size(); ++cut) {
        Followed followed;
        followed.run(whole, hello(kEpoch, 100) + progress(100, 5) + events.substr(0, cut), 3);
        CHECK(followed.next == Follower::Next::kMore);
        const auto from = followed.follower.from();
        followed.follower.begin_stream();
        CHECK(!followed.follower.streams());
        followed.go_on(hello(from.epoch, from.position.lsn, from.position.seq) + events, 3);
        CHECK(followed.next == Follower::Next::kMore && followed.follower.streams());
        CHECK(version_of(followed.replica, 1) == 21 && version_of(followed.replica, 2) == 22);
        CHECK(followed.follower.counters().events == 3 && followed.told.replacements == 1);
    }
}

void broken_promises() {
    const std::string start = hello(kEpoch, 100) + progress(101, 5);
    std::string garbage = start + std::string("\xff\xff\xff\xff", 4);
    std::string unparsable;
    wire::append_event("\xff\xff", &unparsable);
    std::string frame; // a begin frame is none of a calendar
    wire::append_event(message(EventKind::kBegin, {}, 0, "", 102, 1), &frame);
    std::string another_version = hello(kEpoch, 100);
    another_version[5] = 2;
    const std::vector<std::string> broken = {
        garbage,
        start + unparsable,
        start + frame,
        another_version,
        hello(kEpoch + 1, 100),                                            // of another epoch
        hello(kEpoch, 101),                                                // from elsewhere
        hello(kEpoch, 100, 3),                                             //
        event(EventKind::kUpdated, 1, 20, 101),                            // without a hello
        start + hello(kEpoch, 100),                                        // with two
        start + event(EventKind::kUpdated, 1, 20, 101),                    // what has been passed by
        start + event(EventKind::kUpdated, 1, 20, 103) + progress(102, 6), // back
        start + event(EventKind::kUpdated, 1, 20, 103, 2) + event(EventKind::kUpdated, 2, 20, 103, 2),
        start + event(EventKind::kUpdated, 1, 20, 103, 2) + event(EventKind::kUpdated, 2, 20, 103, 1),
    };
    for (const std::string& stream : broken) {
        Followed followed;
        followed.run(snapshot(kEpoch, 100, 3, 100), stream, 11);
        CHECK(followed.next == Follower::Next::kBroken && !followed.follower.reason().empty());
        CHECK(!followed.follower.streams() && followed.follower.wants_snapshot());
        CHECK(followed.follower.counters().broken_frames == 1);
        CHECK(version_of(followed.replica, 2) == 10); // what is held is as it was
    }
    std::string last = hello(kEpoch, 100);
    wire::append_end("another epoch", &last);
    Followed ended;
    ended.run(snapshot(kEpoch, 100, 3, 100), last, 4);
    CHECK(ended.next == Follower::Next::kEnd && ended.follower.has_position());

    std::string snapshot_of_garbage = snapshot(kEpoch, 100, 3, 100);
    snapshot_of_garbage[0] = 'B';
    Followed magic;
    magic.run(snapshot_of_garbage, "", 1000);
    CHECK(magic.next == Follower::Next::kBroken && magic.told.loads == 0);
    Followed other;
    other.run(snapshot(kEpoch, 100, 3, 100, {"public.another", "public.third"}), "", 1000);
    CHECK(other.next == Follower::Next::kBroken && other.told.loads == 0);
}

void another_epoch() {
    Followed followed;
    followed.run(snapshot(kEpoch, 100, 3, 100), hello(kEpoch, 100) + progress(100, 900), 50);
    followed.next = Follower::Next::kMore;
    std::string second;
    wire::append_snapshot_header(kEpoch + 1, 50, kTables, &second);
    wire::append_snapshot_record(0, Key::of(2), 3, kTaken, &second); // older than what is held
    wire::append_snapshot_end(1, 60, &second);
    followed.follower.lose_position();
    followed.run(second, hello(kEpoch + 1, 50) + progress(55, 100), 50);
    CHECK(!followed.follower.streams() && followed.told.replacements == 1 && followed.told.as_of == 900);
    followed.go_on(progress(60, 200), 50);
    CHECK(followed.follower.streams() && followed.told.replacements == 2 && followed.told.as_of == 200);
    CHECK(version_of(followed.replica, 2) == 3 && version_of(followed.replica, 1) == -1);
}

// --- the feed, against a relay that is told what to say --------------------------------------------------------------

struct Fed {
    boost::asio::io_context io{1};
    std::vector<std::unique_ptr<FakeRelay>> relays;
    Replica replica{1};
    Told told;
    std::unique_ptr<Feed> feed;

    explicit Fed(std::size_t count = 1) {
        for (std::size_t i = 0; i < count; ++i)
            relays.push_back(std::make_unique<FakeRelay>());
    }
    ~Fed() {
        feed.reset();
        io.poll();
    }
    FakeRelay& relay() { return *relays[0]; }
    void snapshot_and(const std::string& stream, bool stays = true, std::size_t chunk = 1000) {
        relay().answer({FakeRelay::chunked(snapshot(kEpoch, 100, 3, 100), chunk, true)});
        FakeRelay::Answer answer{FakeRelay::chunked(stream, chunk, false)};
        answer.stays = stays;
        relay().answer(answer);
    }
    void start(bool with_replica = true) {
        FeedOptions options;
        for (const auto& each : relays)
            options.relays.push_back(each->address());
        options.tables = kTables;
        options.token = "sesame";
        options.timeout = std::chrono::milliseconds(1000);
        options.first_delay = std::chrono::milliseconds(1);
        options.longest_delay = std::chrono::milliseconds(20);
        feed = std::make_unique<Feed>(io, options, with_replica ? &replica : nullptr);
        feed->add_listener(&told);
        feed->start();
    }
    // Runs the loop until it is so; false if it takes far too long.
    template <typename Condition>
    bool until(Condition condition) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!condition() && std::chrono::steady_clock::now() < end) {
            io.restart();
            io.run_for(std::chrono::milliseconds(5));
        }
        return condition();
    }
    bool until_as_of(std::int64_t as_of) {
        return until([&] { return feed->as_of() == as_of && feed->state() == Feed::State::kStreaming; });
    }
};

void streams() {
    for (const std::size_t chunk : {1, 13, 100000}) {
        Fed fed;
        fed.snapshot_and(hello(kEpoch, 100) + progress(100, 1) + event(EventKind::kUpdated, 1, 20, 101) +
                             progress(101, 77),
                         true, chunk);
        fed.start();
        CHECK(fed.feed->state() == Feed::State::kLoading && fed.feed->as_of() == 0);
        CHECK(fed.until_as_of(77));
        CHECK(fed.feed->epoch() == kEpoch && fed.feed->problem().empty() && version_of(fed.replica, 1) == 20);
        CHECK(fed.relay().target(0) == "/snapshot" && fed.relay().target(1) == "/stream?from=7,0/64,*");
        CHECK(fed.relay().requests()[1].find("Authorization: Bearer sesame\r\n") != std::string::npos);
        CHECK(fed.told.replacements == 1 && fed.told.changes == 1);
        SetQuery query;
        query.from = 20000, query.to = 20001;
        CHECK(fed.replica.search(query).count == 2);
    }
}

// The stream goes on from the last position: no snapshot, nothing twice.
void goes_on() {
    Fed fed;
    const std::string first = event(EventKind::kUpdated, 1, 20, 101, 1);
    fed.snapshot_and(hello(kEpoch, 100) + progress(100, 1) + first, false);
    fed.relay().answer({FakeRelay::status("503 Service Unavailable")});
    fed.relay().answer({"HTTP/1.1 200"}); // and closes
    fed.relay().answer({"no HTTP at all\r\n\r\n"});
    FakeRelay::Answer rest{FakeRelay::chunked(
        hello(kEpoch, 101, 1) + first + event(EventKind::kUpdated, 2, 21, 101, 2) + progress(101, 9), 1000, false)};
    rest.stays = true;
    fed.relay().answer(rest);
    fed.start();
    CHECK(fed.until([&] { return fed.feed->counters().losses == 1; }));
    CHECK(fed.feed->state() == Feed::State::kBroken && fed.feed->as_of() == 1);
    CHECK(fed.until_as_of(9));
    CHECK(fed.relay().target(5) == "/stream?from=7,0/65,1" && fed.feed->counters().snapshots == 1);
    CHECK(fed.feed->counters().failures == 4 && fed.feed->counters().events == 2);
    CHECK(version_of(fed.replica, 2) == 21 && fed.told.replacements == 1);
}

// What the relay no longer has, or what is broken, is had again by a snapshot; meanwhile the state says so.
void begins_anew() {
    const std::vector<std::string> ends = {"", std::string("\0\0\0\0", 4),
                                           event(EventKind::kUpdated, 1, 20, 100)}; // 410; a broken frame; a gap back
    for (const std::string& end : ends) {
        Fed fed;
        fed.snapshot_and(hello(kEpoch, 100) + progress(100, 1) + event(EventKind::kUpdated, 1, 20, 101) + end,
                         !end.empty());
        if (end.empty())
            fed.relay().answer({FakeRelay::status("410 Gone")});
        FakeRelay::Answer cut{FakeRelay::chunked(snapshot(kEpoch + 1, 10, 4, 20), 1000, true)};
        cut.bytes.resize(cut.bytes.size() - 15);
        fed.relay().answer(cut); // breaks off
        fed.relay().answer({FakeRelay::chunked(snapshot(kEpoch + 1, 10, 4, 20), 1000, true)});
        FakeRelay::Answer stream{FakeRelay::chunked(hello(kEpoch + 1, 10) + progress(19, 500), 1000, false)};
        stream.stays = true;
        fed.relay().answer(stream);
        fed.start();
        CHECK(fed.until([&] { return fed.feed->counters().snapshots == 2 && fed.feed->counters().streams == 2; }));
        CHECK(fed.feed->state() == Feed::State::kLoading && fed.feed->as_of() == 1 && fed.feed->epoch() == kEpoch);
        CHECK(version_of(fed.replica, 4) == 10 && fed.told.replacements == 1);
        CHECK(fed.feed->counters().broken_frames == (end.empty() ? 0U : 1U));
    }
}

// One that is silent, one that never answers, one that is not there: the next is asked.
void passes_by() {
    Fed fed(3);
    // The first says nothing; the second has no head; the third has all.
    fed.relays[1]->answer({"HTTP/1.1 200 OK\r\nX: ", 1, std::chrono::milliseconds(100)});
    fed.relays[2]->answer({FakeRelay::chunked(snapshot(kEpoch, 100, 3, 100), 1000, true)});
    FakeRelay::Answer stream{FakeRelay::chunked(hello(kEpoch, 100) + progress(100, 3), 1000, false)};
    stream.stays = true;
    fed.relays[2]->answer(stream);
    fed.start();
    CHECK(fed.until_as_of(3));
    CHECK(fed.feed->relay() == fed.relays[2]->address());
    // Now it is silent: the stream is lost, and as_of stands still.
    CHECK(fed.until([&] { return fed.feed->state() == Feed::State::kBroken; }));
    CHECK(fed.feed->as_of() == 3 && fed.feed->counters().losses == 1 && version_of(fed.replica, 1) == 10);
}

// Without a replica: from now, and everything before it is unknown.
void near_mode() {
    Fed fed;
    FakeRelay::Answer first{FakeRelay::chunked(
        hello(kEpoch, 100, 4) + event(EventKind::kUpdated, 1, 20, 100, 5) + progress(100, 40), 1000, false)};
    fed.relay().answer(first);
    fed.relay().answer({FakeRelay::status("410 Gone")});
    FakeRelay::Answer second{FakeRelay::chunked(hello(kEpoch + 1, 300) + progress(301, 60), 1000, false)};
    second.stays = true;
    fed.relay().answer(second);
    fed.start(false);
    CHECK(fed.until_as_of(60));
    CHECK(fed.relay().target(0) == "/stream?from=now" && fed.relay().target(1) == "/stream?from=7,0/64,*" &&
          fed.relay().target(2) == "/stream?from=now");
    CHECK(fed.told.said == "rcprp" && fed.feed->epoch() == kEpoch + 1);
}

// A listener may stop the feed, or go, amid a call.
void stops_anywhere() {
    struct Stopper : FeedListener {
        Fed* fed = nullptr;
        int calls = 0;
        void replaced() override {}
        void changed(const Change&) override {
            ++calls;
            fed->feed->remove_listener(this);
            fed->feed->stop();
        }
        void progress(std::int64_t) override {}
    } stopper;
    Fed fed;
    fed.snapshot_and(hello(kEpoch, 100) + progress(100, 1) + event(EventKind::kUpdated, 1, 20, 101) +
                     event(EventKind::kUpdated, 1, 21, 102) + progress(102, 9));
    fed.start();
    stopper.fed = &fed;
    fed.feed->add_listener(&stopper);
    CHECK(fed.until([&] { return stopper.calls > 0; }));
    CHECK(fed.feed->state() == Feed::State::kBroken && fed.feed->as_of() == 1);
    fed.io.restart();
    fed.io.run(); // nothing is left to wait for
    CHECK(stopper.calls == 1 && fed.told.as_of == 1);
}

} // namespace

int main() {
    spdlog::set_level(spdlog::level::off);
    test::run("feed: snapshot and stream in pieces of any size", follows);
    test::run("feed: cut anywhere, it goes on", cut_anywhere);
    test::run("feed: promises that are broken are noticed", broken_promises);
    test::run("feed: another epoch", another_epoch);
    test::run("feed: streams over HTTP", streams);
    test::run("feed: goes on where a stream was lost", goes_on);
    test::run("feed: begins anew when the relay has no more, or breaks a promise", begins_anew);
    test::run("feed: passes by relays that don't answer", passes_by);
    test::run("feed: without a replica", near_mode);
    test::run("feed: stops anywhere", stops_anywhere);
    return test::exit_status();
}

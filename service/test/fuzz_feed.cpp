// Fuzz target: what a relay sends, as the feed takes it: a snapshot, then a stream, whole and in pieces. The first two
// bytes say where the stream begins.

#include <cstdlib>

#include "service/reader/follower.hpp"
#include "service/reader/replica.hpp"
#include "test/core/fuzz.hpp"

using namespace availability;
using namespace availability::reader;

namespace {

const std::vector<std::string> kTables = {"public.reservations_calendar"};

struct Told : Follower::Events {
    const Follower* follower = nullptr;
    const char* problem = nullptr;
    relay::Position last;
    void loading() override {}
    void replaced() override { last = {}; }
    void changed(const Change& change) override {
        if (change.position <= last)
            problem = "events go back";
        last = change.position;
        DaysetView view;
        if (change.kind != relay::EventKind::kUnreadable &&
            !DaysetView::open(change.booked.data(), change.booked.size(), &view))
            problem = "a calendar that is none";
    }
    void progress(std::int64_t) override {
        if (!follower->streams())
            problem = "progress of what has not begun";
    }
};

// What is held in the end; *problem if a promise was broken.
std::string follow(std::string_view snapshot, std::string_view stream, std::size_t piece, const char** problem) {
    ReplicaOptions options;
    options.set_days = 40; // each costs 8 kB to make
    Replica replica(1, options);
    Told told;
    Follower follower(kTables, &replica, told);
    told.follower = &follower;
    auto next = Follower::Next::kMore;
    follower.begin_snapshot();
    while (!snapshot.empty() && next == Follower::Next::kMore) {
        next = follower.take_snapshot(snapshot.substr(0, piece));
        snapshot.remove_prefix(std::min(piece, snapshot.size()));
    }
    if (next == Follower::Next::kStream) {
        next = Follower::Next::kMore;
        follower.begin_stream();
        while (!stream.empty() && next == Follower::Next::kMore) {
            next = follower.take_stream(stream.substr(0, piece));
            stream.remove_prefix(std::min(piece, stream.size()));
        }
    }
    if (told.problem != nullptr)
        *problem = told.problem;
    if (next == Follower::Next::kBroken && (follower.streams() || !follower.wants_snapshot()))
        *problem = "what is broken goes on";
    SetQuery query;
    query.from = 20000, query.to = 20030, query.nights = 3;
    const SetAnswer scanned = replica.search(query);
    while (replica.work(20000)) {
    }
    const SetAnswer answer = replica.search(query);
    if (answer.count != scanned.count || answer.listings != scanned.listings)
        *problem = "sets and calendars disagree";
    std::string held = std::to_string(static_cast<int>(next)) + " " + std::to_string(replica.listings()) + " " +
                       std::to_string(replica.tombstones()) + " " + std::to_string(follower.counters().events);
    for (const std::string& listing : answer.listings)
        held += " " + listing;
    return held;
}

} // namespace

const char* examine(const std::uint8_t* data, std::size_t size) {
    if (size < 2)
        return nullptr;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    const std::size_t at = std::min<std::size_t>(data[0] | static_cast<unsigned>(data[1]) << 8, bytes.size());
    const char* problem = nullptr;
    const std::string whole = follow(bytes.substr(0, at), bytes.substr(at), size, &problem);
    const std::string pieces = follow(bytes.substr(0, at), bytes.substr(at), 3, &problem);
    if (problem != nullptr)
        return problem;
    // A snapshot that goes on past its end is broken as a whole, and not in pieces.
    return whole == pieces || whole[0] == '3' ? nullptr : "in pieces it says something else";
}

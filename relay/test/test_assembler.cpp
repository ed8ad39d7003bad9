// What the assembler makes of a stream in which something is missing: forged messages of the decoder, some of them left
// out.

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <protozero/pbf_writer.hpp>

#include "relay/source/assembler.hpp"
#include "relay/test/fake_feed.hpp"
#include "test/core/check.hpp"

using namespace availability::relay;

namespace {

constexpr char kTable[] = "public.reservations_calendar";

std::string frame(EventKind kind, std::uint64_t lsn) {
    std::string bytes;
    protozero::pbf_writer pbf(bytes);
    pbf.add_enum(1, static_cast<std::int32_t>(kind));
    pbf.add_uint64(11, lsn);
    return bytes;
}

// An event as the decoder writes it, up to the fields that the assembler looks at.
std::string event(std::uint64_t lsn, std::uint64_t seq, std::uint64_t skipped = 0, bool last = false,
                  const std::string& booked = test::stored_bytes({})) {
    std::string bytes;
    protozero::pbf_writer pbf(bytes);
    pbf.add_enum(1, static_cast<std::int32_t>(EventKind::kReset));
    pbf.add_string(2, kTable);
    pbf.add_int64(3, 7);
    pbf.add_int64(9, 1);
    pbf.add_bytes(10, booked);
    pbf.add_uint64(11, lsn);
    pbf.add_uint64(12, seq);
    if (skipped != 0)
        pbf.add_uint64(19, skipped);
    if (last)
        pbf.add_bool(18, true);
    return bytes;
}

struct Heard : BatchHandler {
    void on_event(Event* event, Arena*) override {
        ++events;
        unreadable += event->kind == EventKind::kUnreadable;
        last = *event;
    }
    void on_batch(BatchPtr) override {}
    void on_loss(Position before, std::uint64_t lost) override { losses.push_back({before, lost}); }
    void on_position(std::uint64_t, std::int64_t) override {}

    int events = 0;
    int unreadable = 0;
    Event last; // whose views are void
    std::vector<std::pair<Position, std::uint64_t>> losses;
};

Heard hear(const std::vector<std::string>& messages) {
    Heard heard;
    Assembler assembler({kTable}, heard);
    assembler.begin(1);
    for (const std::string& message : messages)
        assembler.take(message);
    assembler.flush();
    return heard;
}

const std::string kBegin = frame(EventKind::kBegin, 100);
const std::string kCommit = frame(EventKind::kCommit, 100);

void whole_transactions() {
    const Heard heard = hear({kBegin, event(100, 1), event(100, 2), event(100, 3, 0, true), kCommit,
                              frame(EventKind::kBegin, 200), event(200, 1, 0, true), frame(EventKind::kCommit, 200)});
    CHECK(heard.events == 4 && heard.unreadable == 0);
    CHECK(heard.losses.empty());
}

void filtered_changes() {
    const Heard heard = hear({kBegin, event(100, 4, 3), event(100, 5), event(100, 9, 3, true), kCommit});
    CHECK(heard.events == 3 && heard.losses.empty());
}

void lost_events() {
    Heard heard = hear({kBegin, event(100, 2), event(100, 3, 0, true), kCommit});
    CHECK(heard.losses.size() == 1 && heard.losses[0].first == (Position{100, 2}) && heard.losses[0].second == 1);
    heard = hear({kBegin, event(100, 1), event(100, 5, 1, true), kCommit});
    CHECK(heard.losses.size() == 1 && heard.losses[0].first == (Position{100, 5}) && heard.losses[0].second == 2);
    CHECK(heard.events == 2); // what came is taken nevertheless
    heard = hear({kBegin, event(100, UINT64_MAX, 0, true), kCommit});
    CHECK(heard.losses.size() == 1 && heard.losses[0].second == UINT64_MAX - 1);
}

void lost_end() {
    Heard heard = hear({kBegin, event(100, 1), event(100, 2), kCommit});
    CHECK(heard.losses.size() == 1 && heard.losses[0].first == (Position{100, kAtEnd}) && heard.losses[0].second == 0);
    // The commit as well.
    heard = hear(
        {kBegin, event(100, 1), frame(EventKind::kBegin, 200), event(200, 1, 0, true), frame(EventKind::kCommit, 200)});
    CHECK(heard.losses.size() == 1 && heard.losses[0].first == (Position{100, kAtEnd}));
}

void a_stream_that_begins_anew() {
    Heard heard;
    Assembler assembler({kTable}, heard);
    for (const auto& messages : std::initializer_list<std::vector<std::string>>{
             {kBegin, event(100, 1)}, {kBegin, event(100, 1), event(100, 2, 0, true), kCommit}}) {
        assembler.begin(1);
        for (const std::string& message : messages)
            assembler.take(message);
        assembler.flush();
    }
    CHECK(heard.losses.empty());
}

void events_that_cannot_be_placed() {
    const std::string broken = event(100, 2).substr(0, 20);
    Heard heard = hear({kBegin, event(100, 1), broken, event(100, 3), event(100, 5, 0, true), kCommit});
    CHECK(heard.unreadable == 1);
    CHECK(heard.losses.size() == 2 && heard.losses[0].first == (Position{100, 5}) && heard.losses[0].second == 1);
    // And what it has changed did not come, whichever listing's it was.
    CHECK(heard.losses[1].first == (Position{100, kAtEnd}));
    heard = hear({kBegin, event(100, 2, 1), event(100, 2, 0, true), kCommit}); // comes twice
    CHECK(heard.unreadable == 1 && heard.losses.size() == 1 && heard.losses[0].first == (Position{100, kAtEnd}));
    heard = hear({kBegin, event(100, 1, 0, true), broken, frame(EventKind::kBegin, 200), event(200, 1, 0, true),
                  frame(EventKind::kCommit, 200)});
    CHECK(heard.losses.size() == 1 && Position({100, 1}) < heard.losses[0].first);
}

// The listing and the place are known: it goes where all events go, to say that the calendar is void.
void a_calendar_that_cannot_be_read() {
    const Heard heard = hear({kBegin, event(100, 1), event(100, 2, 0, true, "no day set"), kCommit});
    CHECK(heard.unreadable == 1 && heard.losses.empty());
    CHECK(heard.last.position == (Position{100, 2}) && heard.last.listing == Key::of(7));
}

} // namespace

int main() {
    test::run("assembler: whole transactions lose nothing", whole_transactions);
    test::run("assembler: what the filter keeps back is no loss", filtered_changes);
    test::run("assembler: lost events are noticed and counted", lost_events);
    test::run("assembler: a lost end is noticed", lost_end);
    test::run("assembler: a stream that breaks and comes again is whole", a_stream_that_begins_anew);
    test::run("assembler: after an event that can't be placed, counting goes on", events_that_cannot_be_placed);
    test::run("assembler: a calendar that can't be read has its place", a_calendar_that_cannot_be_read);
    return test::exit_status();
}

// The queue before a sink: whatever the sink does, nothing is confirmed before it is applied, and nothing is lost.

#include <deque>
#include <map>
#include <random>

#include "relay/sink_queue.hpp"
#include "relay/test/seed.hpp"
#include "test/core/check.hpp"

using namespace availability::relay;

namespace {

class Owner : public QueueOwner {
  public:
    void on_progress() override {}
    void on_applied(const char*, const Batch&, std::int64_t) override {}
    void on_dead_letter(const char*, const Event&, std::string_view) override {}
    void on_epoch_demanded(const char*, std::string_view) override {}
};

constexpr Epoch kEpoch = 7;
constexpr std::size_t kBound = 200000;

// A stream of events, a store that follows it, and a sink that holds what was applied to it.
class World {
  public:
    World(bool needs_every_event, std::uint64_t seed)
        : needs_every_event_(needs_every_event), random_(seed),
          queue_(
              "sink", needs_every_event, kBound, store_, owner_, [] {}, [this] { return ++now_; }) {
        queue_.begin_epoch(kEpoch, 0, false);
        queue_.end_load();
    }

    void commit() {
        auto batch = std::make_shared<Batch>();
        batch->epoch = kEpoch;
        lsn_ += 10;
        const std::size_t count = 1 + random_() % 5;
        for (std::size_t i = 0; i < count; ++i)
            add(batch.get(), static_cast<std::int64_t>(random_() % 50), ++version_, i + 1);
        batch->lsn = lsn_;
        batch->first_at = static_cast<std::int64_t>(lsn_);
        stream_.push_back(batch);
        queue_.push(batch);
    }
    void heartbeat() {
        lsn_ += 1;
        queue_.pushed_up_to(lsn_, static_cast<std::int64_t>(lsn_));
    }
    void take() {
        if (BatchPtr batch = queue_.next())
            taken_.push_back(std::move(batch));
    }
    void apply() {
        if (taken_.empty())
            return;
        const std::size_t i = random_() % taken_.size();
        const BatchPtr batch = taken_[i];
        taken_.erase(taken_.begin() + static_cast<std::ptrdiff_t>(i));
        for (const Event& event : batch->events) {
            if (event.position.seq != 0)
                ++seen_[{event.position.lsn, event.position.seq}];
            auto& version = sink_[event.listing.number];
            version = std::max(version, event.version);
        }
        queue_.applied(batch);
    }
    void lose_connection() {
        taken_.clear();
        queue_.rewind();
    }
    void stall() {
        if (queue_.full())
            queue_.lag_alone();
    }
    // What the relay does when the queue asks for it.
    void replay() {
        if (!queue_.wants_replay())
            return;
        queue_.begin_replay();
        for (const BatchPtr& batch : stream_)
            if (batch->lsn > queue_.confirmed())
                queue_.push(batch);
    }
    void request() {
        queue_.request_calendars({ListingName::of(0, Key::of(static_cast<std::int64_t>(random_() % 60)))});
    }

    // Everything up to confirmed() is in the sink.
    void check() {
        const std::uint64_t confirmed = queue_.confirmed();
        CHECK(confirmed >= last_confirmed_);
        last_confirmed_ = confirmed;
        for (; checked_ < stream_.size() && stream_[checked_]->lsn <= confirmed; ++checked_)
            for (const Event& event : stream_[checked_]->events) {
                CHECK(sink_[event.listing.number] >= event.version);
                CHECK(!needs_every_event_ || seen_.count({event.position.lsn, event.position.seq}) != 0);
            }
    }
    void finish() {
        for (int i = 0; i < 100000 && !queue_.idle(); ++i) {
            take();
            apply();
            replay();
        }
        CHECK(queue_.idle() && queue_.oldest_at() == 0 && queue_.bytes() == 0);
        CHECK(queue_.confirmed() == lsn_ || (heartbeat(), queue_.confirmed() == lsn_));
        check();
        CHECK(checked_ == stream_.size());
    }
    void step() {
        switch (random_() % 12) {
        case 0:
        case 1:
        case 2:
        case 3:
            return commit();
        case 4:
            return heartbeat();
        case 5:
        case 6:
            return take();
        case 7:
        case 8:
            return apply();
        case 9:
            return random_() % 20 == 0 ? lose_connection() : replay();
        case 10:
            return stall();
        default:
            return random_() % 10 == 0 ? request() : check();
        }
    }
    void many_commits() {
        for (int i = 0; i < 400; ++i)
            commit();
        stall();
    }

  private:
    void add(Batch* batch, std::int64_t listing, std::int64_t version, std::uint64_t seq) {
        Event& event = batch->events.emplace_back();
        event.kind = EventKind::kUpdated;
        event.listing = Key::of(listing);
        event.version = version;
        event.booked = batch->arena.copy(std::string_view("12345678"));
        event.position = {lsn_, seq};
        event.at = static_cast<std::int64_t>(lsn_);
        bool newer = false;
        store_.apply(0, event.listing, version, event.booked, false, &newer);
    }

    bool needs_every_event_;
    std::mt19937_64 random_;
    Store store_;
    Owner owner_;
    std::int64_t now_ = 0;
    SinkQueue queue_;
    std::uint64_t lsn_ = 0;
    std::int64_t version_ = 0;
    std::vector<BatchPtr> stream_;
    std::vector<BatchPtr> taken_;
    std::map<std::int64_t, std::int64_t> sink_;
    std::map<std::pair<std::uint64_t, std::uint64_t>, int> seen_;
    std::size_t checked_ = 0;
    std::uint64_t last_confirmed_ = 0;
};

void random_sinks(bool needs_every_event) {
    std::mt19937_64 random(test::seed());
    for (int round = 0; round < 60; ++round) {
        World world(needs_every_event, random());
        for (int step = 0; step < 1500; ++step) {
            world.step();
            if (random() % 700 == 0)
                world.many_commits();
        }
        world.finish();
    }
}

void every_calendar_of_an_epoch() {
    Store store;
    Owner owner;
    SinkQueue queue(
        "sink", false, kBound, store, owner, [] {}, [] { return std::int64_t{1}; });
    queue.begin_epoch(kEpoch, 100, true);
    bool newer = false;
    for (std::int64_t i = 0; i < 1000; ++i)
        queue.want(store.apply(0, Key::of(i), i, "12345678", false, &newer));
    queue.pushed_up_to(200, 5);
    CHECK(queue.confirmed() == 100 && !queue.complete());
    std::size_t given = 0;
    std::vector<BatchPtr> batches;
    while (BatchPtr batch = queue.next()) {
        given += batch->events.size();
        batches.push_back(batch);
    }
    CHECK(given == 1000);
    for (const BatchPtr& batch : batches)
        queue.applied(batch);
    CHECK(queue.confirmed() == 100 && !queue.complete()); // more may be wanted
    queue.end_load();
    CHECK(queue.confirmed() == 200 && queue.complete() && queue.idle());
    queue.begin_epoch(kEpoch + 1, 300, false);
    queue.applied(batches[0]); // of an epoch before
    CHECK(queue.confirmed() == 300);
}

// A relay that goes on with its epoch asks at once for the listings that are hot, long before it has all calendars.
void what_is_asked_for_amid_a_load() {
    Store store;
    Owner owner;
    SinkQueue queue(
        "sink", false, kBound, store, owner, [] {}, [] { return std::int64_t{1}; });
    bool newer = false;
    store.apply(0, Key::of(1), 10, "12345678", false, &newer);
    store.begin_load();
    queue.begin_epoch(kEpoch, 100, false);
    queue.request_calendars(
        {ListingName::of(0, Key::of(1)), ListingName::of(0, Key::of(2)), ListingName::of(0, Key::of(3))});
    CHECK(queue.next() == nullptr);
    store.apply(0, Key::of(1), 20, "12345678", false, &newer);
    store.apply(0, Key::of(2), 5, "12345678", false, &newer);
    store.end_load([](Slot) {});
    queue.end_load();
    const BatchPtr batch = queue.next();
    CHECK(batch != nullptr && batch->events.size() == 3);
    if (batch == nullptr || batch->events.size() != 3)
        return;
    CHECK(batch->events[0].kind == EventKind::kCalendar && batch->events[0].version == 20);
    CHECK(batch->events[1].kind == EventKind::kCalendar && batch->events[1].version == 5);
    CHECK(batch->events[2].kind == EventKind::kDropped && batch->events[2].listing.number == 3);
}

// "There is no such listing" would be an answer.
void a_calendar_that_is_unknown() {
    Store store;
    Owner owner;
    SinkQueue queue(
        "sink", false, kBound, store, owner, [] {}, [] { return std::int64_t{1}; });
    queue.begin_epoch(kEpoch, 100, false);
    queue.end_load();
    bool newer = false;
    store.apply(0, Key::of(1), 10, "12345678", false, &newer);
    store.forget(0, Key::of(1));
    queue.request_calendars({ListingName::of(0, Key::of(1))});
    const BatchPtr batch = queue.next();
    CHECK(batch != nullptr && batch->events.size() == 1 && batch->events[0].kind == EventKind::kUnreadable);
}

} // namespace

int main() {
    test::run("queue: a sink that needs the newest calendars alone", [] { random_sinks(false); });
    test::run("queue: a sink that needs every event", [] { random_sinks(true); });
    test::run("queue: an epoch is complete when every calendar was applied", every_calendar_of_an_epoch);
    test::run("queue: what is asked for amid a load is told after it", what_is_asked_for_amid_a_load);
    test::run("queue: a calendar that is unknown is no tombstone", a_calendar_that_is_unknown);
    return test::exit_status();
}

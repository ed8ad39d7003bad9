// A world for the reader with a time of its own: a database whose history is known, a relay with a lag that feeds a
// stream and a Redis, and all that can go wrong with them. Deterministic for a seed.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "extension/core/dayset.hpp"
#include "service/reader/reader.hpp"
#include "test/core/check.hpp"

namespace test {

using namespace availability;
using namespace availability::reader;
using std::chrono::microseconds;
using std::chrono::milliseconds;

inline std::string stored_bytes(DaySpan span) {
    Dayset set;
    if (!span.empty())
        set.add(span);
    std::string bytes(set.stored_size(), '\0');
    set.write(bytes.data());
    return bytes;
}

// --- time ------------------------------------------------------------------------------------------------------------

class Simulation {
  public:
    static constexpr std::int64_t kStart = 1'795'000'000'000'000;

    std::int64_t now_us() const { return kStart + now_; }
    Clock::time_point now() const { return Clock::time_point(std::chrono::hours(1) + microseconds(now_)); }
    void after(microseconds delay, std::function<void()> then) {
        todo_.push({now_ + std::max<std::int64_t>(delay.count(), 0), ++order_, std::move(then)});
    }
    void at(Clock::time_point when, std::function<void()> then) {
        after(std::chrono::ceil<microseconds>(when - now()), std::move(then));
    }
    void run(microseconds time) {
        const std::int64_t end = now_ + time.count();
        while (!todo_.empty() && todo_.top().when <= end) {
            const std::function<void()> then = todo_.top().then;
            now_ = todo_.top().when;
            todo_.pop();
            then();
        }
        now_ = end;
    }

  private:
    struct Todo {
        std::int64_t when;
        std::uint64_t order;
        std::function<void()> then;
        bool operator<(const Todo& other) const { return when != other.when ? when > other.when : order > other.order; }
    };
    std::int64_t now_ = 0;
    std::uint64_t order_ = 0;
    std::priority_queue<Todo> todo_;
};

class SimulatedTiming : public Timing {
  public:
    explicit SimulatedTiming(Simulation& simulation) : simulation_(simulation) {}
    Clock::time_point now() const override { return simulation_.now(); }
    std::int64_t now_us() const override { return simulation_.now_us(); }
    void ring_at(Clock::time_point when) override {
        simulation_.at(when, [this, alive = std::weak_ptr<int>(alive_), turn = ++turn_] {
            if (!alive.expired() && turn == turn_)
                ring();
        });
    }

  private:
    Simulation& simulation_;
    std::uint64_t turn_ = 0;
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

// --- what is true ----------------------------------------------------------------------------------------------------

struct State {
    std::int64_t at = 0;
    std::int64_t version = 0;
    bool exists = false;
    std::string booked;
};

class History {
  public:
    explicit History(std::size_t listings) : states_(listings, {State()}) {}
    std::size_t listings() const { return states_.size(); }
    const std::vector<State>& of(std::int64_t listing) const { return states_[static_cast<std::size_t>(listing)]; }
    void add(std::int64_t listing, State state) {
        states_[static_cast<std::size_t>(listing)].push_back(std::move(state));
    }
    // The place of the state that was there just before a time: of one moment, one thing comes before the other.
    std::size_t place_at(std::int64_t listing, std::int64_t at) const {
        const auto& states = of(listing);
        std::size_t place = states.size() - 1;
        while (place > 0 && states[place].at >= at)
            --place;
        return place;
    }
    const State& now(std::int64_t listing) const { return of(listing).back(); }

  private:
    std::vector<std::vector<State>> states_;
};

// --- tiers -----------------------------------------------------------------------------------------------------------

// What a tier takes for a round trip, and how it fails.
struct Behaviour {
    microseconds least{200}, most{600};
    double fails = 0, silent = 0; // of the calls
    bool usable = true;
};

class Tier {
  public:
    Tier(Simulation& simulation, std::mt19937_64& random) : simulation_(simulation), random_(random) {}
    Behaviour behaviour;
    std::uint64_t calls = 0, listings = 0;

  protected:
    bool chance(double share) { return std::uniform_real_distribution<double>(0, 1)(random_) < share; }
    microseconds half() {
        return microseconds(
            std::uniform_int_distribution<std::int64_t>(behaviour.least.count(), behaviour.most.count())(random_) / 2);
    }
    void answer(std::size_t count, const std::function<void(std::vector<TierAnswer>&)>& look, TierAnswered done) {
        ++calls;
        listings += count;
        if (chance(behaviour.silent))
            return;
        const bool fails = chance(behaviour.fails);
        const microseconds back = half();
        simulation_.after(half(), [=] {
            std::vector<TierAnswer> answers(count);
            if (!fails)
                look(answers);
            simulation_.after(back, [answers = std::move(answers), done]() mutable { done(std::move(answers)); });
        });
    }

    Simulation& simulation_;
    std::mt19937_64& random_;
};

inline TierAnswer answer_of(const State& state, std::int64_t as_of) {
    TierAnswer answer;
    answer.kind = state.exists ? TierAnswer::Kind::kFound : TierAnswer::Kind::kNoListing;
    answer.version = state.version;
    answer.as_of = as_of;
    answer.booked = state.booked;
    return answer;
}

class FakeDatabase : public CalendarSource, public Tier {
  public:
    FakeDatabase(Simulation& simulation, std::mt19937_64& random, const History& history)
        : Tier(simulation, random), history_(history) {}
    void read(std::vector<OwnedListing> listings, Clock::time_point, TierAnswered done) override {
        answer(
            listings.size(),
            [this, listings](std::vector<TierAnswer>& answers) {
                for (std::size_t i = 0; i < listings.size(); ++i) {
                    const State& state = history_.now(listings[i].number);
                    answers[i] = answer_of(state, simulation_.now_us());
                    // A row that is gone has no version.
                    if (!state.exists)
                        answers[i].version = kAnyVersion;
                }
            },
            std::move(done));
    }
    bool usable() const override { return behaviour.usable; }

  private:
    const History& history_;
};

class FakeRedis : public SharedCache, public Tier {
  public:
    using Tier::Tier;
    struct Entry {
        State state;
        std::uint64_t lease = 0;
        std::int64_t lease_ends = 0;
    };
    std::map<std::int64_t, Entry> entries;
    std::int64_t record_as_of = 0;
    std::uint64_t fills = 0, fills_taken = 0;

    void apply(std::int64_t listing, const State& state) {
        Entry& entry = entries[listing];
        if (entry.lease != 0 || state.version > entry.state.version)
            entry = {state};
    }
    void read(std::vector<OwnedListing> wanted, bool lease, Clock::time_point, TierAnswered done) override {
        answer(
            wanted.size(),
            [this, wanted, lease](std::vector<TierAnswer>& answers) {
                for (std::size_t i = 0; i < wanted.size(); ++i)
                    answers[i] = look(wanted[i].number, lease);
            },
            std::move(done));
    }
    void fill(std::vector<Fill> given) override {
        simulation_.after(half(), [this, given = std::move(given)] {
            for (const Fill& one : given) {
                ++fills;
                const auto found = entries.find(one.listing.number);
                if (found == entries.end() || found->second.lease != one.token)
                    continue;
                found->second = {{0, one.version, !one.no_listing, one.booked}};
                ++fills_taken;
            }
        });
    }
    bool usable() const override { return behaviour.usable; }

  private:
    TierAnswer look(std::int64_t listing, bool lease) {
        Entry& entry = entries[listing];
        const bool held = entry.lease != 0 && entry.lease_ends > simulation_.now_us();
        if (entry.lease == 0 && (entry.state.version != 0 || entry.state.exists))
            return answer_of(entry.state, record_as_of);
        TierAnswer answer;
        answer.kind = held ? TierAnswer::Kind::kBusy : TierAnswer::Kind::kMiss;
        if (!held && lease) {
            entry = {{}, ++tokens_, simulation_.now_us() + 300'000};
            answer.kind = TierAnswer::Kind::kGranted;
            answer.token = entry.lease;
            answer.epoch = 7;
        }
        return answer;
    }
    std::uint64_t tokens_ = 0;
};

// --- the feed: Feed's own methods, of the test's making ------------------------------------------------------------

struct FeedState {
    Feed::State state = Feed::State::kStreaming;
    Epoch epoch = 7;
    std::int64_t as_of = 0;
    std::vector<FeedListener*> listeners;
};
inline FeedState fed;

// What passes in order, each thing some time after it was sent.
class Pipe {
  public:
    Pipe(Simulation& simulation, std::mt19937_64& random) : simulation_(simulation), random_(random) {}
    microseconds lag{5000};
    bool stopped = false; // what is sent waits
    void send(std::function<void()> then) {
        queue_.push_back(std::move(then));
        last_ = std::max(last_, simulation_.now_us() + static_cast<std::int64_t>(random_() % (lag.count() * 2 + 1)));
        simulation_.after(microseconds(last_ - simulation_.now_us()), [this] { pass(); });
    }
    void go_on() {
        stopped = false;
        for (; owed_ > 0; --owed_)
            pass();
    }
    // All on its way is lost.
    void cut() {
        queue_.assign(queue_.size(), [] {});
    }

  private:
    void pass() {
        if (stopped) {
            ++owed_;
            return;
        }
        const std::function<void()> then = std::move(queue_.front());
        queue_.pop_front();
        then();
    }
    Simulation& simulation_;
    std::mt19937_64& random_;
    std::deque<std::function<void()>> queue_;
    std::int64_t last_ = 0;
    std::size_t owed_ = 0;
};

// --- all of it -------------------------------------------------------------------------------------------------------

class World {
  public:
    World(std::uint64_t seed, std::size_t listings)
        : random(seed), history(listings), database(simulation, random, history), redis(simulation, random),
          stream(simulation, random), to_redis(simulation, random), replica(1), feed(io, {}, nullptr) {
        fed = FeedState();
        replica.begin_load();
        replica.end_load();
        tick();
    }

    std::unique_ptr<Reader> reader(ReaderOptions options, bool with_redis = true, bool with_feed = true) {
        Reader::Tiers tiers;
        tiers.replica = with_feed ? &replica : nullptr;
        tiers.feed = with_feed ? &feed : nullptr;
        tiers.redis = with_redis ? &redis : nullptr;
        tiers.database = &database;
        auto made = std::make_unique<Reader>(std::make_unique<SimulatedTiming>(simulation), std::move(options), tiers);
        made->start();
        return made;
    }

    // A booking, or what makes a listing come or go.
    std::int64_t commit(std::int64_t listing, bool exists = true) {
        State state;
        state.at = simulation.now_us();
        state.version = std::max(state.at, history.now(listing).version + 1);
        state.exists = exists;
        if (exists)
            state.booked = stored_bytes({static_cast<Day>(random() % 1000), static_cast<Day>(1001 + random() % 1000)});
        history.add(listing, state);
        to_redis.send([this, listing, state] { redis.apply(listing, state); });
        stream.send([this, listing, state] { bring(listing, state); });
        return state.version;
    }
    void commit_all() {
        for (std::size_t i = 0; i < history.listings(); ++i)
            commit(static_cast<std::int64_t>(i));
    }

    // The stream breaks, and what was on its way never comes; then all is loaded anew.
    void break_stream() {
        stream.cut();
        fed.state = Feed::State::kLoading;
        const std::uint64_t load = ++load_;
        if (random() % 2 == 0)
            for (FeedListener* listener : fed.listeners)
                listener->replaced();
        simulation.after(milliseconds(random() % 300), [this, load] {
            if (load == load_)
                load_all();
        });
    }

    std::mt19937_64 random;
    Simulation simulation;
    History history;
    FakeDatabase database;
    FakeRedis redis;
    Pipe stream, to_redis;
    Replica replica;
    boost::asio::io_context io;
    Feed feed;

  private:
    static Listing listing_of(std::int64_t number) { return {0, Key::of(number)}; }

    void bring(std::int64_t number, const State& state) {
        if (fed.state == Feed::State::kLoading)
            return;
        if (state.exists)
            replica.apply(listing_of(number), state.version, state.booked);
        else
            replica.drop(listing_of(number), state.version);
        Change change;
        change.kind = state.exists ? relay::EventKind::kUpdated : relay::EventKind::kDropped;
        change.listing = listing_of(number);
        change.version = state.version;
        change.booked = state.booked;
        change.at = state.at;
        for (FeedListener* listener : fed.listeners)
            listener->changed(change);
    }
    void load_all() {
        replica.begin_load();
        for (std::size_t i = 0; i < history.listings(); ++i) {
            const State& state = history.now(static_cast<std::int64_t>(i));
            if (state.exists)
                replica.apply(listing_of(static_cast<std::int64_t>(i)), state.version, state.booked);
        }
        replica.end_load();
        stream.cut();
        fed.state = Feed::State::kStreaming;
        fed.as_of = simulation.now_us();
        for (FeedListener* listener : fed.listeners)
            listener->replaced();
    }
    void tick() {
        const std::int64_t as_of = simulation.now_us();
        stream.send([as_of] {
            if (fed.state != Feed::State::kStreaming)
                return;
            fed.as_of = std::max(fed.as_of, as_of);
            for (FeedListener* listener : fed.listeners)
                listener->progress(as_of);
        });
        to_redis.send([this, as_of] { redis.record_as_of = as_of; });
        simulation.after(milliseconds(50), [this] { tick(); });
    }
    std::uint64_t load_ = 0;
};

} // namespace test

namespace availability::reader {

struct Feed::Impl {};
Feed::Feed(boost::asio::io_context&, FeedOptions, Replica*) {}
Feed::~Feed() = default;
void Feed::add_listener(FeedListener* listener) {
    test::fed.listeners.push_back(listener);
}
void Feed::remove_listener(FeedListener* listener) {
    auto& listeners = test::fed.listeners;
    listeners.erase(std::remove(listeners.begin(), listeners.end(), listener), listeners.end());
}
Feed::State Feed::state() const {
    return test::fed.state;
}
Epoch Feed::epoch() const {
    return test::fed.epoch;
}
std::int64_t Feed::as_of() const {
    return test::fed.as_of;
}

} // namespace availability::reader

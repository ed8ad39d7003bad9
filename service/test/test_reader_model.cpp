// Whatever happens, the reader's answers are true: compared with all that the database ever held.

#include "relay/test/seed.hpp"
#include "service/test/reader_world.hpp"

using namespace test;

namespace {

constexpr std::int64_t kListings = 40;

ReaderOptions options_of(std::mt19937_64& random) {
    ReaderOptions options;
    options.max_age = milliseconds(100 + random() % 500);
    options.max_stale = milliseconds(2000 + random() % 3000);
    // From nothing, over room for a part, to room for all.
    const std::size_t sizes[] = {0, 6000, 12000, 1 << 20};
    options.l1_bytes = sizes[random() % 4];
    options.l1_ttl = milliseconds(500 + random() % 4000);
    options.l1_hot_ttl = milliseconds(250 + random() % 2000);
    options.unknown_ttl = milliseconds(100 + random() % 400);
    options.hot_listings = random() % 8;
    options.batch_delay = microseconds(random() % 3 * 1000);
    options.max_batch = 1 + random() % 20;
    options.lease_wait = milliseconds(random() % 60);
    options.max_waiting = random() % 4 == 0 ? 5 : 1000;
    options.warm = {"1", "2", "3"};
    return options;
}

Routing routing_of(std::mt19937_64& random) {
    Routing routing;
    routing.mode = static_cast<Mode>(random() % 4);
    routing.canary = static_cast<Mode>(random() % 4);
    routing.canary_share = static_cast<double>(random() % 5) / 4;
    routing.kill_switch = random() % 10 == 0;
    return routing;
}

class Trial {
  public:
    explicit Trial(std::uint64_t seed)
        : world_(seed, kListings), options_(options_of(world_.random)), fed_(world_.random() % 5 != 0),
          redis_(world_.random() % 5 != 0) {
        options_.routing = routing_of(world_.random);
        reader_ = world_.reader(options_, redis_, fed_);
        for (std::int64_t i = 0; i < kListings / 2; ++i)
            world_.commit(i);
    }

    void run() {
        for (int i = 0; i < 3000; ++i) {
            step();
            world_.simulation.run(microseconds(world_.random() % 4000));
        }
        heal();
        finish();
    }

    std::uint64_t answers[5] = {};
    std::uint64_t stale = 0;

  private:
    std::int64_t listing() {
        // Half of the reads on a few listings, some on what may not exist.
        return static_cast<std::int64_t>(world_.random() % (world_.random() % 2 == 0 ? 4 : kListings));
    }

    void step() {
        auto& random = world_.random;
        switch (random() % 40) {
        case 0 ... 4:
            world_.commit(listing(), random() % 8 != 0);
            return;
        case 5:
            return void(world_.redis.entries.erase(listing()));
        case 6:
            return disturb(&world_.database.behaviour);
        case 7:
            return disturb(&world_.redis.behaviour);
        case 8:
            if (random() % 4 == 0)
                world_.break_stream();
            return;
        case 9:
            return pause(&world_.stream);
        case 10:
            return pause(&world_.to_redis);
        case 11:
            if (random() % 4 == 0)
                reader_->set_routing(routing_of(random));
            return;
        case 12 ... 14: {
            // Who has just booked reads what he wrote, amid others.
            const std::int64_t booked = listing();
            read(booked, kAnyVersion);
            const std::int64_t version = world_.commit(booked);
            return read(booked, version);
        }
        case 15:
            return read_many();
        default:
            return read(listing(), random() % 6 == 0 ? some_version(listing()) : kAnyVersion);
        }
    }
    void disturb(Behaviour* behaviour) {
        auto& random = world_.random;
        *behaviour = Behaviour();
        switch (random() % 16) {
        case 0:
            behaviour->most = milliseconds(2000);
            break;
        case 1:
            behaviour->fails = 0.5;
            break;
        case 2:
            behaviour->silent = 0.3;
            break;
        case 3:
            behaviour->usable = random() % 2 == 0;
            behaviour->fails = 1;
            break;
        default:
            break;
        }
    }
    void pause(Pipe* pipe) {
        if (pipe->stopped)
            pipe->go_on();
        else
            pipe->stopped = world_.random() % 3 == 0;
        pipe->lag = microseconds(world_.random() % 20000);
    }
    std::int64_t some_version(std::int64_t listing) {
        const auto& states = world_.history.of(listing);
        return states[world_.random() % states.size()].version;
    }

    void read(std::int64_t number, std::int64_t min_version) {
        ReadOptions options;
        options.min_version = min_version;
        options.deadline = world_.simulation.now() + milliseconds(world_.random() % 1500);
        const bool committed = min_version <= world_.history.now(number).version;
        const std::size_t read = calls_.size();
        calls_.push_back(0);
        reader_->read({0, Key::of(number)}, options, [this, number, options, read, committed](const Answer& answer) {
            ++calls_[read];
            check(number, options, committed, answer);
            // Callers call again.
            if (world_.random() % 20 == 0 && calls_.size() < 100000)
                this->read(number, kAnyVersion);
        });
    }
    void read_many() {
        std::vector<std::int64_t> numbers;
        std::vector<Listing> listings;
        for (std::size_t i = world_.random() % 20; i > 0; --i) {
            numbers.push_back(listing());
            listings.push_back({0, Key::of(numbers.back())});
        }
        ReadOptions options;
        options.deadline = world_.simulation.now() + milliseconds(500);
        const std::size_t read = calls_.size();
        calls_.push_back(0);
        reader_->read_many(listings, options, [this, numbers, options, read](const std::vector<Answer>& given) {
            ++calls_[read];
            CHECK(given.size() == numbers.size());
            for (std::size_t i = 0; i < given.size(); ++i)
                check(numbers[i], options, true, given[i], true);
        });
    }

    void check(std::int64_t number, const ReadOptions& options, bool committed, const Answer& answer,
               bool gathered = false) {
        CHECK(world_.simulation.now() <= std::max(options.deadline, started_) + milliseconds(1));
        if (answer.outcome == Answer::Outcome::kUnavailable) {
            ++answers[4];
            CHECK(!answer.reason.empty());
            CHECK(!committed || answer.reason != "nobody has this version");
            return;
        }
        ++answers[static_cast<std::size_t>(answer.source)];
        stale += answer.stale;
        const std::int64_t age = world_.simulation.now_us() - answer.as_of;
        CHECK(answer.as_of > 0 && age >= 0);
        // What was gathered first is older when the last has come.
        if (!gathered) {
            CHECK(answer.stale == (age > microseconds(options_.max_age).count()));
            CHECK(age <= microseconds(options_.max_stale).count());
        }
        // What was there as of then, or came after.
        const auto& states = world_.history.of(number);
        bool known = false;
        for (std::size_t i = world_.history.place_at(number, answer.as_of); i < states.size(); ++i)
            known |= answer.outcome == Answer::Outcome::kNoListing
                         ? !states[i].exists
                         : states[i].exists && states[i].version == answer.version && states[i].booked == answer.booked;
        CHECK(known);
        if (!known) {
            const State& then = states[world_.history.place_at(number, answer.as_of)];
            std::printf("# listing %lld: %s from %s, mode %s, version %lld, as of %lld us ago; then %lld, exists %d\n",
                        (long long)number, answer.outcome == Answer::Outcome::kFound ? "found" : "none",
                        std::string(word_of(answer.source)).c_str(),
                        std::string(word_of(reader_->routing().mode)).c_str(), (long long)answer.version,
                        (long long)age, (long long)then.version, then.exists);
        }
        if (answer.outcome != Answer::Outcome::kFound)
            return;
        CHECK(answer.version >= options.min_version);
        const DaySpan run = answer.calendar.next_run(kFirstDay);
        CHECK(!run.empty() && stored_bytes(run) == answer.booked);
    }

    // Without faults everybody is told what is true now.
    void heal() {
        world_.database.behaviour = Behaviour();
        world_.redis.behaviour = Behaviour();
        for (Pipe* pipe : {&world_.stream, &world_.to_redis}) {
            pipe->lag = microseconds(1000);
            pipe->go_on();
        }
        world_.simulation.run(std::chrono::seconds(12));
        CHECK(reader_->counters().waiting == 0);
        const std::uint64_t unavailable = answers[4];
        const std::uint64_t old = stale;
        for (const bool kill_switch : {false, true}) {
            Routing routing = reader_->routing();
            routing.kill_switch = kill_switch;
            reader_->set_routing(routing);
            for (std::int64_t i = 0; i < kListings; ++i) {
                if (i % 5 == 4)
                    world_.simulation.run(milliseconds(100)); // there may be few who may wait
                reader_->read({0, Key::of(i)}, {}, [this, i](const Answer& answer) {
                    const State& state = world_.history.now(i);
                    CHECK(answer.outcome == (state.exists ? Answer::Outcome::kFound : Answer::Outcome::kNoListing));
                    CHECK(!state.exists || answer.version == state.version);
                    ++healed_;
                });
            }
            world_.simulation.run(milliseconds(200));
        }
        CHECK(healed_ == 2 * kListings);
        CHECK(answers[4] == unavailable && stale == old);
    }
    // Who still waits when the reader goes is told so.
    void finish() {
        world_.database.behaviour.silent = 1;
        world_.redis.behaviour.silent = 1;
        for (int i = 0; i < 20; ++i)
            read(listing(), INT64_MAX);
        world_.simulation.run(milliseconds(3));
        reader_->stop();
        reader_.reset();
        world_.simulation.run(std::chrono::seconds(20));
        CHECK(std::all_of(calls_.begin(), calls_.end(), [](int calls) { return calls == 1; }));
        CHECK(fed.listeners.empty());
    }

    World world_;
    const Clock::time_point started_ = world_.simulation.now();
    ReaderOptions options_;
    bool fed_, redis_;
    std::unique_ptr<Reader> reader_;
    std::deque<int> calls_;
    std::int64_t healed_ = 0;
};

} // namespace

int main(int argc, char** argv) {
    const int trials = argc > 1 ? std::atoi(argv[1]) : 60;
    run("reader: answers are true whatever happens", [trials] {
        std::uint64_t answers[5] = {};
        std::uint64_t stale = 0;
        for (int i = 0; i < trials; ++i) {
            const std::uint64_t seed = test::seed() + static_cast<std::uint64_t>(i);
            Trial trial(seed);
            trial.run();
            for (std::size_t source = 0; source < 5; ++source)
                answers[source] += trial.answers[source];
            stale += trial.stale;
            if (current_failed) {
                std::printf("# trial %d, seed %llu\n", i, static_cast<unsigned long long>(seed));
                break;
            }
        }
        std::printf("# replica %llu, l1 %llu, l2 %llu, database %llu, unavailable %llu; stale %llu\n",
                    (unsigned long long)answers[0], (unsigned long long)answers[1], (unsigned long long)answers[2],
                    (unsigned long long)answers[3], (unsigned long long)answers[4], (unsigned long long)stale);
        // Every way was gone.
        for (const std::uint64_t count : answers)
            CHECK(trials < 60 || count > 1000);
        CHECK(trials < 60 || stale > 100);
    });
    return exit_status();
}

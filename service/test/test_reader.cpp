// What the reader does, one behaviour after the other, in a world whose time stands still between steps.

#include <optional>

#include "relay/test/seed.hpp"
#include "service/test/reader_world.hpp"

using namespace test;

namespace {

struct Told {
    int calls = 0;
    Answer answer; // its views are void
    std::string booked, reason;
    std::int64_t age = 0;
};

ReaderOptions options_of(Mode mode) {
    ReaderOptions options;
    options.routing.mode = mode;
    return options;
}

class Rig {
  public:
    explicit Rig(ReaderOptions options, bool redis = true, bool feed = true, std::size_t listings = 100)
        : world(test::seed(), listings) {
        world.commit_all();
        world.simulation.run(milliseconds(200));
        reader = world.reader(std::move(options), redis, feed);
        world.simulation.run(milliseconds(200));
    }
    std::shared_ptr<Told> read(std::int64_t listing, std::int64_t min_version = kAnyVersion,
                               milliseconds deadline = milliseconds(2000)) {
        auto told = std::make_shared<Told>();
        ReadOptions options;
        options.min_version = min_version;
        options.deadline = world.simulation.now() + deadline;
        reader->read({0, Key::of(listing)}, options, [this, told](const Answer& answer) {
            ++told->calls;
            told->answer = answer;
            told->booked = answer.booked;
            told->reason = answer.reason;
            told->age = world.simulation.now_us() - answer.as_of;
        });
        return told;
    }
    void run(milliseconds time = milliseconds(20)) { world.simulation.run(time); }
    std::shared_ptr<Told> read_and_run(std::int64_t listing, std::int64_t min_version = kAnyVersion) {
        auto told = read(listing, min_version);
        run();
        CHECK(told->calls == 1);
        return told;
    }
    // Nothing of the relay comes any more.
    void lose_relay() {
        world.stream.stopped = true;
        world.to_redis.stopped = true;
        fed.state = Feed::State::kBroken;
    }

    World world;
    std::unique_ptr<Reader> reader;
};

bool is(const Told& told, Answer::Outcome outcome, Source source, bool stale = false) {
    const bool right =
        told.calls == 1 && told.answer.outcome == outcome && told.answer.source == source && told.answer.stale == stale;
    if (!right)
        std::printf("# calls %d outcome %d source %s stale %d age %lld us %s\n", told.calls, (int)told.answer.outcome,
                    std::string(word_of(told.answer.source)).c_str(), told.answer.stale, (long long)told.age,
                    told.reason.c_str());
    return right;
}
constexpr auto kFound = Answer::Outcome::kFound;
constexpr auto kNoListing = Answer::Outcome::kNoListing;
constexpr auto kUnavailable = Answer::Outcome::kUnavailable;

void herd() {
    for (const bool redis : {false, true}) {
        Rig rig(options_of(Mode::kNear), redis);
        rig.world.redis.entries.clear();
        // Another process, with the same Redis.
        auto other = rig.world.reader(options_of(Mode::kNear), redis);
        int answers = 0;
        for (int i = 0; i < 1000; ++i)
            for (Reader* reader : {rig.reader.get(), other.get()})
                reader->read({0, Key::of(i % 10)}, {},
                             [&](const Answer& answer) { answers += answer.outcome == kFound && !answer.stale; });
        rig.run(milliseconds(100));
        CHECK(answers == 2000);
        CHECK(rig.world.database.listings == (redis ? 10 : 20));
        CHECK(rig.reader->counters().coalesced == 990 && rig.reader->counters().waiting == 0);
        if (redis)
            CHECK(rig.world.redis.fills_taken == 10 &&
                  rig.reader->counters().leases_granted + other->counters().leases_granted == 10);
        CHECK(is(*rig.read_and_run(3), kFound, Source::kL1));
    }
}

void stale_fill() {
    Rig rig(options_of(Mode::kNear), false);
    rig.world.database.behaviour.least = rig.world.database.behaviour.most = milliseconds(100);
    rig.world.stream.lag = microseconds(100);
    const auto old = rig.read(1);
    rig.run(milliseconds(70)); // the row was read; its answer is on its way
    const std::int64_t version = rig.world.commit(1);
    rig.run(milliseconds(20)); // the event has passed
    CHECK(old->calls == 0);
    rig.run(milliseconds(60));
    CHECK(is(*old, kFound, Source::kDatabase) && old->answer.version < version); // it was true as of then
    CHECK(rig.reader->counters().fills_dropped == 1);
    const auto next = rig.read(1);
    CHECK(next->calls == 0);
    rig.run(milliseconds(200));
    CHECK(is(*next, kFound, Source::kDatabase) && next->answer.version == version);
    CHECK(is(*rig.read(1), kFound, Source::kL1));
    // And events change what is there at once.
    const std::int64_t newer = rig.world.commit(1);
    rig.run(milliseconds(1));
    const auto now = rig.read(1);
    CHECK(is(*now, kFound, Source::kL1) && now->answer.version == newer &&
          now->booked == rig.world.history.now(1).booked);
    rig.world.commit(1, false);
    rig.run(milliseconds(1));
    CHECK(is(*rig.read(1), kNoListing, Source::kL1));
    CHECK(rig.reader->counters().l1_invalidated == 2);
    // Also what was not there a moment ago, without a version.
    rig.world.database.behaviour = Behaviour();
    rig.world.commit(2, false);
    rig.run(milliseconds(200));
    rig.read_and_run(2);
    CHECK(is(*rig.read(2), kNoListing, Source::kL1));
    const std::int64_t created = rig.world.commit(2);
    rig.run(milliseconds(1));
    CHECK(is(*rig.read(2), kFound, Source::kL1) && rig.read(2)->answer.version == created);
}

void near_is_as_old_as_the_stream() {
    Rig rig(options_of(Mode::kNear), false);
    rig.read_and_run(1);
    // Long after it was read, and with nothing to tell of it.
    rig.run(milliseconds(20000));
    const auto told = rig.read(1);
    CHECK(is(*told, kFound, Source::kL1) && told->age < 200'000);
    rig.lose_relay();
    rig.run(milliseconds(300));
    CHECK(is(*rig.read(1), kFound, Source::kL1));
    rig.run(milliseconds(400));
    const auto miss = rig.read(1);
    CHECK(miss->calls == 0); // older than it may be
    rig.run();
    CHECK(is(*miss, kFound, Source::kDatabase));
    // The stream goes on where it was: all that was missed comes.
    rig.world.commit(1);
    rig.run(milliseconds(1000));
    fed.state = Feed::State::kStreaming;
    rig.world.stream.go_on();
    rig.run(milliseconds(100));
    const auto again = rig.read(1);
    CHECK(is(*again, kFound, Source::kL1) && again->answer.version == rig.world.history.now(1).version);
    // After a gap, nothing that was there counts.
    rig.world.break_stream();
    rig.run(milliseconds(1500));
    CHECK(rig.read(1)->calls == 0);
}

void falls_through_the_tiers() {
    Rig rig(options_of(Mode::kReplica));
    CHECK(rig.reader->ready() && rig.reader->age() >= microseconds(0));
    rig.world.break_stream();
    CHECK(!rig.reader->ready());
    CHECK(is(*rig.read_and_run(1), kFound, Source::kL2));
    rig.run(milliseconds(500));
    const auto told = rig.read(1);
    CHECK(is(*told, kFound, Source::kReplica) && rig.reader->ready());
    CHECK(is(*rig.read(99'999'999 % 100), kFound, Source::kReplica));
    rig.lose_relay();
    CHECK(is(*rig.read_and_run(1), kFound, Source::kL2)); // Redis's record is young yet
    rig.run(milliseconds(600));
    CHECK(is(*rig.read_and_run(1), kFound, Source::kDatabase));
    rig.world.redis.behaviour.usable = false;
    CHECK(is(*rig.read_and_run(1), kFound, Source::kDatabase));
    rig.world.database.behaviour.usable = false;
    const auto old = rig.read(1);
    CHECK(is(*old, kFound, Source::kReplica, true) && old->age > 600'000 && old->age < 2'000'000);
    // L2's old answer serves if it is younger than the replica's.
    rig.world.redis.behaviour.usable = true;
    rig.world.redis.record_as_of = rig.world.simulation.now_us() - 550'000;
    CHECK(is(*rig.read_and_run(1), kFound, Source::kL2, true));
    // Too old for anybody.
    rig.run(milliseconds(61'000));
    CHECK(is(*rig.read_and_run(1), kUnavailable, Source::kDatabase));
    rig.world.database.behaviour.usable = true;
    CHECK(is(*rig.read_and_run(1), kFound, Source::kDatabase));
}

void least_versions() {
    Rig rig(options_of(Mode::kNear), false);
    rig.read_and_run(1);
    rig.world.stream.lag = milliseconds(200);
    const std::int64_t version = rig.world.commit(1);
    CHECK(is(*rig.read(1), kFound, Source::kL1));
    const auto mine = rig.read(1, version);
    CHECK(mine->calls == 0);
    rig.run();
    CHECK(is(*mine, kFound, Source::kDatabase) && mine->answer.version == version);
    CHECK(rig.reader->counters().min_version_misses == 1);
    // Who joins what was sent before he wrote has it asked for again.
    rig.world.database.behaviour.least = rig.world.database.behaviour.most = milliseconds(100);
    const auto first = rig.read(2);
    rig.run(milliseconds(70));
    const std::int64_t newer = rig.world.commit(2);
    const auto second = rig.read(2, newer);
    const auto third = rig.read(2);
    rig.run(milliseconds(40));
    CHECK(first->calls == 1 && first->answer.version < newer && third->calls == 1 && second->calls == 0);
    rig.run(milliseconds(200));
    CHECK(is(*second, kFound, Source::kDatabase) && second->answer.version == newer);
    // What nobody has.
    const auto nobody = rig.read(3, INT64_MAX);
    rig.run(milliseconds(300));
    CHECK(is(*nobody, kUnavailable, Source::kDatabase) && nobody->reason == "nobody has this version");
}

void batches() {
    ReaderOptions options = options_of(Mode::kDatabase);
    options.max_batch = 30;
    options.batch_delay = microseconds(1000);
    Rig rig(options);
    const std::uint64_t calls = rig.world.database.calls;
    std::vector<std::shared_ptr<Told>> told;
    for (int i = 0; i < 50; ++i)
        told.push_back(rig.read(i));
    CHECK(rig.world.database.calls == calls + 1);
    rig.run(milliseconds(1));
    CHECK(rig.world.database.calls == calls + 2);
    rig.run();
    for (const auto& one : told)
        CHECK(is(*one, kFound, Source::kDatabase));
    // In their order, each as it is.
    std::vector<Answer> answers;
    std::vector<std::string> booked;
    rig.reader->read_many({{0, Key::of(5)}, {0, Key::of(7)}, {0, Key::of(5)}}, {},
                          [&](const std::vector<Answer>& given) {
                              answers = given;
                              for (const Answer& answer : given)
                                  booked.emplace_back(answer.booked);
                          });
    rig.run();
    CHECK(answers.size() == 3 && booked[0] == rig.world.history.now(5).booked &&
          booked[1] == rig.world.history.now(7).booked && booked[2] == booked[0]);
    bool none = false;
    rig.reader->read_many({}, {}, [&](const std::vector<Answer>& given) { none = given.empty(); });
    CHECK(none);
}

void leases() {
    ReaderOptions options = options_of(Mode::kRedis);
    Rig rig(options);
    // Another process has the lease, and fills.
    FakeRedis::Entry& entry = rig.world.redis.entries[1];
    const State state = entry.state;
    entry = {{}, 4711, rig.world.simulation.now_us() + 10'000'000};
    const auto told = rig.read(1);
    rig.run(milliseconds(15));
    CHECK(told->calls == 0);
    rig.world.redis.entries[1] = {state};
    rig.run(milliseconds(25));
    CHECK(is(*told, kFound, Source::kL2));
    CHECK(rig.world.database.calls == 0 && rig.reader->counters().leases_busy > 0);
    // It died: the database is asked all the same.
    rig.world.redis.entries[1] = {{}, 4712, rig.world.simulation.now_us() + 10'000'000};
    const auto late = rig.read(1);
    rig.run(milliseconds(45));
    CHECK(late->calls == 0);
    rig.run(milliseconds(20));
    CHECK(is(*late, kFound, Source::kDatabase) && rig.world.redis.fills == 0);
    // Who can't fill takes no lease.
    rig.world.redis.entries.clear();
    rig.world.database.behaviour.usable = false;
    CHECK(is(*rig.read_and_run(1), kUnavailable, Source::kDatabase));
    rig.world.database.behaviour.usable = true;
    CHECK(is(*rig.read_and_run(1), kFound, Source::kDatabase) && rig.world.redis.fills_taken == 1);
    CHECK(is(*rig.read_and_run(1), kFound, Source::kL2));
}

void limits() {
    ReaderOptions options = options_of(Mode::kNear);
    options.max_waiting = 10;
    Rig rig(options, false);
    rig.read_and_run(50);
    rig.world.database.behaviour.silent = 1;
    std::vector<std::shared_ptr<Told>> told;
    for (int i = 0; i < 12; ++i)
        told.push_back(rig.read(i, kAnyVersion, milliseconds(300)));
    CHECK(is(*told[10], kUnavailable, Source::kDatabase) && told[10]->reason == "overloaded" && told[9]->calls == 0);
    CHECK(is(*rig.read(50), kFound, Source::kL1)); // memory has no queue
    CHECK(rig.reader->counters().refused == 2 && rig.reader->counters().waiting == 10);
    rig.run(milliseconds(299));
    CHECK(told[0]->calls == 0);
    rig.run(milliseconds(2));
    CHECK(is(*told[0], kUnavailable, Source::kDatabase) && told[0]->reason == "no answer by the deadline");
    CHECK(rig.reader->counters().waiting == 0);
    // A tier that is silent holds nobody up for ever.
    rig.world.database.behaviour.silent = 0;
    rig.run(milliseconds(200));
    CHECK(is(*rig.read_and_run(0), kFound, Source::kDatabase));
    const auto late = rig.read(60, kAnyVersion, milliseconds(0));
    CHECK(is(*late, kUnavailable, Source::kDatabase));
}

void hot_are_renewed() {
    ReaderOptions options = options_of(Mode::kNear);
    options.hot_listings = 3;
    options.warm = {"20", "21"};
    Rig rig(options, false);
    CHECK(rig.world.database.listings == 2); // the warm ones
    CHECK(is(*rig.read(20), kFound, Source::kL1));
    // For two minutes three listings are read all the time: nobody ever waits.
    int missed = 0;
    for (int i = 0; i < 120'000 / 20; ++i) {
        for (std::int64_t listing = 0; listing < 3; ++listing)
            missed += rig.read(listing)->calls == 0;
        rig.run(milliseconds(20));
    }
    CHECK(missed == 3);
    const std::uint64_t refreshed = rig.reader->counters().refreshed;
    CHECK(refreshed >= 3 * 3 + 2 && refreshed < 40);
    CHECK(rig.read(0)->answer.hot && !rig.read(20)->answer.hot);
    CHECK(is(*rig.read(21), kFound, Source::kL1)); // warm, though nobody had asked
    // One that few ask for ends.
    rig.read_and_run(70);
    rig.run(milliseconds(72'001));
    CHECK(rig.read(70)->calls == 0);
    // So does what is known not to exist, soon.
    rig.world.commit(80, false);
    rig.run(milliseconds(100));
    rig.read_and_run(80);
    CHECK(is(*rig.read(80), kNoListing, Source::kL1));
    rig.run(milliseconds(1201));
    CHECK(rig.read(80)->calls == 0);
}

void without_a_stream() {
    ReaderOptions options = options_of(Mode::kNear);
    options.hot_listings = 1;
    Rig rig(options, false, false);
    CHECK(rig.reader->ready() && rig.reader->age() == microseconds(-1));
    rig.read_and_run(1);
    CHECK(is(*rig.read(1), kFound, Source::kL1));
    rig.run(milliseconds(501));
    CHECK(rig.read(1)->calls == 0);
    // A hot one is asked for anew before it is too old.
    rig.run(milliseconds(20));
    int missed = 0;
    for (int i = 0; i < 2000; ++i) {
        missed += rig.read(1)->calls == 0;
        rig.run(milliseconds(5));
    }
    CHECK(missed <= 2 && rig.reader->counters().refreshed > 10);
}

void kill_switch() {
    Rig rig(options_of(Mode::kNear));
    rig.read_and_run(1);
    Routing routing = rig.reader->routing();
    routing.kill_switch = true;
    rig.reader->set_routing(routing);
    const std::uint64_t calls = rig.world.redis.calls;
    CHECK(is(*rig.read_and_run(1), kFound, Source::kDatabase) && rig.world.redis.calls == calls);
    // Memory is not trusted, not even if nothing else is there.
    rig.world.database.behaviour.fails = 1;
    CHECK(is(*rig.read_and_run(1), kUnavailable, Source::kDatabase));
    routing.kill_switch = false;
    rig.reader->set_routing(routing);
    CHECK(is(*rig.read(1), kFound, Source::kL1));
}

void reads_now() {
    Rig rig(options_of(Mode::kReplica));
    rig.world.break_stream();
    const auto now = [&](std::int64_t listing, std::int64_t min_version) {
        std::optional<std::int64_t> version;
        ReadOptions options;
        options.min_version = min_version;
        const bool told = rig.reader->read_now({0, Key::of(listing)}, options, [&](const Answer& answer) {
            version = answer.outcome == kFound ? answer.version : -1;
        });
        CHECK(told == version.has_value());
        return version;
    };
    CHECK(!now(1, 0));
    rig.run(milliseconds(500));
    const std::int64_t version = rig.world.history.now(1).version;
    CHECK(now(1, version) == version && !now(1, version + 1));
    rig.world.commit(1, false);
    rig.run(milliseconds(100));
    CHECK(now(1, 0) == -1 && !now(1, 1));
    rig.lose_relay();
    rig.run(milliseconds(600));
    CHECK(!now(2, 0));
}

// Sets as the database has them; the test answers.
class FakeSets : public SetSource {
  public:
    void search(SetQuery, Clock::time_point, std::function<void(SetAnswer)> done) override {
        waiting.push_back(std::move(done));
    }
    std::vector<std::function<void(SetAnswer)>> waiting;
};

void searches() {
    Rig rig(options_of(Mode::kReplica));
    FakeSets sets;
    Reader::Tiers tiers;
    tiers.replica = &rig.world.replica;
    tiers.feed = &rig.world.feed;
    tiers.sets = &sets;
    Reader reader(std::make_unique<SimulatedTiming>(rig.world.simulation), options_of(Mode::kReplica), tiers);
    reader.start();
    rig.world.break_stream();
    std::vector<SetAnswer> told;
    const auto search = [&] {
        SetQuery query;
        query.from = 10;
        query.to = 17;
        ReadOptions options;
        options.deadline = rig.world.simulation.now() + milliseconds(1000);
        reader.search(query, options, [&](const SetAnswer& answer) { told.push_back(answer); });
    };
    search();
    CHECK(told.empty() && sets.waiting.size() == 1);
    SetAnswer answer;
    answer.available = true;
    answer.source = Source::kDatabase;
    answer.as_of = rig.world.simulation.now_us();
    answer.listings = {"1", "3"};
    sets.waiting[0](answer);
    sets.waiting[0](answer); // once is enough
    CHECK(told.size() == 1 && told[0].listings.size() == 2 && !told[0].stale);
    search();
    rig.run(milliseconds(1001));
    CHECK(told.size() == 2 && told[1].source == Source::kReplica && !told[1].stale); // by then it had loaded
    search();
    CHECK(told.size() == 3 && told[2].available && told[2].source == Source::kReplica && !told[2].stale);
    rig.lose_relay();
    rig.run(milliseconds(600));
    search();
    sets.waiting.back()(SetAnswer());
    CHECK(told.size() == 4 && told[3].source == Source::kReplica && told[3].stale);
    rig.run(milliseconds(61'000));
    search();
    search();
    sets.waiting.back()(SetAnswer());
    CHECK(told.size() == 5 && !told[4].available && !told[4].reason.empty());
    reader.stop();
    CHECK(told.size() == 6 && !told[5].available);
}

} // namespace

int main() {
    run("reader: a herd is one query a listing, also of two processes", herd);
    run("reader: a fill that its event overtook is not kept", stale_fill);
    run("reader: L1 is as old as the stream, and not told when that is lost", near_is_as_old_as_the_stream);
    run("reader: a tier that is lost is passed over, and what is old is marked", falls_through_the_tiers);
    run("reader: who demands a version gets it", least_versions);
    run("reader: misses go in batches, and answers in order", batches);
    run("reader: another's lease is waited for, not for ever", leases);
    run("reader: too many are refused, nobody waits beyond his deadline", limits);
    run("reader: what is hot or warm is renewed before it ends", hot_are_renewed);
    run("reader: without a stream, L1 tells no longer than an answer may be old", without_a_stream);
    run("reader: the kill switch leaves the database alone", kill_switch);
    run("reader: the replica tells at once", reads_now);
    run("reader: searches go to the replica, else to the database", searches);
    return exit_status();
}

// What L1 is made of: what it keeps under a scan, its bound, its times, and which states it takes over.

#include <cmath>

#include "relay/test/seed.hpp"
#include "service/reader/alarms.hpp"
#include "service/reader/l1.hpp"
#include "service/reader/listing_hash.hpp"
#include "service/reader/routing.hpp"
#include "service/test/reader_world.hpp"

using namespace test;

namespace {

constexpr Clock::time_point kNow{std::chrono::hours(1)};

Listing listing_of(std::int64_t number) {
    return {0, Key::of(number)};
}

L1State state_of(std::int64_t version, std::int64_t as_of, std::string_view booked) {
    L1State state;
    state.version = version;
    state.as_of = as_of;
    state.stretch = 1;
    state.booked = booked;
    return state;
}

// As the reader does: reads, and puts what was missed. Whether it was there.
bool ask(L1* l1, std::int64_t number, std::string_view booked) {
    const Listing listing = listing_of(number);
    const std::uint64_t hash = hash_of(listing);
    if (l1->read(listing, hash) != nullptr)
        return true;
    l1->put(listing, hash, state_of(1, 1, booked), kNow);
    return false;
}

void keeps_the_hot() {
    std::mt19937_64 random(test::seed());
    const std::string booked = stored_bytes({10, 20});
    L1Options options;
    options.bytes = 400'000; // some 2,500 entries
    L1 l1(options);
    const auto hot = [&random] { return static_cast<std::int64_t>(random() % 2200); };
    for (int i = 0; i < 40000; ++i)
        ask(&l1, hot(), booked);
    CHECK(l1.entries() == 2200);
    // A robot goes through all listings, two of them for each read of a guest. What is hot has no room among the
    // protected alone.
    int hits = 0;
    std::int64_t next = 10000;
    for (int i = 0; i < 20000; ++i) {
        hits += ask(&l1, hot(), booked);
        for (int scanned = 0; scanned < 2; ++scanned)
            ask(&l1, next++, booked);
    }
    std::printf("# hits under a scan: %.1f %%\n", hits / 200.0);
    CHECK(hits > 19400);
    CHECK(l1.bytes() <= options.bytes);
    // What is hot changes: the new ones get in.
    for (int i = 0; i < 100000; ++i)
        ask(&l1, 2'000'000 + hot(), booked);
    hits = 0;
    for (int i = 0; i < 10000; ++i)
        hits += ask(&l1, 2'000'000 + hot(), booked);
    CHECK(hits > 9000);
}

void stays_within_its_bound() {
    std::mt19937_64 random(test::seed());
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{100}, std::size_t{5000}, std::size_t{300'000}}) {
        L1Options options;
        options.bytes = bytes;
        L1 l1(options);
        const std::size_t empty = l1.bytes();
        std::string text;
        for (int i = 0; i < 20000; ++i) {
            // Calendars grow and shrink, keys are of any length.
            Dayset set;
            for (std::size_t stays = random() % 40; stays > 0; --stays) {
                const auto day = static_cast<Day>(random() % 60000);
                set.add({day, day + 2});
            }
            std::string booked(set.stored_size(), '\0');
            set.write(booked.data());
            const auto number = static_cast<std::int64_t>(random() % 2000);
            text.assign(random() % 200, 'x');
            text += std::to_string(number);
            const Listing listing = number % 2 == 0 ? listing_of(number) : Listing{1, Key::of(text)};
            const std::uint64_t hash = hash_of(listing);
            l1.read(listing, hash);
            if (l1.put(listing, hash, state_of(i + 1, i + 1, booked), kNow)) {
                const L1::Entry* entry = l1.find(listing, hash);
                CHECK(entry == nullptr || (entry->booked() == booked && same(entry->listing(), listing)));
            }
            if (random() % 10 == 0)
                l1.erase(listing, hash);
            CHECK(l1.bytes() <= std::max(bytes, empty));
        }
        CHECK(bytes < 5000 ? l1.entries() == 0 : l1.entries() > 0);
        l1.clear();
        CHECK(l1.entries() == 0 && l1.bytes() == empty);
    }
}

void versions_go_forward() {
    L1Options options;
    options.bytes = 100'000;
    L1 l1(options);
    const Listing listing = listing_of(7);
    const std::uint64_t hash = hash_of(listing);
    const std::string a = stored_bytes({1, 2}), b = stored_bytes({1, 3});
    const auto version = [&] { return l1.find(listing, hash)->version; };
    CHECK(l1.put(listing, hash, state_of(5, 100, a), kNow));
    CHECK(!l1.put(listing, hash, state_of(4, 200, b), kNow) && version() == 5);
    CHECK(!l1.put(listing, hash, state_of(5, 99, a), kNow));
    CHECK(l1.put(listing, hash, state_of(5, 101, a), kNow));
    CHECK(l1.put(listing, hash, state_of(6, 90, b), kNow) && version() == 6);
    CHECK(l1.find(listing, hash)->booked() == b);
    // A listing that is not there has no version: what was read later counts.
    L1State none = state_of(kAnyVersion, 89, {});
    none.no_listing = true;
    CHECK(!l1.put(listing, hash, none, kNow) && version() == 6);
    none.as_of = 300;
    CHECK(l1.put(listing, hash, none, kNow) && l1.find(listing, hash)->no_listing);
    CHECK(!l1.put(listing, hash, state_of(9, 299, a), kNow));
    CHECK(l1.put(listing, hash, state_of(9, 301, a), kNow) && version() == 9);
    // Of a new history: lower versions are newer.
    L1State restored = state_of(2, 400, b);
    restored.stretch = 2;
    CHECK(l1.put(listing, hash, restored, kNow) && version() == 2);
    // What the stream vouches for is not given up for what it doesn't.
    restored.covered = true;
    CHECK(l1.put(listing, hash, restored, kNow));
    restored.covered = false;
    restored.as_of = 500;
    CHECK(!l1.put(listing, hash, restored, kNow) && l1.find(listing, hash)->covered);
}

void times_are_jittered() {
    L1Options options;
    options.bytes = 2'000'000;
    options.hot_listings = 1;
    L1 l1(options);
    const std::string booked = stored_bytes({1, 2});
    double least = 1e9, most = 0, sum = 0;
    for (std::int64_t i = 0; i < 2000; ++i) {
        L1State state = state_of(1, 1, booked);
        state.no_listing = i >= 1000;
        l1.put(listing_of(i), hash_of(listing_of(i)), state, kNow);
        const L1::Entry* entry = l1.find(listing_of(i), hash_of(listing_of(i)));
        const double ttl = std::chrono::duration<double>(entry->expires - kNow).count();
        if (state.no_listing) {
            CHECK(ttl >= 0.8 && ttl <= 1.2);
            continue;
        }
        least = std::min(least, ttl);
        most = std::max(most, ttl);
        sum += ttl;
    }
    CHECK(least >= 48 && least < 49 && most <= 72 && most > 71 && std::abs(sum / 1000 - 60) < 1);
    // One that many ask for ends sooner.
    for (int i = 0; i < 1000; ++i)
        l1.read(listing_of(3), hash_of(listing_of(3)));
    const L1::Entry* entry = l1.find(listing_of(3), hash_of(listing_of(3)));
    CHECK(entry->hot && entry->expires <= kNow + std::chrono::seconds(36));
    CHECK(!l1.find(listing_of(4), hash_of(listing_of(4)))->hot);
}

void popular_are_the_top() {
    std::mt19937_64 random(test::seed());
    Popular popular(50);
    // Zipf: the k-th of 10,000 is asked for in proportion to 1/k.
    std::vector<double> weights;
    for (int k = 1; k <= 10000; ++k)
        weights.push_back(1.0 / k);
    std::discrete_distribution<int> zipf(weights.begin(), weights.end());
    const auto reads = [&](int first) {
        for (int i = 0; i < 100000; ++i)
            popular.add(mix(static_cast<std::uint64_t>(first + zipf(random))));
    };
    const auto of_the_top = [&](int first, int count) {
        int found = 0;
        for (int k = 0; k < count; ++k)
            found += popular.has(mix(static_cast<std::uint64_t>(first + k)));
        return found;
    };
    reads(0);
    std::printf("# of the first 25, 50 and all: %d, %d, %d\n", of_the_top(0, 25), of_the_top(0, 50),
                of_the_top(0, 10000));
    CHECK(of_the_top(0, 25) >= 20 && of_the_top(0, 50) > 25 && of_the_top(0, 10000) <= 60);
    for (int i = 0; i < 4; ++i)
        reads(20000);
    CHECK(of_the_top(20000, 25) >= 20 && of_the_top(0, 10000) < 5);
    CHECK(!Popular(0).has(1));
}

void recent_covers_what_follows() {
    Recent recent(4);
    CHECK(!recent.covers(1, 5, false, 100)); // nothing is known of the stream
    recent.changed(1, 5, false);
    recent.progress(100);
    CHECK(!recent.covers(2, 1, false, 99) && recent.covers(2, 1, false, 100));
    CHECK(!recent.covers(1, 4, false, 200) && recent.outdated(1, 4, false)); // the stale fill
    CHECK(recent.covers(1, 5, false, 100) && recent.covers(1, 6, false, 100));
    // A row that is gone has no version; that it is gone was the last word.
    CHECK(recent.outdated(1, 0, true));
    recent.changed(1, 7, true);
    CHECK(!recent.outdated(1, 0, true) && recent.outdated(1, 6, false));
    recent.changed(1, 8, false);
    CHECK(recent.outdated(1, 0, true));
    recent.changed(1, 7, true); // it comes again
    CHECK(recent.outdated(1, 7, true));
    recent.unreadable(1);
    CHECK(recent.outdated(1, 1000, false));
    recent.changed(1, 9, false);
    CHECK(!recent.outdated(1, 9, false));
    // As many more are told of, the first is forgotten, and with it what was read before.
    for (std::uint64_t i = 10; i < 14; ++i)
        recent.changed(i, 1, false);
    CHECK(recent.outdated(1, 8, false) && recent.covers(2, 1, false, 100));
    recent.progress(500);
    for (std::uint64_t i = 20; i < 24; ++i)
        recent.changed(i, 1, false);
    CHECK(!recent.covers(2, 1, false, 499) && recent.covers(2, 1, false, 500));
    CHECK(recent.outdated(23, 0, false) && recent.outdated(13, 0, false) && !recent.outdated(1, 0, false));
    // A gap.
    const Stretch before = recent.stretch();
    recent.replaced();
    CHECK(recent.stretch() == before + 1 && recent.as_of() == 0 && recent.as_of(before) == 500);
    CHECK(!recent.covers(2, 1, false, 1000) && !recent.outdated(23, 0, false));
    recent.progress(600);
    CHECK(recent.covers(2, 1, false, 600) && recent.as_of(recent.stretch()) == 600 && recent.as_of(0) == 0);
    for (int i = 0; i < 20; ++i)
        recent.replaced();
    CHECK(recent.as_of(before) == 0);
}

void routes_by_hash() {
    Route route;
    Routing routing;
    routing.mode = Mode::kNear;
    routing.canary = Mode::kReplica;
    std::vector<bool> before(10000);
    for (const double share : {0.0, 0.01, 0.1, 0.5, 1.0}) {
        routing.canary_share = share;
        route.set(routing);
        double count = 0;
        for (std::int64_t i = 0; i < 10000; ++i) {
            const bool canary = route.of(hash_of(listing_of(i))) == Mode::kReplica;
            CHECK(canary || !before[static_cast<std::size_t>(i)]); // who is in stays in
            before[static_cast<std::size_t>(i)] = canary;
            count += canary;
        }
        CHECK(std::abs(count / 10000 - share) < 0.02 && (share > 0 || count == 0) && (share < 1 || count == 10000));
    }
    CHECK(route.of_all() == Mode::kNear);
    routing.kill_switch = true;
    route.set(routing);
    CHECK(route.of(1) == Mode::kDatabase && route.of_all() == Mode::kDatabase);
    // The share of a listing is that of every process, today's and tomorrow's.
    CHECK(hash_of(listing_of(42)) == 0xbdd732262feb6e95 && hash_of({1, Key::of("villa-7")}) == 0xe5b4ea56d8b7332b);
    Mode mode = Mode::kRedis;
    CHECK(parse_mode("near", &mode) && mode == Mode::kNear && !parse_mode("nearly", &mode) && word_of(mode) == "near");
}

void alarms_ring_in_order() {
    std::mt19937_64 random(test::seed());
    Simulation simulation;
    SimulatedTiming timing(simulation);
    Alarms alarms(timing);
    timing.ring = [&] { alarms.ring(); };
    std::map<int, Clock::time_point> due;
    std::vector<std::pair<int, Alarms::Id>> ids;
    int rung = 0;
    for (int i = 0; i < 20000; ++i) {
        const auto when = simulation.now() + microseconds(random() % 50000);
        due[i] = when;
        ids.emplace_back(i, alarms.set(when, [&, i] {
            CHECK(due.count(i) != 0 && simulation.now() >= due[i] && simulation.now() <= due[i] + microseconds(1));
            due.erase(i);
            ++rung;
        }));
        if (random() % 2 == 0) {
            const auto [which, id] = ids[random() % ids.size()];
            alarms.cancel(id); // also one that rang, whose place another has
            due.erase(which);
        }
        simulation.run(microseconds(random() % 20));
    }
    simulation.run(milliseconds(100));
    CHECK(due.empty() && rung > 5000 && alarms.size() == 0);
}

} // namespace

int main() {
    run("reader: what many read stays in L1 under a scan", keeps_the_hot);
    run("reader: L1 stays within its bytes", stays_within_its_bound);
    run("reader: versions in L1 go forward, but for a new history", versions_go_forward);
    run("reader: times to live are jittered, and shorter for what is hot", times_are_jittered);
    run("reader: the most popular are known", popular_are_the_top);
    run("reader: what the stream told of late shows which states are the newest", recent_covers_what_follows);
    run("reader: the canary's share is the same listings, and grows", routes_by_hash);
    run("reader: alarms ring once, when they are due", alarms_ring_in_order);
    return exit_status();
}

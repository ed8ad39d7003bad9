// The replica: against a map of sets of days, through random histories; and a million listings.

#include <cstdlib>
#include <ctime>

#include "relay/test/seed.hpp"
#include "service/test/replica_model.hpp"
#include "test/core/check.hpp"

using namespace test;

namespace {

constexpr Day kToday = 20000;

std::vector<DaySpan> random_stays(std::mt19937_64& random) {
    std::vector<DaySpan> stays;
    for (auto n = random() % 6; n > 0; --n) {
        const Day from = kToday - 10 + static_cast<Day>(random() % 100);
        stays.push_back({from, from + 1 + static_cast<Day>(random() % 9)});
    }
    // Now and then one that no line of 64 bytes holds.
    if (random() % 20 == 0)
        for (Day day = kToday; day < kToday + 60; day += 3)
            stays.push_back({day, day + 1});
    return stays;
}

ModelKey random_key(std::mt19937_64& random, int listings) {
    ModelKey key;
    key.table = static_cast<int>(random() % 2);
    key.is_text = key.table == 1 && random() % 2 == 0;
    const auto n = static_cast<std::int64_t>(random() % static_cast<unsigned>(listings));
    key.number = key.is_text ? 0 : n * 7 - 50;
    key.text = key.is_text ? "house " + std::to_string(n) : "";
    return key;
}

SetQuery random_query(std::mt19937_64& random, const Model& model, std::vector<ModelKey>* keep) {
    SetQuery query;
    query.table = random() % 2;
    query.from = kToday - 5 + static_cast<Day>(random() % 60);
    query.to = query.from + 1 + static_cast<Day>(random() % 30);
    if (random() % 2 == 0)
        query.nights = 1 + static_cast<int>(random() % static_cast<unsigned>(query.to - query.from));
    query.limit = random() % 40;
    keep->clear();
    for (const auto& [key, state] : model.listings)
        if (key.table == query.table && random() % 10 == 0)
            keep->push_back(key);
    if (!keep->empty() && random() % 2 == 0)
        query.after = keep->front().view().key;
    if (random() % 4 == 0)
        for (const ModelKey& key : *keep)
            query.among.push_back(key.view().key);
    return query;
}

bool agrees(const Replica& replica, const Model& model, std::mt19937_64& random) {
    std::size_t live = 0;
    for (const auto& [key, state] : model.listings) {
        bool right = false;
        const Found found = replica.read(key.view(), [&](const Replica::Held& held) {
            right = held.version == state.version && held.booked == state.booked;
        });
        live += state.kind == ModelState::Kind::kLive;
        const Found absent =
            model.loading || state.kind == ModelState::Kind::kUnknown ? Found::kUnknown : Found::kNoListing;
        if (state.kind == ModelState::Kind::kLive ? found != Found::kFound || !right : found != absent)
            return false;
    }
    if (replica.listings() != live)
        return false;
    if (model.loading)
        return true;
    std::vector<ModelKey> keep;
    for (int i = 0; i < 10; ++i) {
        const SetQuery query = random_query(random, model, &keep);
        SetAnswer expected = model.search(query);
        if (query.limit == 0)
            expected.more = expected.count > 0;
        if (!same(replica.search(query), expected))
            return false;
    }
    return true;
}

void random_histories() {
    std::mt19937_64 random(test::seed());
    for (int round = 0; round < 12; ++round) {
        ReplicaOptions options;
        options.set_days = 40; // searches reach beyond
        Replica replica(2, options);
        Model model;
        model.loading = true;
        Day today = kToday;
        replica.begin_load();
        for (int step = 0; step < 3000; ++step) {
            const ModelKey key = random_key(random, 300);
            const auto version = static_cast<std::int64_t>(random() % 200);
            const auto stays = random_stays(random);
            const auto what = random() % 20;
            if (what == 0) {
                replica.forget(key.view());
                model.forget(key);
            } else if (what < 3) {
                CHECK(replica.drop(key.view(), version) == model.apply(key, version, {}, true));
            } else {
                CHECK(replica.apply(key.view(), version, stored_bytes(stays)) ==
                      model.apply(key, version, stays, false));
            }
            if (step == 500 || (model.loading && random() % 100 == 0)) {
                replica.end_load();
                model.end_load();
            } else if (!model.loading && random() % 700 == 0) {
                replica.begin_load();
                model.begin_load();
            }
            if (random() % 2 == 0)
                replica.work(today);
            if (random() % 500 == 0)
                today += static_cast<Day>(random() % 8);
            if (step % 250 == 249)
                CHECK(agrees(replica, model, random));
        }
        if (model.loading) {
            replica.end_load();
            model.end_load();
        }
        while (replica.work(today)) {
        }
        CHECK(agrees(replica, model, random));
    }
}

void before_the_first_load() {
    Replica replica(1);
    const Listing listing{0, Key::of(1)};
    const auto look = [](const Replica::Held&) {};
    CHECK(replica.read(listing, look) == Found::kUnknown);
    replica.begin_load();
    CHECK(replica.read(listing, look) == Found::kUnknown);
    SetQuery query;
    query.to = 1;
    CHECK(!replica.search(query).available);
    replica.end_load();
    CHECK(replica.read(listing, look) == Found::kNoListing);
    CHECK(replica.search(query).available);
    for (const auto& [from, to, nights] : {std::tuple(5, 5, 0), {6, 5, 0}, {-1, 5, 0}, {0, 65537, 0}, {1, 3, 3}}) {
        query.from = from, query.to = to, query.nights = nights;
        CHECK(!replica.search(query).available && !replica.search(query).reason.empty());
    }
    query = SetQuery();
    query.to = 1, query.table = 1;
    CHECK(!replica.search(query).available);
}

// Slots of listings that are gone become others', and no search is confused.
void many_come_and_go() {
    Replica replica(1);
    replica.begin_load();
    const std::string taken = stored_bytes({{kToday, kToday + 7}});
    const std::string open = stored_bytes({});
    constexpr std::int64_t kCount = 140000;
    for (std::int64_t i = 0; i < kCount; ++i)
        replica.apply({0, Key::of(i)}, 1, i % 2 == 0 ? taken : open);
    replica.end_load();
    SetQuery query;
    query.from = kToday, query.to = kToday + 3;
    CHECK(replica.search(query).count == kCount / 2);
    while (replica.work(kToday)) {
    }
    CHECK(replica.search(query).count == kCount / 2);
    std::size_t most = 0;
    for (std::int64_t i = 0; i < kCount; ++i) {
        replica.drop({0, Key::of(i)}, 2);
        replica.apply({0, Key::of(kCount + i)}, 3, i % 4 == 0 ? open : taken);
        most = std::max(most, replica.tombstones());
    }
    CHECK(most <= 65537 && replica.listings() == kCount);
    query.limit = 3;
    query.after = Key::of(kCount + 8);
    const SetAnswer answer = replica.search(query);
    CHECK(answer.count == kCount / 4 && answer.more);
    CHECK((answer.listings == std::vector<std::string>{std::to_string(kCount + 12), std::to_string(kCount + 16),
                                                       std::to_string(kCount + 20)}));
    query.after = Key::of(2 * kCount - 8);
    CHECK((replica.search(query).listings == std::vector<std::string>{std::to_string(2 * kCount - 4)}));
}

// The figures are for people, LISTINGS=1000000 gives those of a million; the bytes are a promise.
void many_take_little() {
    // Of this process's time, whatever else runs.
    struct Clock {
        static double now() { return static_cast<double>(std::clock()) * 1000 / CLOCKS_PER_SEC; }
    };
    const auto milliseconds = [](double since) { return Clock::now() - since; };
    const char* const wanted = std::getenv("LISTINGS");
    const std::int64_t count = wanted == nullptr ? 200000 : std::atoll(wanted);
    std::mt19937_64 random(1);
    std::vector<std::string> calendars;
    for (int i = 0; i < 5000; ++i) {
        std::vector<DaySpan> stays; // three to eight, somewhere in a year and a half: 33 bytes
        for (int k = 3 + i % 6; k > 0; --k) {
            const Day from = kToday + static_cast<Day>(random() % 535);
            stays.push_back({from, from + 1 + static_cast<Day>(random() % 8)});
        }
        calendars.push_back(stored_bytes(stays));
    }
    Replica replica(1);
    auto from = Clock::now();
    replica.begin_load();
    for (std::int64_t i = 0; i < count; ++i)
        replica.apply({0, Key::of(i * 7)}, i, calendars[static_cast<std::size_t>(i) % 5000]);
    replica.end_load();
    std::printf("# %lld listings: applied in %.0f ms\n", static_cast<long long>(count), milliseconds(from));
    SetQuery query;
    query.from = kToday + 200, query.to = kToday + 207;
    from = Clock::now();
    const SetAnswer scanned = replica.search(query);
    std::printf("# seven nights, by the calendars: %.1f ms, %llu free\n", milliseconds(from),
                static_cast<unsigned long long>(scanned.count));
    from = Clock::now();
    double longest = 0;
    for (auto slice = Clock::now(); replica.work(kToday); slice = Clock::now())
        longest = std::max(longest, milliseconds(slice));
    std::printf("# sets and order: %.0f ms, the longest part %.1f ms; %.1f MB in all\n", milliseconds(from), longest,
                static_cast<double>(replica.bytes()) / 1e6);
    for (const auto& [what, to, nights] :
         {std::tuple("seven nights", 207, 0), {"five of 31", 231, 5}, {"seven of 180", 380, 7}}) {
        query.to = kToday + to, query.nights = nights;
        from = Clock::now();
        const SetAnswer answer = replica.search(query);
        std::printf("# %s: %.2f ms, %llu free\n", what, milliseconds(from),
                    static_cast<unsigned long long>(answer.count));
        if (nights == 0)
            CHECK(answer.count == scanned.count && answer.listings == scanned.listings);
    }
    from = Clock::now();
    std::size_t bytes = 0;
    for (std::int64_t i = 0; i < count; ++i)
        replica.read({0, Key::of(static_cast<std::int64_t>(random() % count) * 7)},
                     [&](const Replica::Held& held) { bytes += held.booked.size(); });
    std::printf("# a read: %.0f ns\n", milliseconds(from) * 1e6 / static_cast<double>(count));
    from = Clock::now();
    for (std::int64_t i = 0; i < 100000; ++i) {
        const auto n = static_cast<std::int64_t>(random() % count);
        replica.apply({0, Key::of(n * 7)}, count + i, calendars[static_cast<std::size_t>(n + i) % 5000]);
    }
    std::printf("# a change of all of a calendar: %.0f ns\n", milliseconds(from) * 10);
    CHECK(bytes > 0 && replica.bytes() < static_cast<std::size_t>(count) * 150);
    query.to = kToday + 207, query.nights = 0;
    const SetAnswer after = replica.search(query);
    Replica fresh(1);
    fresh.begin_load();
    for (std::int64_t i = 0; i < count; ++i)
        replica.read({0, Key::of(i * 7)}, [&](const Replica::Held& held) {
            fresh.apply({0, Key::of(i * 7)}, held.version, held.booked);
        });
    fresh.end_load();
    CHECK(fresh.search(query).count == after.count);
}

} // namespace

int main() {
    test::run("replica: random histories agree with a map", random_histories);
    test::run("replica: nothing is told before the first load", before_the_first_load);
    test::run("replica: listings that come and go", many_come_and_go);
    test::run("replica: a listing takes less than 150 bytes", many_take_little);
    return test::exit_status();
}

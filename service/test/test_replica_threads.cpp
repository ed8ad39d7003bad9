// A replica read and searched by many threads while one writes. What they see is checked: each calendar says its own
// version. Under ThreadSanitizer (make check-threads) it also shows that nothing is read without the lock.

#include <atomic>
#include <thread>

#include "relay/test/seed.hpp"
#include "service/test/replica_model.hpp"
#include "test/core/check.hpp"

using namespace test;

namespace {

constexpr std::int64_t kListings = 2000;
constexpr Day kToday = 20000;

// One day, which the version tells.
std::string calendar_of(std::int64_t version) {
    const Day day = kToday + static_cast<Day>(version % 30);
    return stored_bytes({{day, day + 1}});
}

void readers_beside_the_writer() {
    ReplicaOptions options;
    options.set_days = 20; // searches go by sets and by calendars
    Replica replica(1, options);
    replica.begin_load();
    for (std::int64_t i = 0; i < kListings; ++i)
        replica.apply({0, Key::of(i)}, 1, calendar_of(1));
    replica.end_load();

    std::atomic<bool> ended{false};
    std::atomic<int> wrong{0};
    std::atomic<std::uint64_t> reads{0};
    const auto read = [&](std::uint64_t seed) {
        std::mt19937_64 random(seed);
        std::vector<std::int64_t> seen(kListings, 0);
        while (!ended) {
            const auto listing = static_cast<std::int64_t>(random() % kListings);
            replica.read({0, Key::of(listing)}, [&](const Replica::Held& held) {
                DaysetView view;
                wrong += !DaysetView::open(held.booked.data(), held.booked.size(), &view) || view.count() != 1 ||
                         !view.contains(kToday + static_cast<Day>(held.version % 30)) ||
                         held.version < seen[static_cast<std::size_t>(listing)];
                seen[static_cast<std::size_t>(listing)] = held.version;
            });
            ++reads;
        }
    };
    const auto search = [&](std::uint64_t seed) {
        std::mt19937_64 random(seed);
        while (!ended) {
            SetQuery query;
            query.from = kToday + static_cast<Day>(random() % 20);
            query.to = query.from + 10;
            query.nights = random() % 2 == 0 ? 0 : 3;
            query.limit = 20;
            query.after = Key::of(static_cast<std::int64_t>(random() % kListings));
            const SetAnswer answer = replica.search(query);
            // One day is booked of ten: three nights are free somewhere in every one that there is.
            wrong += answer.available && query.nights == 3 && answer.count < kListings - 1;
            wrong += replica.bytes() == 0 || replica.listings() > kListings;
        }
    };
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < 3; ++i)
        threads.emplace_back(read, test::seed() + i);
    for (std::uint64_t i = 0; i < 2; ++i)
        threads.emplace_back(search, test::seed() + 10 + i);

    std::mt19937_64 random(test::seed());
    std::int64_t version = 1;
    Day today = kToday;
    for (int step = 0; step < 20000; ++step) {
        const Listing listing{0, Key::of(static_cast<std::int64_t>(random() % kListings))};
        ++version;
        if (step % 97 == 0) {
            replica.forget(listing);
            ++version;
            replica.apply(listing, version, calendar_of(version));
        } else if (step % 101 == 0) {
            replica.drop(listing, version);
            replica.apply(listing, version + 1, calendar_of(version + 1));
            ++version;
        } else {
            replica.apply(listing, version, calendar_of(version));
        }
        if (step % 4000 == 3999)
            ++today;
        replica.work(today);
    }
    // Readers, however many, don't keep the writer waiting for good: it has come here.
    ended = true;
    for (std::thread& thread : threads)
        thread.join();
    CHECK(wrong == 0 && reads > 0);
}

void a_load_beside_readers() {
    Replica replica(1);
    std::atomic<bool> ended{false};
    std::atomic<int> wrong{0};
    std::atomic<int> loads{0};
    std::thread reader([&] {
        while (!ended) {
            const int before = loads;
            bool found = false;
            const Found told = replica.read({0, Key::of(5)}, [&](const Replica::Held&) { found = true; });
            const int after = loads;
            // Listing 5 is there in every whole load: once one has ended, it is never absent.
            wrong += before > 0 && after > 0 && told == Found::kNoListing;
            wrong += found != (told == Found::kFound);
        }
    });
    for (int round = 0; round < 200; ++round) {
        replica.begin_load();
        for (std::int64_t i = 0; i < 50; ++i)
            if (i == 5 || (i + round) % 3 != 0)
                replica.apply({0, Key::of(i)}, 1000 - round, calendar_of(round));
        replica.end_load();
        ++loads;
        while (replica.work(kToday)) {
        }
    }
    ended = true;
    reader.join();
    CHECK(wrong == 0);
}

} // namespace

int main() {
    test::run("replica: readers and searches beside the writer", readers_beside_the_writer);
    test::run("replica: loads beside a reader", a_load_beside_readers);
    return test::exit_status();
}

// The store of calendars: against a map, through random histories.

#include <map>
#include <random>

#include "relay/store.hpp"
#include "relay/test/seed.hpp"
#include "test/core/check.hpp"

using namespace availability::relay;

namespace {

struct Known {
    std::int64_t version;
    std::string booked;
    bool dropped;
    bool current; // taken over since the load began
    bool unknown = false;
};

using Model = std::map<std::pair<int, std::string>, Known>;

std::string name_of(std::uint64_t n) {
    return n % 2 == 0 ? std::to_string(n) : "listing " + std::to_string(n) + std::string(n % 50, 'x');
}

Key key_of(std::uint64_t n, const std::string& name) {
    return n % 2 == 0 ? Key::of(static_cast<std::int64_t>(n)) : Key::of(std::string_view(name));
}

bool agrees(const Store& store, const Model& model) {
    std::size_t listings = 0;
    std::size_t unknown = 0;
    for (const auto& [key, known] : model) {
        const std::uint64_t n = key.second[0] == 'l' ? 1 : 0;
        const Slot slot = store.find(static_cast<std::uint16_t>(key.first),
                                     n == 0 ? Key::of(std::stoll(key.second)) : Key::of(std::string_view(key.second)));
        if (slot == kNoSlot)
            return false;
        const Calendar calendar = store.get(slot);
        if (calendar.version != known.version || calendar.dropped != known.dropped ||
            calendar.unknown != known.unknown || (!known.dropped && calendar.booked != known.booked) ||
            calendar.table != key.first || calendar.listing.str() != key.second)
            return false;
        listings += !known.dropped;
        unknown += known.unknown;
    }
    return store.listings() == listings && store.unknown() == unknown &&
           store.tombstones() == model.size() - listings - unknown;
}

void random_histories() {
    std::mt19937_64 random(test::seed());
    for (int round = 0; round < 20; ++round) {
        Store store;
        Model model;
        for (int step = 0; step < 4000; ++step) {
            const std::uint64_t n = random() % 1500;
            const int table = static_cast<int>(random() % 2);
            const std::string name = name_of(n);
            const bool dropped = random() % 10 == 0;
            const std::string booked(random() % 5 == 0 ? 41 + random() % 300 : 8 + random() % 33,
                                     static_cast<char>(random()));
            const auto version = static_cast<std::int64_t>(random() % 100);
            const auto found = model.find({table, name});
            const bool expected = found == model.end() || !found->second.current || version > found->second.version;
            bool newer = false;
            const Slot slot =
                store.apply(static_cast<std::uint16_t>(table), key_of(n, name), version, booked, dropped, &newer);
            CHECK(newer == expected && store.used(slot));
            if (expected)
                model[{table, name}] = {version, booked, dropped, true};
            if (random() % 50 == 0) {
                const std::string forgotten = name_of(n / 2);
                CHECK(store.used(store.forget(static_cast<std::uint16_t>(table), key_of(n / 2, forgotten))));
                Known& known =
                    model.try_emplace({table, forgotten}, Known{kUnknownVersion, {}, true, true}).first->second;
                if (!known.current)
                    known.version = kUnknownVersion;
                known.dropped = known.current = known.unknown = true;
            }
            if (random() % 1000 == 0) {
                store.begin_load();
                for (auto& [key, known] : model)
                    known.current = false;
            } else if (random() % 1000 == 0) {
                std::size_t gone = 0;
                store.end_load([&](Slot) { ++gone; });
                for (auto& [key, known] : model) {
                    gone -= !known.current && !known.dropped;
                    known.dropped = known.dropped || !known.current;
                    known.unknown = known.unknown && known.current;
                    known.current = true;
                }
                CHECK(gone == 0);
            } else if (random() % 500 == 0) {
                store.forget_dropped();
                for (auto entry = model.begin(); entry != model.end();)
                    entry = entry->second.dropped && !entry->second.unknown ? model.erase(entry) : std::next(entry);
            }
        }
        CHECK(agrees(store, model));
    }
}

// Of 255 loads ago, nothing may look new.
void many_loads() {
    Store store;
    bool newer = false;
    store.apply(0, Key::of(1), 5, "12345678", false, &newer);
    for (int i = 0; i < 600; ++i) {
        store.begin_load();
        std::size_t gone = 0;
        store.apply(0, Key::of(2), i, "12345678", false, &newer);
        CHECK(newer);
        store.end_load([&](Slot) { ++gone; });
        CHECK(gone == (i == 0 ? 1U : 0U));
    }
}

// A snapshot may have been taken before the event that could not be read, and come after it.
void rows_of_a_snapshot() {
    Store store;
    bool newer = false;
    store.apply(0, Key::of(1), 5, "12345678", false, &newer);
    store.begin_load();
    store.forget(0, Key::of(1));
    const Slot slot = store.load(0, Key::of(1), 5, "12345678", &newer);
    CHECK(!newer && store.get(slot).unknown);
    store.load_unreadable(0, Key::of(2));
    CHECK(store.get(store.find(0, Key::of(2))).unknown);
    store.apply(0, Key::of(3), 9, "12345678", false, &newer);
    store.load_unreadable(0, Key::of(3));
    CHECK(!store.get(store.find(0, Key::of(3))).unknown);
    store.end_load([](Slot) {});
    CHECK(store.unknown() == 2 && store.listings() == 1);
    store.apply(0, Key::of(1), 6, "12345678", false, &newer);
    CHECK(newer && !store.get(slot).unknown);
    // Another load begins from what the database has.
    store.forget(0, Key::of(1));
    store.begin_load();
    store.load(0, Key::of(1), 4, "12345678", &newer);
    CHECK(newer && !store.get(slot).unknown);
}

void a_million_takes_little() {
    Store store;
    bool newer = false;
    const std::string booked(33, 'x');
    for (std::int64_t i = 0; i < 1000000; ++i)
        store.apply(0, Key::of(i * 7), i, booked, false, &newer);
    std::printf("# a million listings: %zu MB\n", store.bytes() >> 20);
    CHECK(store.listings() == 1000000 && store.bytes() < std::size_t{130} << 20);
}

} // namespace

int main() {
    test::run("store: random histories agree with a map", random_histories);
    test::run("store: marks of loads come round", many_loads);
    test::run("store: a row of a snapshot says nothing of what an event made unknown", rows_of_a_snapshot);
    test::run("store: a million listings take less than 130 MB", a_million_takes_little);
    return test::exit_status();
}

// The scripts in a real Redis: nothing ever goes back, whoever writes, fills, sleeps, expires or is evicted.

#include <map>
#include <optional>
#include <random>

#include "relay/layout.hpp"
#include "relay/redis/scripts.hpp"
#include "relay/test/fake_feed.hpp"
#include "relay/test/redis_server.hpp"
#include "test/core/check.hpp"

using namespace availability;
using namespace availability::layout;
using relay::redis::script_sources;

namespace {

test::RedisServer* server = nullptr;
constexpr std::int64_t kNone = INT64_MIN;

std::string run(Script script, const std::vector<std::string>& keys, const std::vector<std::string>& arguments) {
    std::vector<std::string> words = {"EVALSHA", relay::redis::name_of(script), std::to_string(keys.size())};
    words.insert(words.end(), keys.begin(), keys.end());
    words.insert(words.end(), arguments.begin(), arguments.end());
    return server->ask(words);
}

std::string booked_on(Day day) {
    return test::stored_bytes({{day, day + 1}});
}

std::string entry_of(Stamp stamp, const std::string& booked) {
    std::string bytes;
    if (booked.empty())
        append_stamp(stamp, &bytes);
    else
        append_calendar(stamp, booked, &bytes);
    return bytes;
}

std::string lease_of(std::uint64_t epoch, std::uint64_t token) {
    std::string bytes;
    append_lease({epoch, kNone}, token, &bytes);
    return bytes;
}

std::string token_of(std::uint64_t token) {
    return lease_of(0, token).substr(17);
}

std::optional<Entry> entry_at(const std::string& key, Layout layout = Layout::kCalendar) {
    static std::string bytes;
    bytes = server->ask({"GET", key});
    Entry entry;
    if (bytes == "(nil)")
        return std::nullopt;
    CHECK(read_entry(layout, bytes, &entry) == nullptr);
    return entry;
}

const std::string kKey = "avail:v3:{42}";

std::string write(Stamp stamp, const std::string& booked, const char* px = "600000") {
    return run(Script::kWriteCalendar, {kKey}, {entry_of(stamp, booked), px});
}
std::string fill_calendar(Stamp stamp, const std::string& booked, std::uint64_t token) {
    return run(Script::kFillCalendar, {kKey}, {entry_of(stamp, booked), "600000", token == 0 ? "" : token_of(token)});
}
std::string lease(std::uint64_t epoch, std::uint64_t token, const char* px = "30000") {
    return run(Script::kLease, {kKey}, {lease_of(epoch, token), px});
}

void clear() {
    server->ask({"FLUSHALL"});
}

void scripts_load() {
    for (int i = 0; i < kScripts; i++)
        CHECK(server->ask({"SCRIPT", "LOAD", script_sources()[static_cast<std::size_t>(i)]}) ==
              relay::redis::name_of(static_cast<Script>(i)));
}

void guard() {
    clear();
    CHECK(write({5, 10}, booked_on(1)) == "1");
    CHECK(write({5, 9}, booked_on(2)) == "0");
    CHECK(write({4, 99}, booked_on(2)) == "0");
    CHECK(entry_at(kKey)->stamp == (Stamp{5, 10}) && entry_at(kKey)->calendar.contains(1));
    CHECK(write({5, 10}, booked_on(1)) == "1"); // the same again: its life begins anew
    CHECK(write({6, 1}, booked_on(3)) == "1");
    CHECK(entry_at(kKey)->calendar.contains(3));
    CHECK(server->ask({"PTTL", kKey}) != "-1");
    CHECK(write({6, 2}, booked_on(3), "0") == "1");
    CHECK(server->ask({"PTTL", kKey}) == "-1");
}

// Versions that doubles can't tell apart, and bytes that a locale would order otherwise.
void guard_is_exact() {
    clear();
    constexpr std::int64_t kLarge = (std::int64_t{1} << 62) + 1;
    CHECK(write({UINT64_MAX - 1, kLarge}, booked_on(1)) == "1");
    CHECK(write({UINT64_MAX - 1, kLarge - 1}, booked_on(2)) == "0");
    CHECK(write({UINT64_MAX - 1, kLarge + 1}, booked_on(3)) == "1");
    CHECK(write({UINT64_MAX - 2, INT64_MAX}, booked_on(4)) == "0");
    CHECK(write({UINT64_MAX, -7}, booked_on(5)) == "1");
    CHECK(write({UINT64_MAX, -8}, booked_on(6)) == "0");
    CHECK(write({UINT64_MAX, 0}, booked_on(7)) == "1");
    CHECK(entry_at(kKey)->calendar.contains(7));
}

void drop_leaves_a_tombstone() {
    clear();
    write({5, 10}, booked_on(1));
    CHECK(run(Script::kDrop, {kKey}, {entry_of({5, 9}, ""), "600000"}) == "0");
    CHECK(run(Script::kDrop, {kKey}, {entry_of({5, 11}, ""), "600000"}) == "1");
    CHECK(entry_at(kKey)->kind == Entry::Kind::kTombstone);
    CHECK(write({5, 10}, booked_on(1)) == "0");
    CHECK(fill_calendar({5, 10}, booked_on(1), 7) == "0");
    CHECK(entry_at(kKey)->kind == Entry::Kind::kTombstone);
    CHECK(write({5, 12}, booked_on(2)) == "1"); // made anew
}

// Read v1, write v2, event v2, fill v1: in every way that can happen.
void stale_fill_loses() {
    clear();
    CHECK(lease(5, 77) == "1");
    CHECK(lease(5, 78) == "0"); // somebody reads
    write({5, 2}, booked_on(2));
    CHECK(fill_calendar({5, 1}, booked_on(1), 77) == "0");
    CHECK(entry_at(kKey)->stamp.version == 2);

    // The same, and meanwhile what the event wrote has expired or was evicted.
    clear();
    lease(5, 77);
    write({5, 2}, booked_on(2));
    server->ask({"DEL", kKey});
    CHECK(fill_calendar({5, 1}, booked_on(1), 77) == "0");
    CHECK(!entry_at(kKey));

    // And another reader has a lease by then.
    CHECK(lease(5, 78) == "1");
    CHECK(fill_calendar({5, 1}, booked_on(1), 77) == "0");
    CHECK(fill_calendar({5, 2}, booked_on(2), 78) == "1");
    CHECK(entry_at(kKey)->stamp.version == 2);

    // A reader that was asleep for longer than its lease.
    clear();
    CHECK(lease(5, 77, "1") == "1");
    usleep(20000);
    CHECK(fill_calendar({5, 1}, booked_on(1), 77) == "0");

    // One that read in an epoch before.
    clear();
    lease(5, 77);
    CHECK(fill_calendar({4, 1}, booked_on(1), 77) == "0");
    CHECK(lease(6, 79) == "1");
    CHECK(fill_calendar({5, 1}, booked_on(1), 77) == "0");
    CHECK(fill_calendar({6, 1}, booked_on(1), 79) == "1");
    // What an earlier epoch wrote makes way for a lease; what this one wrote is told.
    CHECK(lease(7, 80) == "1");
    write({7, 1}, booked_on(3));
    CHECK(lease(7, 81) == entry_of({7, 1}, booked_on(3)));
    // Ahead of the relay.
    CHECK(fill_calendar({7, 5}, booked_on(5), 0) == "1");
    CHECK(write({7, 4}, booked_on(4)) == "0");
    // There is no such listing.
    clear();
    lease(7, 82);
    CHECK(fill_calendar({7, 0}, "", 82) == "1");
    CHECK(entry_at(kKey)->kind == Entry::Kind::kTombstone);
    CHECK(write({7, 1}, booked_on(1)) == "1");
}

// --- months --------------------------------------------------------------------------------------

const std::string kVersionKey = kKey + ":version";
constexpr Month kFirst = 683; // 2026-12

std::string month_key(Month month) {
    std::string key = kKey;
    append_month(month, &key);
    return key;
}

std::string bits_of(int byte) {
    return {static_cast<char>(byte), 0, 0, 0};
}

// Each month given is `byte` of its number.
std::string write_months(Stamp stamp, Month first, std::uint32_t mask, std::int64_t previous, int byte) {
    std::string head;
    append_months(stamp, first, mask, &head);
    if (previous != kNone)
        for (int shift = 56; shift >= 0; shift -= 8)
            head.push_back(static_cast<char>(static_cast<std::uint64_t>(previous) >> shift));
    std::vector<std::string> keys = {kVersionKey};
    std::vector<std::string> arguments = {head, "1200000", "600000"};
    for (int i = 0; i < kMaxMonths; i++)
        if ((mask >> i & 1U) != 0) {
            keys.push_back(month_key(first + i));
            arguments.push_back(bits_of(byte));
        }
    return run(Script::kWriteMonths, keys, arguments);
}

std::string fill_months(Stamp stamp, Month first, std::uint32_t mask, std::uint64_t token, int byte) {
    std::string head;
    append_months(stamp, first, mask, &head);
    std::vector<std::string> keys = {kVersionKey};
    std::vector<std::string> arguments = {head, "1200000", "600000", token == 0 ? "" : token_of(token)};
    for (int i = 0; i < kMaxMonths; i++)
        if ((mask >> i & 1U) != 0) {
            keys.push_back(month_key(first + i));
            arguments.push_back(bits_of(byte));
        }
    return run(Script::kFillMonths, keys, arguments);
}

std::uint32_t mask_now(Month first) {
    const auto entry = entry_at(kVersionKey, Layout::kMonths);
    return entry && entry->first_month == first ? entry->mask : 0;
}

void months_that_changed() {
    clear();
    CHECK(write_months({5, 10}, kFirst, 0x7, kNone, 1) == "1");
    CHECK(server->ask({"GET", month_key(kFirst + 2)}) == bits_of(1));
    // Those that are not written go on counting if the chain holds.
    CHECK(write_months({5, 11}, kFirst, 0x2, 10, 2) == "1");
    CHECK(mask_now(kFirst) == 0x7);
    CHECK(server->ask({"GET", month_key(kFirst)}) == bits_of(1) &&
          server->ask({"GET", month_key(kFirst + 1)}) == bits_of(2));
    // An older one changes nothing, the same again is harmless.
    CHECK(write_months({5, 10}, kFirst, 0x7, 9, 9) == "0");
    CHECK(write_months({5, 11}, kFirst, 0x2, 10, 2) == "1");
    CHECK(mask_now(kFirst) == 0x7);
    // A write between was lost: all months are asked for.
    CHECK(write_months({5, 13}, kFirst, 0x4, 12, 3) == "2");
    CHECK(server->ask({"GET", month_key(kFirst + 2)}) == bits_of(1));
    CHECK(write_months({5, 13}, kFirst, 0x7, kNone, 3) == "1");
    // Of an earlier epoch: the same.
    CHECK(write_months({6, 14}, kFirst, 0x4, 13, 4) == "2");
    CHECK(write_months({6, 14}, kFirst, 0x3, kNone, 4) == "1");
    CHECK(mask_now(kFirst) == 0x3);
    // A fill was ahead of the relay: what changed after it changed since.
    CHECK(fill_months({6, 20}, kFirst, 0x7, 0, 5) == "1");
    CHECK(write_months({6, 18}, kFirst, 0x1, 14, 9) == "0");
    CHECK(write_months({6, 21}, kFirst, 0x1, 20, 6) == "1");
    CHECK(mask_now(kFirst) == 0x7);
    // A month begins: the mask moves along.
    CHECK(write_months({6, 22}, kFirst + 1, 0x8, 21, 7) == "1");
    CHECK(mask_now(kFirst + 1) == 0xB);
    CHECK(write_months({6, 23}, kFirst + 40, 0x1, 22, 7) == "1");
    CHECK(mask_now(kFirst + 40) == 0x1);
    CHECK(write_months({6, 24}, kFirst + 39, 0x1, 23, 7) == "1");
    CHECK(mask_now(kFirst + 39) == 0x3);
    CHECK(write_months({6, 25}, kFirst + 39, 0x80000000U, 24, 7) == "1");
    CHECK(mask_now(kFirst + 39) == 0x80000003U);
}

void months_after_expiry() {
    clear();
    write_months({5, 10}, kFirst, 0x7, kNone, 1);
    server->ask({"DEL", kVersionKey});
    // Nothing is known of the others.
    CHECK(write_months({5, 11}, kFirst, 0x2, 10, 2) == "1");
    CHECK(mask_now(kFirst) == 0x2);
    // Onto a lease the same.
    server->ask({"DEL", kVersionKey});
    CHECK(run(Script::kLease, {kVersionKey}, {lease_of(5, 7), "30000"}) == "1");
    CHECK(write_months({5, 12}, kFirst, 0x4, 11, 3) == "1");
    CHECK(mask_now(kFirst) == 0x4);
    CHECK(fill_months({5, 11}, kFirst, 0x7, 7, 9) == "0");
    CHECK(server->ask({"GET", month_key(kFirst + 2)}) == bits_of(3));
    // A fill of the same version adds its months.
    CHECK(fill_months({5, 12}, kFirst, 0x3, 0, 4) == "1");
    CHECK(mask_now(kFirst) == 0x7);
    // Dropped: the months go.
    CHECK(run(Script::kDrop, {kVersionKey, month_key(kFirst), month_key(kFirst + 1)},
              {entry_of({5, 13}, ""), "600000"}) == "1");
    CHECK(server->ask({"EXISTS", month_key(kFirst)}) == "0");
    CHECK(fill_months({5, 12}, kFirst, 0x7, 0, 4) == "0");
    CHECK(write_months({5, 14}, kFirst, 0x1, kNone, 5) == "1");
    CHECK(mask_now(kFirst) == 0x1);
}

void records() {
    clear();
    std::string first;
    std::string second;
    std::string later;
    append_record({5, 1, 1, 1, "a"}, &first);
    append_record({5, 2, 2, 2, "a"}, &second);
    append_record({6, 1, 1, 1, "a"}, &later);
    const std::string key = "avail:v3:relay:{0}";
    CHECK(run(Script::kRecord, {key}, {first}) == "(nil)");
    CHECK(run(Script::kRecord, {key}, {second}) == first);
    CHECK(run(Script::kRecord, {key}, {later}) == second);
    CHECK(run(Script::kRecord, {key}, {second}) == later);
    CHECK(server->ask({"GET", key}) == later);
}

// --- property ------------------------------------------------------------------------------------

// A database of one listing, a relay that applies its events late, twice and again from earlier, and readers that fill
// what they read long ago; expiries, evictions, new epochs. What is there, if it is of the epoch, has the days of its
// version, and is never older than what was there.
void never_back(unsigned seed, int steps) {
    clear();
    std::mt19937 random(seed);
    std::uint64_t epoch = 1;
    std::int64_t version = 1; // of the database; the calendar of version v has day v alone
    std::int64_t applied = 0; // by the relay
    struct Fill {
        Stamp stamp;
        std::uint64_t token;
    };
    std::vector<Fill> fills;
    Stamp newest{0, 0}; // ever seen
    for (int step = 0; step < steps; step++) {
        switch (random() % 9) {
        case 0:
            version++;
            break;
        case 1:
            applied = std::min(version, applied + 1 + static_cast<std::int64_t>(random() % 3));
            write({epoch, applied}, booked_on(static_cast<Day>(applied)));
            break;
        case 2: { // replays
            const std::int64_t from = 1 + static_cast<std::int64_t>(random() % static_cast<unsigned>(version));
            for (std::int64_t v = from; v <= applied; v++)
                write({epoch, v}, booked_on(static_cast<Day>(v)));
            break;
        }
        case 3:
        case 4: {
            const std::uint64_t token = random() + std::uint64_t{1};
            const std::string answer = lease(epoch, token);
            if (answer == "1" || random() % 4 == 0) // some fill without having it
                fills.push_back({{epoch, version}, token});
            break;
        }
        case 5:
            // Some readers sleep for long.
            if (fills.size() > 3 + random() % 4) {
                const std::size_t i = random() % fills.size();
                fill_calendar(fills[i].stamp, booked_on(static_cast<Day>(fills[i].stamp.version)), fills[i].token);
                fills.erase(fills.begin() + static_cast<std::ptrdiff_t>(i));
            }
            break;
        case 6:
        case 7:
            if (random() % 2 == 0) {
                server->ask({"DEL", kKey});
                newest = {0, 0};
            }
            break;
        default:
            if (random() % 8 == 0) {
                epoch++;
                write({epoch, applied}, booked_on(static_cast<Day>(applied)));
            }
        }
        const auto entry = entry_at(kKey);
        if (!entry || entry->kind != Entry::Kind::kCalendar || entry->stamp.epoch != epoch)
            continue;
        CHECK(entry->calendar.contains(static_cast<Day>(entry->stamp.version)) && entry->calendar.count() == 1);
        CHECK(!(entry->stamp < newest));
        // Whatever expired: nothing that a read tells is older than what the relay applied.
        CHECK(entry->stamp.version >= applied || entry->stamp == newest);
        newest = entry->stamp;
        if (test::current_failed) {
            std::printf("# seed %u, step %d: epoch %llu, version %lld, applied %lld, there %lld\n", seed, step,
                        static_cast<unsigned long long>(epoch), static_cast<long long>(version),
                        static_cast<long long>(applied), static_cast<long long>(entry->stamp.version));
            return;
        }
    }
}

void property() {
    const char* given = std::getenv("SEED");
    const unsigned seed = given != nullptr ? static_cast<unsigned>(std::atoi(given)) : std::random_device{}();
    std::printf("# SEED=%u\n", seed);
    for (unsigned i = 0; i < 10 && !test::current_failed; i++)
        never_back(seed + i, 250);
}

} // namespace

int main() {
    test::RedisServer own;
    server = &own;
    test::run("scripts load under their names", scripts_load);
    test::run("a write never goes back", guard);
    test::run("stamps are compared exactly", guard_is_exact);
    test::run("a dropped listing leaves a tombstone", drop_leaves_a_tombstone);
    test::run("a stale fill loses", stale_fill_loses);
    test::run("months that changed are written alone", months_that_changed);
    test::run("months after an expiry, a lease, a drop", months_after_expiry);
    test::run("records of a later epoch stay", records);
    test::run("random histories never go back", property);
    return test::exit_status();
}

// The shared cache against real servers. What the relay would write, the test writes, by the scripts of the layout.

#include <ctime>
#include <map>
#include <random>

#include <boost/asio/io_context.hpp>
#include <spdlog/spdlog.h>

#include "extension/core/dayset_validate.hpp"
#include "relay/test/fake_feed.hpp"
#include "relay/test/redis_server.hpp"
#include "service/redis/shared_cache.hpp"
#include "test/core/check.hpp"

using namespace test;
using namespace availability;
using namespace std::chrono_literals;
using availability::layout::Layout;
using availability::layout::Script;
using availability::reader::Clock;
using availability::reader::Fill;
using availability::reader::OwnedListing;
using availability::reader::TierAnswer;
using availability::shared_cache::Options;
using availability::shared_cache::RedisCache;
using Kind = TierAnswer::Kind;

namespace {

constexpr Epoch kEpoch = 1000;
constexpr std::int64_t kAsOf = 1800000000000000;
const std::string kPrefix = "avail:v3:";

OwnedListing listing(std::int64_t number) {
    return OwnedListing(reader::Listing{0, relay::Key::of(number)});
}

std::string key_of(std::int64_t number) {
    return kPrefix + "{" + std::to_string(number) + "}";
}

std::string calendar(std::int64_t version, const std::string& booked, Epoch epoch = kEpoch) {
    std::string bytes;
    layout::append_calendar({epoch, version}, booked, &bytes);
    return bytes;
}

std::string record(Epoch epoch = kEpoch, std::int64_t as_of = kAsOf, std::int64_t written = kAsOf + 60'000'000) {
    layout::Record record;
    record.epoch = epoch;
    record.as_of = as_of;
    record.written = written;
    record.run_id = "0123456789012345678901234567890123456789";
    std::string bytes;
    layout::append_record(record, &bytes);
    return bytes;
}

std::string record_key(std::uint16_t slot = 0) {
    return "avail:v3:relay:{" + relay::redis::tag_of_slot(slot) + "}";
}

// As the relay writes an event.
std::string write(const RedisServer& server, std::int64_t number, std::int64_t version, const std::string& booked) {
    return server.ask({"EVAL", std::string(layout::source_of(Script::kWriteCalendar)), "1", key_of(number),
                       calendar(version, booked), "600000"});
}

const std::string& booked() {
    static const std::string bytes = stored_bytes({{20820, 20830}, {20900, 20907}});
    return bytes;
}

Options options(const std::vector<std::string>& nodes, bool cluster = false, Layout layout = Layout::kCalendar) {
    Options options;
    for (const std::string& node : nodes)
        options.client.nodes.push_back(*relay::redis::parse_endpoint(node));
    options.client.cluster = cluster;
    options.client.connection.timeout = 10s;
    options.tables.resize(1);
    options.layout = layout;
    options.timeout = 5s;
    return options;
}

// Of one who does not wait for long.
Options impatient(Options options) {
    options.client.connection.timeout = 1s;
    options.timeout = 400ms;
    return options;
}

// A loop and the caches on it.
class Rig {
  public:
    explicit Rig(const Options& options, int caches = 1) {
        spdlog::set_level(spdlog::level::off);
        for (int i = 0; i < caches; i++) {
            all.push_back(std::make_unique<RedisCache>(io, options));
            all.back()->start();
        }
        run_until(
            [&] { return std::all_of(all.begin(), all.end(), [](const auto& cache) { return cache->usable(); }); });
    }
    bool run_until(const std::function<bool()>& condition) {
        const auto end = Clock::now() + 30s;
        while (!condition()) {
            if (Clock::now() > end) {
                std::printf("# waited too long\n");
                CHECK(!"waited too long");
                return false;
            }
            io.run_one_for(5ms);
            if (io.stopped())
                io.restart();
        }
        return true;
    }
    void run_for(std::chrono::milliseconds time) {
        const auto end = Clock::now() + time;
        run_until([&] { return Clock::now() >= end; });
    }
    std::vector<TierAnswer> read(std::vector<OwnedListing> listings, bool lease = false, std::size_t cache = 0,
                                 std::chrono::milliseconds within = 10s) {
        std::vector<TierAnswer> answers;
        bool done = false, returned = false;
        all[cache]->read(std::move(listings), lease, Clock::now() + within, [&](std::vector<TierAnswer> given) {
            CHECK(returned);
            answers = std::move(given);
            done = true;
        });
        returned = true;
        run_until([&] { return done; });
        return answers;
    }
    TierAnswer read(std::int64_t number, bool lease = false, std::size_t cache = 0) {
        return read(std::vector<OwnedListing>{listing(number)}, lease, cache)[0];
    }
    void fill(std::int64_t number, const TierAnswer& granted, std::int64_t version, const std::string& bytes,
              std::size_t cache = 0, std::chrono::seconds ago = 0s) {
        Fill fill;
        fill.listing = listing(number);
        fill.version = version;
        fill.booked = bytes;
        fill.no_listing = bytes.empty();
        fill.token = granted.token;
        fill.epoch = granted.epoch;
        fill.read_at = Clock::now() - ago;
        const auto ended = [&] {
            const auto& counters = all[cache]->counters();
            return counters.filled + counters.fills_lost + counters.fills_dropped + counters.fills_failed;
        };
        const auto before = ended();
        all[cache]->fill({fill});
        run_until([&] { return ended() > before; });
    }
    RedisCache& cache(std::size_t i = 0) { return *all[i]; }

    boost::asio::io_context io;
    std::vector<std::unique_ptr<RedisCache>> all;
};

void reads(RedisServer& server) {
    server.ask({"FLUSHALL"});
    Rig rig(options({server.address()}));
    write(server, 1, 5, booked());
    // Nothing says that it holds good.
    CHECK(rig.read(1).kind == Kind::kMiss && rig.read(1, true).kind == Kind::kMiss);
    server.ask({"SET", record_key(), record()});
    TierAnswer answer = rig.read(1);
    CHECK(answer.kind == Kind::kFound && answer.version == 5 && answer.epoch == kEpoch && answer.as_of == kAsOf);
    CHECK(answer.booked == booked() && answer.known == (DaySpan{kFirstDay, kEndDay}));
    CHECK(rig.read(2).kind == Kind::kMiss);
    // The database's clock was ahead when it was written.
    server.ask({"SET", record_key(), record(kEpoch, kAsOf, kAsOf - 7)});
    CHECK(rig.read(1).as_of == kAsOf - 7);
    server.ask({"SET", record_key(), record()});

    std::string stamp, lease;
    layout::append_stamp({kEpoch, 7}, &stamp);
    layout::append_lease({kEpoch, 0}, 99, &lease);
    server.ask({"SET", key_of(3), stamp});
    answer = rig.read(3);
    CHECK(answer.kind == Kind::kNoListing && answer.version == 7 && answer.as_of == kAsOf);
    server.ask({"SET", key_of(4), lease});
    CHECK(rig.read(4).kind == Kind::kMiss && rig.read(4, true).kind == Kind::kBusy);
    // Of an epoch that is over, or of one to come.
    server.ask({"SET", key_of(5), calendar(9, booked(), kEpoch - 1)});
    server.ask({"SET", key_of(6), calendar(9, booked(), kEpoch + 1)});
    CHECK(rig.read(5).kind == Kind::kMiss && rig.read(6).kind == Kind::kMiss);
    CHECK(rig.read(5, true).kind == Kind::kGranted && rig.read(6, true).kind == Kind::kBusy);
    // What is none of ours.
    server.ask({"SET", key_of(7), "hello"});
    server.ask({"SET", key_of(8), calendar(9, "no day set at all")});
    server.ask({"LPUSH", key_of(9), "a list"});
    const auto answers = rig.read({listing(7), listing(8), listing(9), listing(1)});
    CHECK(answers[0].kind == Kind::kMiss && answers[1].kind == Kind::kMiss && answers[2].kind == Kind::kMiss);
    CHECK(answers[3].kind == Kind::kFound);
    CHECK(rig.cache().counters().broken > 0 && rig.cache().breaker() == 0);
    // A text and a number are one key; one that is too long has none.
    OwnedListing text;
    text.is_text = true;
    text.text = "1";
    CHECK(rig.read({text})[0].kind == Kind::kFound);
    text.text.assign(2000, 'x');
    CHECK(rig.read({text}, true)[0].kind == Kind::kMiss);
    CHECK(rig.read(std::vector<OwnedListing>()).empty());
    // A record that is none.
    server.ask({"SET", record_key(), "short"});
    CHECK(rig.read(1, true).kind == Kind::kMiss);
}

// Random bytes in the place of an entry or of the record: never an answer that is not what is there.
void believes_nothing(RedisServer& server) {
    server.ask({"FLUSHALL"});
    Rig rig(options({server.address()}));
    std::mt19937 random(static_cast<unsigned>(std::time(nullptr)));
    const std::string whole = calendar(5, booked());
    for (int i = 0; i < 300; i++) {
        server.ask({"SET", record_key(), record()});
        std::string bytes = whole;
        for (unsigned n = 1 + static_cast<unsigned>(random() % 3); n > 0; n--)
            bytes[random() % bytes.size()] = static_cast<char>(random());
        if (random() % 4 == 0)
            bytes.resize(random() % bytes.size());
        server.ask({"SET", key_of(1), bytes});
        const TierAnswer answer = rig.read(1);
        if (answer.kind == Kind::kFound) {
            DaysetView view;
            bool canonical = false;
            CHECK(validate(answer.booked.data(), answer.booked.size(), &view, &canonical) == nullptr);
            CHECK(answer.epoch == kEpoch && bytes.substr(16) == answer.booked);
        }
    }
}

void fills(RedisServer& server) {
    server.ask({"FLUSHALL"});
    server.ask({"SET", record_key(), record()});
    Rig rig(options({server.address()}), 2);
    TierAnswer granted = rig.read(1, true);
    CHECK(granted.kind == Kind::kGranted && granted.epoch == kEpoch && granted.token != 0);
    CHECK(rig.read(1, true, 1).kind == Kind::kBusy && rig.read(1, false, 1).kind == Kind::kMiss);
    rig.fill(1, granted, 7, booked());
    const TierAnswer answer = rig.read(1, true, 1);
    CHECK(answer.kind == Kind::kFound && answer.version == 7 && answer.booked == booked());
    // Lives differ within a fifth.
    std::map<int, int> lives;
    for (int i = 100; i < 150; i++) {
        rig.fill(i, rig.read(i, true), 7, booked());
        const int life = std::atoi(server.ask({"PTTL", key_of(i)}).c_str());
        CHECK(life > 470000 && life <= 720000);
        lives[life / 10000]++;
    }
    CHECK(lives.size() > 5);
    // A listing that is none.
    granted = rig.read(2, true);
    rig.fill(2, granted, 0, "");
    CHECK(rig.read(2, true, 1).kind == Kind::kNoListing);
    CHECK(std::atoi(server.ask({"PTTL", key_of(2)}).c_str()) <= 72000);
    // An event makes it one.
    CHECK(write(server, 2, 3, booked()) == "1");
    CHECK(rig.read(2).version == 3);
    CHECK(rig.cache().counters().filled == 52);
    // Asked for too long ago.
    granted = rig.read(3, true);
    rig.fill(3, granted, 7, booked(), 0, 31s);
    CHECK(rig.cache().counters().fills_dropped == 1 && rig.read(3).kind == Kind::kMiss);
    // The epoch has changed meanwhile.
    granted = rig.read(4, true);
    server.ask({"SET", record_key(), record(kEpoch + 1)});
    rig.fill(4, granted, 7, booked());
    CHECK(rig.read(4).kind == Kind::kMiss);
    // Nothing of the old epoch counts, and it makes way.
    CHECK(rig.read(1).kind == Kind::kMiss && rig.read(1, true).kind == Kind::kGranted);
    // Scripts that are gone come back.
    server.ask({"SCRIPT", "FLUSH"});
    granted = rig.read(5, true);
    CHECK(granted.kind == Kind::kGranted);
    server.ask({"SCRIPT", "FLUSH"});
    rig.fill(5, granted, 7, booked());
    CHECK(rig.read(5).kind == Kind::kFound);
}

// Read v1, write v2, event v2, fill v1: whatever becomes of the entry of v2.
void stale_fills_lose(RedisServer& server) {
    server.ask({"FLUSHALL"});
    server.ask({"SET", record_key(), record()});
    Rig rig(options({server.address()}), 2);
    const std::string newer = stored_bytes({{21000, 21001}});
    for (int i = 1; i <= 3; i++) {
        const TierAnswer granted = rig.read(i, true);
        CHECK(granted.kind == Kind::kGranted);
        CHECK(write(server, i, 2, newer) == "1");
        if (i == 2)
            server.ask({"DEL", key_of(i)}); // evicted, or expired
        TierAnswer other;
        if (i == 3) {
            server.ask({"DEL", key_of(i)});
            other = rig.read(i, true, 1); // another reader's lease
            CHECK(other.kind == Kind::kGranted);
        }
        rig.fill(i, granted, 1, booked());
        CHECK(rig.cache().counters().fills_lost == static_cast<std::uint64_t>(i) && rig.cache().counters().filled == 0);
        if (i == 1)
            CHECK(rig.read(i).version == 2 && rig.read(i).booked == newer);
        if (i == 2)
            CHECK(rig.read(i).kind == Kind::kMiss);
        if (i == 3) {
            rig.fill(i, other, 2, newer, 1);
            CHECK(rig.read(i).version == 2);
        }
    }
}

void herd(const std::vector<std::string>& nodes, bool cluster) {
    Options given = options(nodes, cluster);
    Rig rig(given, 3);
    constexpr int kListings = 10;
    constexpr int kReads = 1000;
    std::vector<OwnedListing> listings;
    for (int i = 0; i < kListings; i++)
        listings.push_back(listing(5000 + i));
    for (std::size_t i = 0; i < rig.all.size(); i++) // each is connected to all masters
        rig.run_until([&] {
            const auto answers = rig.read(listings, false, i);
            return std::all_of(answers.begin(), answers.end(),
                               [](const TierAnswer& answer) { return answer.kind == Kind::kMiss; });
        });
    std::map<Kind, int> kinds;
    std::map<std::int64_t, int> granted;
    int left = kReads;
    for (int i = 0; i < kReads; i++) {
        const std::int64_t number = 5000 + i % kListings;
        rig.cache(static_cast<std::size_t>(i % 3))
            .read({listing(number)}, true, Clock::now() + 10s, [&, number](std::vector<TierAnswer> answers) {
                kinds[answers[0].kind]++;
                granted[number] += answers[0].kind == Kind::kGranted;
                left--;
            });
    }
    rig.run_until([&] { return left == 0; });
    CHECK(kinds[Kind::kGranted] == kListings && kinds[Kind::kBusy] == kReads - kListings);
    for (const auto& [number, count] : granted)
        CHECK(count == 1);
}

void stands_still(RedisServer& server) {
    server.ask({"FLUSHALL"});
    server.ask({"SET", record_key(), record()});
    write(server, 1, 5, booked());
    Rig rig(impatient(options({server.address()})));
    CHECK(rig.read(1).kind == Kind::kFound);
    server.pause();
    for (int i = 0; i < 8; i++) {
        const auto begin = Clock::now();
        CHECK(rig.read(std::vector<OwnedListing>{listing(1)}, true, 0, i % 2 == 0 ? 50ms : 10s)[0].kind ==
              Kind::kFailed);
        CHECK(Clock::now() - begin < 3s); // the timeout is 400 ms
    }
    CHECK(rig.cache().counters().timeouts >= 1);
    CHECK(!rig.cache().usable());
    const auto begin = Clock::now();
    for (int i = 0; i < 100; i++)
        CHECK(rig.read(1).kind == Kind::kFailed);
    CHECK(Clock::now() - begin < 3s);
    server.resume();
    CHECK(rig.run_until([&] { return rig.cache().usable() && rig.read(1).kind == Kind::kFound; }));
    rig.run_until([&] { return rig.read(1).kind == Kind::kFound && rig.cache().breaker() == 0; });
    CHECK(rig.cache().breaker() == 0);
}

void goes_and_comes() {
    RedisServer server;
    server.ask({"SET", record_key(), record()});
    Rig rig(impatient(options({server.address()})));
    write(server, 1, 5, booked());
    CHECK(rig.read(1).kind == Kind::kFound);
    const TierAnswer granted = rig.read(2, true);
    server.kill(SIGKILL);
    for (int i = 0; i < 10; i++) {
        const auto begin = Clock::now();
        const TierAnswer answer = rig.read(1, true);
        CHECK(answer.kind == Kind::kFailed && !answer.reason.empty());
        CHECK(Clock::now() - begin < 3s);
    }
    CHECK(!rig.cache().usable());
    rig.cache().fill({}); // nobody waits for it
    server.start();
    // Empty: nothing of what was there before is taken for fresh.
    CHECK(rig.run_until([&] { return rig.read(1, true).kind == Kind::kMiss; }));
    server.ask({"SET", record_key(), record(kEpoch + 1)});
    rig.fill(2, granted, 5, booked());
    CHECK(rig.read(1, true).kind == Kind::kGranted);
    CHECK(rig.read(2).kind == Kind::kMiss);
}

// Reads go on, what is missed is nobody's lease.
void full(RedisServer& server) {
    server.ask({"FLUSHALL"});
    server.ask({"SET", record_key(), record()});
    write(server, 1, 5, booked());
    Rig rig(options({server.address()}));
    const TierAnswer granted = rig.read(3, true);
    server.ask({"CONFIG", "SET", "maxmemory", "1000"});
    const auto begin = Clock::now();
    const auto answers = rig.read({listing(1), listing(2)}, true);
    CHECK(answers[0].kind == Kind::kFound && answers[1].kind == Kind::kMiss);
    CHECK(Clock::now() - begin < 3s);
    CHECK(rig.cache().counters().lease_refused == 1 && rig.cache().breaker() == 0);
    rig.fill(3, granted, 5, booked());
    CHECK(rig.cache().counters().fills_failed == 1);
    server.ask({"CONFIG", "SET", "maxmemory", "0"});
    CHECK(rig.read(2, true).kind == Kind::kGranted);
}

void months(RedisServer& server) {
    server.ask({"FLUSHALL"});
    server.ask({"SET", record_key(), record()});
    Options given = options({server.address()}, false, Layout::kMonths);
    {
        Rig rig(given); // whose reader takes what is not known for open
        CHECK(rig.read(1, true).kind == Kind::kMiss && server.ask({"EXISTS", key_of(1) + ":version"}) == "0");
    }
    given.partial = true;
    Rig rig(given, 2);
    const Day today = static_cast<Day>(std::time(nullptr) / 86400);
    const std::string bytes = stored_bytes(
        {{today - 100, today - 90}, {today, today + 3}, {today + 25, today + 40}, {today + 2000, today + 2001}});
    TierAnswer granted = rig.read(1, true);
    CHECK(granted.kind == Kind::kGranted && rig.read(1, true, 1).kind == Kind::kBusy);
    rig.fill(1, granted, 7, bytes);
    const auto shows = [&](const TierAnswer& answer, const std::string& expected) {
        DaysetView view, whole;
        if (answer.kind != Kind::kFound || !DaysetView::open(answer.booked.data(), answer.booked.size(), &view) ||
            !DaysetView::open(expected.data(), expected.size(), &whole))
            return false;
        for (Day day = answer.known.first_day; day < answer.known.end_day; day++)
            if (view.contains(day) != whole.contains(day))
                return false;
        return answer.known.contains(today) && answer.known.days() > 500 && answer.known.days() < 620;
    };
    TierAnswer answer = rig.read(1, true, 1);
    CHECK(shows(answer, bytes) && answer.version == 7 && answer.as_of == kAsOf);
    // The key of a month has expired: one reader brings it, the entry itself stands.
    std::string month = key_of(1);
    layout::append_month(layout::month_number(today) + 2, &month);
    CHECK(server.ask({"DEL", month}) == "1");
    granted = rig.read(1, true);
    CHECK(granted.kind == Kind::kGranted && rig.read(1, true, 1).kind == Kind::kBusy);
    CHECK(rig.read(1).kind == Kind::kMiss);
    rig.fill(1, granted, 7, bytes);
    CHECK(shows(rig.read(1), bytes));
    // An event comes between: what was read before it is refused.
    CHECK(server.ask({"DEL", month, key_of(1) + std::string(layout::kCoalesceSuffix)}) == "2");
    granted = rig.read(1, true);
    CHECK(granted.kind == Kind::kGranted);
    std::string head;
    layout::append_months({kEpoch, 8}, layout::month_number(today), 0, &head);
    CHECK(server.ask({"EVAL", std::string(layout::source_of(Script::kWriteMonths)), "1", key_of(1) + ":version", head,
                      "600000", "600000"}) == "1");
    rig.fill(1, granted, 7, bytes);
    CHECK(rig.cache().counters().fills_lost == 1 && rig.read(1).kind == Kind::kMiss);
    granted = rig.read(2, true);
    rig.fill(2, granted, 0, "");
    CHECK(rig.read(2).kind == Kind::kNoListing);
}

void clustered() {
    RedisCluster cluster(3, 0);
    std::vector<std::string> nodes;
    for (int i = 0; i < 3; i++) {
        nodes.push_back(cluster.node(i).address());
        const auto slot = static_cast<std::uint16_t>(cluster.first_slot(i));
        // Each master's record is its own.
        CHECK(cluster.node(i).ask({"SET", record_key(slot), record(kEpoch, kAsOf + i)}) == "OK");
    }
    std::vector<OwnedListing> listings;
    std::vector<int> owners;
    int on_last = 0;
    for (int n = 0; n < 60; n++) {
        listings.push_back(listing(n));
        const int slot = relay::redis::slot_of(key_of(n));
        int owner = 0;
        while (owner < 2 && slot >= cluster.first_slot(owner + 1))
            owner++;
        owners.push_back(owner);
        on_last = owner == 2 ? n : on_last;
        CHECK(write(cluster.node(owner), n, 100 + n, booked()) == "1");
    }
    {
        Rig rig(impatient(options({nodes[1]}, true)));
        rig.run_until([&] { return rig.read(0).kind == Kind::kFound && rig.read(on_last).kind == Kind::kFound; });
        auto answers = rig.read(listings, true);
        for (std::size_t n = 0; n < answers.size(); n++)
            CHECK(answers[n].kind == Kind::kFound && answers[n].version == 100 + static_cast<int>(n) &&
                  answers[n].as_of == kAsOf + owners[n]);
        // One that stands still takes nobody else along.
        cluster.node(2).pause();
        for (int i = 0; i < 7; i++) {
            const auto begin = Clock::now();
            answers = rig.read(listings, true);
            CHECK(Clock::now() - begin < 3s);
            for (std::size_t n = 0; n < answers.size(); n++)
                CHECK(answers[n].kind == (owners[n] == 2 ? Kind::kFailed : Kind::kFound));
        }
        CHECK(rig.cache().usable());
        // Its connection is given up by now; who asks is not kept waiting.
        const auto begin = Clock::now();
        for (int i = 0; i < 20; i++)
            CHECK(rig.read(on_last).kind == Kind::kFailed);
        CHECK(Clock::now() - begin < 3s);
        cluster.node(2).resume();
        CHECK(rig.run_until([&] { return rig.read(on_last).kind == Kind::kFound; }));
        CHECK(rig.run_until([&] { return cluster.is_whole(); }));

        // A slot moves: a miss while nobody knows how fresh it is, then found beside the new master's record.
        const int slot = relay::redis::slot_of(key_of(on_last));
        cluster.migrate(slot, 2, 0);
        rig.run_until([&] {
            const TierAnswer answer = rig.read(on_last);
            CHECK(answer.kind == Kind::kFound || answer.kind == Kind::kMiss);
            return answer.kind == Kind::kFound && answer.as_of == kAsOf;
        });
        CHECK(rig.cache().counters().redirected > 0);
    }
    herd(nodes, true);
}

} // namespace

int main() {
    RedisServer server;
    test::run("shared cache: reads what holds good", [&] { reads(server); });
    test::run("shared cache: bytes are not believed", [&] { believes_nothing(server); });
    test::run("shared cache: leases and fills", [&] { fills(server); });
    test::run("shared cache: stale fills lose", [&] { stale_fills_lose(server); });
    test::run("shared cache: a herd has one lease a listing", [&] {
        server.ask({"FLUSHALL"});
        server.ask({"SET", record_key(), record()});
        herd({server.address()}, false);
    });
    test::run("shared cache: a server that stands still", [&] { stands_still(server); });
    test::run("shared cache: a server that goes and comes", goes_and_comes);
    test::run("shared cache: a server that is full", [&] { full(server); });
    test::run("shared cache: months", [&] { months(server); });
    test::run("shared cache: a cluster", clustered);
    return test::exit_status();
}

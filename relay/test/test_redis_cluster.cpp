// The sink and a Redis Cluster: eight masters, some with a replica; slots that move, masters that die, replicas that
// lag.

#include <atomic>
#include <thread>

#include "relay/test/redis_rig.hpp"
#include "test/core/check.hpp"

using namespace test;

namespace {

constexpr int kMasters = 8;
constexpr int kReplicas = 2;

std::vector<std::string> addresses(RedisCluster& cluster) {
    std::vector<std::string> nodes;
    for (int i = 0; i < cluster.size(); i++)
        nodes.push_back(cluster.node(i).address());
    return nodes;
}

// Asks all nodes, of which one has it.
std::function<std::string(const std::string&)> get_from(RedisCluster& cluster) {
    return [&cluster](const std::string& key) {
        std::string answer;
        for (int i = 0; i < cluster.size(); i++) {
            answer = cluster.node(i).ask({"GET", key});
            if (answer.compare(0, 7, "error: ") != 0)
                return answer;
        }
        return answer;
    };
}

void applies(RedisCluster& cluster, Layout layout) {
    Rig rig(Rig::options({cluster.node(kMasters).address(), cluster.node(3).address()}, true, layout));
    rig.epoch = layout == Layout::kMonths ? 1000 : 100;
    rig.begin_epoch();
    rig.change(3000, 300);
    CHECK(rig.run_until_applied());
    CHECK(rig.agrees(get_from(cluster)));
    CHECK(rig.feed.demands.empty() && rig.feed.dead_letters.empty());
    CHECK(rig.metric("availability_relay_redis_masters") == kMasters ||
          rig.run_until([&] { return rig.metric("availability_relay_redis_masters") == kMasters; }, "the metric"));
    // Each master has a record in its lowest slot.
    for (int i = 0; i < kMasters; i++) {
        const auto tag = redis::tag_of_slot(static_cast<std::uint16_t>(cluster.first_slot(i)));
        layout::Record record;
        const std::string bytes = cluster.node(i).ask({"GET", "avail:v3:relay:{" + tag + "}"});
        CHECK(layout::read_record(bytes, &record) == nullptr && record.epoch == rig.epoch);
    }
}

// Slots move to and fro, some stay half moved, while events flow: no event is lost, and no epoch is asked for.
void resharded(RedisCluster& cluster) {
    Rig rig(Rig::options(addresses(cluster), true));
    rig.epoch = 2000;
    rig.begin_epoch();
    rig.change(2000, 2000);
    CHECK(rig.run_until_applied());
    std::vector<int> slots;
    for (int listing = 0; listing < 40; listing++)
        slots.push_back(redis::slot_of(listing_key(std::to_string(listing))));
    slots.push_back(cluster.first_slot(2)); // the lowest: the record moves along
    // One that is never finished: all that is new in it goes by ASK, all that is there stays.
    const int half = slots.front();
    const int half_from = half * kMasters / 16384;
    const int half_to = (half_from + 1) % kMasters;
    cluster.node(half_to).ask({"CLUSTER", "SETSLOT", std::to_string(half), "IMPORTING", cluster.id(half_from)});
    cluster.node(half_from).ask({"CLUSTER", "SETSLOT", std::to_string(half), "MIGRATING", cluster.id(half_to)});
    std::atomic<bool> done{false};
    std::thread migration([&] {
        for (std::size_t i = 1; i < slots.size(); i++) {
            const int from = cluster.owner_of(slots[i], 0);
            cluster.migrate(slots[i], from, (from + 3) % kMasters);
        }
        done = true;
    });
    while (!done) {
        rig.change(200, 2000);
        rig.run_until([&] { return rig.feed.waiting() < 4; }, "room");
    }
    migration.join();
    rig.change(2000, 2000);
    CHECK(rig.run_until_applied());
    CHECK(rig.agrees(get_from(cluster)));
    CHECK(rig.metric("availability_relay_redis_errors_total{kind=\"moved\"}") +
                  rig.metric("availability_relay_redis_errors_total{kind=\"ask\"}") >
              0 ||
          rig.run_until([&] { return rig.metric("availability_relay_redis_errors_total{kind=\"moved\"}") > 0; },
                        "the metric"));
    CHECK(rig.feed.demands.empty());
    for (const std::string& demand : rig.feed.demands)
        std::printf("# %s\n", demand.c_str());
    for (const int node : {half_from, half_to})
        cluster.node(node).ask({"CLUSTER", "SETSLOT", std::to_string(half), "STABLE"});
}

// A key that is on the other side of a slot which moves: by ASK alone.
void asked(RedisCluster& cluster) {
    Rig rig(Rig::options(addresses(cluster), true));
    rig.epoch = 3000;
    rig.begin_epoch();
    CHECK(rig.run_until([&] { return rig.metric("availability_relay_redis_masters") == kMasters; }, "the masters"));
    const std::int64_t listing = 77777;
    const std::string key = listing_key(std::to_string(listing));
    const int slot = redis::slot_of(key);
    const int from = cluster.owner_of(slot, 0);
    const int to = (from + 1) % kMasters;
    cluster.node(from).ask({"DEL", key});
    cluster.node(to).ask({"CLUSTER", "SETSLOT", std::to_string(slot), "IMPORTING", cluster.id(from)});
    cluster.node(from).ask({"CLUSTER", "SETSLOT", std::to_string(slot), "MIGRATING", cluster.id(to)});
    cluster.node(to).ask({"SCRIPT", "FLUSH"});
    const std::string booked = stored_bytes({{20820, 20830}});
    BatchMaker batch(rig.epoch);
    batch.add(EventKind::kCreated, Key::of(listing), 5, booked);
    rig.feed.push(batch.take());
    rig.sink->wake();
    CHECK(rig.run_until_applied());
    CHECK(rig.run_until([&] { return rig.metric("availability_relay_redis_errors_total{kind=\"ask\"}") > 0; },
                        "the metric"));
    cluster.node(to).ask({"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", cluster.id(to)});
    cluster.node(from).ask({"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", cluster.id(to)});
    CHECK(cluster.node(to).ask({"STRLEN", key}) == std::to_string(16 + booked.size()));
    CHECK(rig.feed.demands.empty());
}

// A master dies whose replica lags behind: what it had acknowledged is lost. The replica's own record says how old it
// is, a new epoch is asked for, and in the end all is there.
void fails_over(RedisCluster& cluster, Layout layout, int victim) {
    Rig rig(Rig::options(addresses(cluster), true, layout));
    rig.epoch = 4000 + static_cast<Epoch>(victim) * 1000;
    rig.begin_epoch();
    rig.change(1000, 300);
    CHECK(rig.run_until_applied());
    const int replica = kMasters + victim;
    const auto tag = redis::tag_of_slot(static_cast<std::uint16_t>(cluster.first_slot(victim)));
    // What comes after that does not reach the replica.
    cluster.cut_off(victim, replica);
    rig.change(1000, 300);
    CHECK(rig.run_until_applied());
    const std::int64_t acknowledged = rig.model.version;
    cluster.node(victim).kill(SIGKILL);
    rig.change(100, 300);
    CHECK(rig.run_until([&] { return !rig.feed.demands.empty(); }, "a new epoch to be demanded"));
    for (const std::string& demand : rig.feed.demands)
        std::printf("# %s\n", demand.c_str());
    layout::Record record;
    const std::string bytes = cluster.node(replica).ask({"GET", "avail:v3:relay:{" + tag + "}"});
    CHECK(layout::read_record(bytes, &record) == nullptr && record.epoch == rig.epoch && record.as_of < acknowledged);
    rig.begin_epoch_with_all();
    rig.change(1000, 300);
    CHECK(rig.run_until_applied());
    CHECK(rig.agrees([&](const std::string& key) {
        std::string answer;
        for (int i = 0; i < cluster.size(); i++)
            if (i != victim && (answer = cluster.node(i).ask({"GET", key})).compare(0, 7, "error: ") != 0)
                return answer;
        return answer;
    }));
    // The old master comes back as a replica: that is nobody's concern.
    cluster.node(victim).start();
    rig.feed.demands.clear();
    cluster.wait_until_synchronized(victim);
    rig.change(300, 300);
    CHECK(rig.run_until_applied());
    CHECK(rig.feed.demands.empty());
    for (const std::string& demand : rig.feed.demands)
        std::printf("# %s\n", demand.c_str());
}

} // namespace

int main() {
    RedisCluster cluster(kMasters, kReplicas);
    const auto clear = [&] {
        for (int i = 0; i < cluster.size(); i++)
            // Again until it is answered: what a node that was held up takes in late would empty it amid the next test.
            RedisServer::wait_until([&] { return cluster.node(i).ask({"FLUSHALL"}).find("error: no") != 0; },
                                    "FLUSHALL");
    };
    test::run("calendars are applied to a cluster", [&] { applies(cluster, Layout::kCalendar); });
    clear();
    test::run("months are applied to a cluster", [&] { applies(cluster, Layout::kMonths); });
    clear();
    test::run("slots move while events flow", [&] { resharded(cluster); });
    clear();
    test::run("a key on the other side of a slot that moves", [&] { asked(cluster); });
    clear();
    test::run("a failover to a replica that lags, calendars", [&] { fails_over(cluster, Layout::kCalendar, 0); });
    clear();
    test::run("a failover to a replica that lags, months", [&] { fails_over(cluster, Layout::kMonths, 1); });
    return test::exit_status();
}

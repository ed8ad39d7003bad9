// The sink and a Redis that is killed, emptied, paused, full, locked.

#include <fstream>

#include "relay/test/redis_rig.hpp"
#include "test/core/check.hpp"

using namespace test;
using availability::relay::kUnknownVersion;

namespace {

std::function<std::string(const std::string&)> get_from(const RedisServer& server) {
    return [&server](const std::string& key) { return server.ask({"GET", key}); };
}

void applies(Layout layout) {
    RedisServer server;
    Rig rig(Rig::options({"unix:" + server.socket()}, false, layout));
    rig.begin_epoch();
    rig.change(3000, 200);
    CHECK(rig.run_until_applied());
    CHECK(rig.agrees(get_from(server)));
    CHECK(rig.feed.demands.empty() && rig.feed.dead_letters.empty() && rig.feed.problem.empty());
    const std::int64_t life = std::atoll(server.ask({"PTTL", server.ask({"RANDOMKEY"})}).c_str());
    CHECK(life != 0 && life <= 1500000);
    layout::Record record;
    const std::string bytes = server.ask({"GET", "avail:v3:relay:{" + redis::tag_of_slot(0) + "}"});
    CHECK(layout::read_record(bytes, &record) == nullptr && record.epoch == rig.epoch);
    CHECK(rig.run_until(
        [&] {
            return layout::read_record(server.ask({"GET", "avail:v3:relay:{" + redis::tag_of_slot(0) + "}"}),
                                       &record) == nullptr &&
                   record.as_of == rig.model.version;
        },
        "the record to say so"));
    rig.begin_epoch_with_all();
    CHECK(rig.run_until_applied());
    CHECK(rig.agrees(get_from(server)));
}

void lives_differ() {
    RedisServer server;
    RedisOptions options = Rig::options({"unix:" + server.socket()});
    options.keys.ttl = std::chrono::seconds(100);
    Rig rig(std::move(options));
    rig.begin_epoch();
    BatchMaker batch(rig.epoch);
    for (std::int64_t i = 0; i < 500; i++)
        batch.add(EventKind::kCalendar, Key::of(i), 1, stored_bytes({{1, 2}}));
    rig.feed.push(batch.take());
    rig.sink->wake();
    CHECK(rig.run_until_applied());
    std::int64_t least = INT64_MAX;
    std::int64_t greatest = 0;
    for (int i = 0; i < 500; i++) {
        const std::int64_t life = std::atoll(server.ask({"PTTL", listing_key(std::to_string(i))}).c_str());
        least = std::min(least, life);
        greatest = std::max(greatest, life);
    }
    CHECK(least > 60000 && least < 90000 && greatest > 110000 && greatest <= 120000);
}

// What can't be written does not stop the others.
void odd_events(Layout layout) {
    RedisServer server;
    Rig rig(Rig::options({"unix:" + server.socket()}, false, layout));
    const std::string suffix = layout == Layout::kMonths ? std::string(layout::kVersionSuffix) : std::string();
    rig.begin_epoch();
    CHECK(rig.run_until([&] { return server.ask({"DBSIZE"}) == "1"; }, "the record"));
    server.ask({"LPUSH", listing_key("list") + suffix, "x"});
    server.ask({"SET", listing_key("broken") + suffix, "whatever"});
    const std::string booked = stored_bytes({{20820, 20830}});
    BatchMaker batch(rig.epoch);
    batch.add(EventKind::kCalendar, Key::of(std::string_view("before")), 5, booked);
    batch.add(EventKind::kCreated, Key::of(std::string_view("list")), 5, booked);
    batch.add(EventKind::kCreated, Key::of(std::string_view(std::string(2000, 'x'))), 5, booked);
    batch.add(EventKind::kCreated, Key::of(std::string_view("}{\xFF")), 5, booked);
    batch.add(EventKind::kCreated, Key::of(std::string_view("")), 5, booked);
    batch.add(EventKind::kUnreadable, Key::of(std::string_view("broken")), 0, {});
    batch.add(EventKind::kUnreadable, Key(), 0, {});
    batch.add(EventKind::kDropped, Key::of(std::string_view("unknown")), kUnknownVersion, stored_bytes({}));
    batch.add(EventKind::kCalendar, Key::of(std::string_view("after")), 5, booked);
    rig.feed.push(batch.take());
    rig.sink->wake();
    CHECK(rig.run_until_applied());
    CHECK(rig.feed.dead_letters.size() == 1 && rig.feed.dead_letters[0].first == std::string(2000, 'x'));
    CHECK(server.ask({"EXISTS", listing_key("broken") + suffix}) == "0");
    for (const char* listing : {"before", "list", "}{\xFF", "", "after"})
        CHECK(server.ask({"STRLEN", listing_key(listing) + suffix}) ==
              std::to_string(layout == Layout::kMonths ? 22 : 16 + booked.size()));
    CHECK(server.ask({"STRLEN", listing_key("unknown") + suffix}) == "16");
}

// Killed amid events, again and again: each time a new epoch, and in the end all is there.
void killed(Layout layout) {
    RedisServer server({"--appendonly", "yes"});
    Rig rig(Rig::options({server.address()}, false, layout));
    rig.begin_epoch();
    for (int kill = 0; kill < 3; kill++) {
        rig.change(3000, 200);
        const std::size_t applied = rig.feed.applied_batches;
        rig.run_until([&] { return rig.feed.applied_batches >= applied + 5; }, "some of it to be applied");
        server.kill(SIGKILL);
        rig.change(500, 200);
        CHECK(rig.run_until([&] { return !rig.feed.problem.empty(); }, "the problem to be told"));
        server.start();
        CHECK(rig.run_until([&] { return !rig.feed.demands.empty(); }, "a new epoch to be demanded"));
        CHECK(rig.feed.demands.size() == 1);
        rig.begin_epoch_with_all();
    }
    rig.change(1000, 200);
    CHECK(rig.run_until_applied());
    CHECK(rig.agrees(get_from(server)));
    CHECK(rig.run_until([&] { return rig.feed.problem.empty(); }, "the problem to be over"));
}

void emptied() {
    RedisServer server;
    Rig rig(Rig::options({server.address()}));
    rig.begin_epoch();
    rig.change(500, 50);
    CHECK(rig.run_until_applied());
    rig.run_until([&] { return rig.metric("availability_relay_redis_masters") == 1; }, "a record");
    server.ask({"FLUSHALL"});
    CHECK(rig.run_until([&] { return !rig.feed.demands.empty(); }, "a new epoch to be demanded"));
    CHECK(rig.feed.demands[0].find("was emptied") != std::string::npos);
    rig.begin_epoch_with_all();
    CHECK(rig.run_until_applied());
    CHECK(rig.agrees(get_from(server)));
}

// The relay ends, and another goes on with the epoch: only onto the Redis that it was.
void goes_on() {
    RedisServer server({"--appendonly", "yes", "--appendfsync", "always"});
    const auto demanded = [&] {
        Rig rig(Rig::options({server.address()}));
        rig.begin_epoch(true);
        rig.change(100, 10);
        rig.run_until([&] { return rig.feed.idle() || !rig.feed.demands.empty(); }, "an end");
        return rig.feed.demands.empty() ? std::string() : rig.feed.demands[0];
    };
    CHECK(demanded().find("has no record") != std::string::npos);
    {
        Rig rig(Rig::options({server.address()}));
        rig.epoch--;
        rig.begin_epoch();
        rig.change(100, 10);
        CHECK(rig.run_until_applied());
    }
    CHECK(demanded().empty());
    CHECK(demanded().empty());
    // While no relay was there.
    server.kill(SIGKILL);
    server.start();
    CHECK(demanded().find("is not the process") != std::string::npos);
    // It is not forgotten by having been seen.
    CHECK(demanded().find("is not the process") != std::string::npos);
    server.ask({"FLUSHALL"});
    CHECK(demanded().find("has no record") != std::string::npos);
    // Another relay has begun a later epoch.
    {
        Rig rig(Rig::options({server.address()}));
        rig.epoch = 500;
        rig.begin_epoch();
        CHECK(rig.run_until([&] { return server.ask({"DBSIZE"}) == "1"; }, "the record"));
    }
    CHECK(demanded().find("another epoch") != std::string::npos);
}

// It stands still, and goes on: nothing is lost, no epoch is needed.
void paused() {
    RedisServer server;
    Rig rig(Rig::options({server.address()}));
    rig.begin_epoch();
    rig.change(500, 50);
    CHECK(rig.run_until_applied());
    server.pause();
    rig.change(500, 50);
    CHECK(rig.run_until([&] { return !rig.feed.problem.empty(); }, "the problem to be told"));
    CHECK(rig.run_until([&] { return rig.feed.rewinds > 0; }, "a rewind"));
    server.resume();
    CHECK(rig.run_until_applied());
    CHECK(rig.agrees(get_from(server)));
    CHECK(rig.feed.demands.empty());
    CHECK(rig.run_until([&] { return rig.feed.problem.empty(); }, "the problem to be over"));
}

void full() {
    RedisServer server;
    Rig rig(Rig::options({server.address()}));
    rig.begin_epoch();
    rig.change(500, 50);
    CHECK(rig.run_until_applied());
    server.ask({"CONFIG", "SET", "maxmemory", "1mb"});
    rig.change(500, 50);
    CHECK(rig.run_until([&] { return rig.feed.problem.find("OOM") != std::string::npos; }, "the problem to be told"));
    CHECK(rig.run_until([&] { return rig.metric("availability_relay_redis_errors_total{kind=\"out_of_memory\"}") > 0; },
                        "the metric"));
    CHECK(!rig.feed.idle());
    server.ask({"CONFIG", "SET", "maxmemory", "0"});
    CHECK(rig.run_until_applied());
    CHECK(rig.agrees(get_from(server)));
    CHECK(rig.feed.demands.empty() && rig.feed.dead_letters.empty());
}

// Random histories and what can happen to connections and scripts.
void harassed(Layout layout) {
    RedisServer server;
    Rig rig(Rig::options({server.address()}, false, layout));
    const char* given = std::getenv("SEED");
    const unsigned seed = given != nullptr ? static_cast<unsigned>(std::atoi(given)) : std::random_device{}();
    std::printf("# SEED=%u\n", seed);
    rig.random.seed(seed);
    rig.begin_epoch();
    for (int step = 0; step < 30; step++) {
        rig.change(300, 100);
        const std::size_t applied = rig.feed.applied_batches + rig.random() % 5;
        rig.run_until([&] { return rig.feed.applied_batches >= applied || rig.feed.idle(); },
                      "some of it to be applied");
        if (rig.random() % 3 == 0)
            server.ask({"SCRIPT", "FLUSH"});
        else
            server.ask({"CLIENT", "KILL", "TYPE", "normal"});
    }
    CHECK(rig.run_until_applied());
    CHECK(rig.agrees(get_from(server)));
    CHECK(rig.feed.demands.empty() && rig.feed.dead_letters.empty());
}

void locked() {
    RedisServer server;
    server.ask({"ACL", "SETUSER", "relay", "on", ">secret", "~avail:v3:*", "+info", "+evalsha", "+script|load", "+get",
                "+set", "+getrange", "+del"});
    server.ask({"ACL", "SETUSER", "default", "off"});
    const auto options = [&](const char* password) {
        RedisOptions made = Rig::options({server.address()});
        made.client.connection.username = "relay";
        made.client.connection.password = password;
        return made;
    };
    {
        Rig rig(options("wrong"));
        rig.begin_epoch();
        CHECK(rig.run_until([&] { return rig.feed.problem.find("WRONGPASS") != std::string::npos; },
                            "the problem to be told"));
        CHECK(rig.feed.problem.find("wrong ") == std::string::npos);
    }
    Rig rig(options("secret"));
    rig.begin_epoch();
    rig.change(300, 50);
    CHECK(rig.run_until_applied());
}

void by_tls() {
    TemporaryDirectory directory;
    const std::string base = directory.path();
    const auto make = [&](const std::string& name, const std::string& host) {
        const std::string command =
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=" + host +
            " -addext subjectAltName=DNS:" + host + " -keyout " + base + "/" + name + ".key -out " + base + "/" + name +
            ".crt 2>" + base + "/log && chmod 644 " + base + "/" + name + ".key";
        CHECK(std::system(command.c_str()) == 0);
    };
    make("server", "redis.test");
    make("client", "relay.test");
    const int port = free_port();
    RedisServer server({"--tls-port", std::to_string(port), "--tls-cert-file", base + "/server.crt", "--tls-key-file",
                        base + "/server.key", "--tls-ca-cert-file", base + "/client.crt"});
    const auto options = [&](const char* authority, const char* name) {
        RedisOptions made = Rig::options({"127.0.0.1:" + std::to_string(port)});
        made.tls = true;
        made.tls_ca_file = base + "/" + authority + ".crt";
        made.tls_cert_file = base + "/client.crt";
        made.tls_key_file = base + "/client.key";
        made.client.connection.tls_server_name = name;
        return made;
    };
    {
        Rig rig(options("server", "redis.test"));
        rig.begin_epoch();
        rig.change(3000, 300);
        CHECK(rig.run_until_applied());
        CHECK(rig.agrees(get_from(server)));
    }
    for (const auto& [authority, name] : {std::pair("client", "redis.test"), std::pair("server", "another.test")}) {
        Rig rig(options(authority, name));
        rig.begin_epoch();
        CHECK(rig.run_until([&] { return rig.feed.problem.find("TLS: ") != std::string::npos; },
                            "the problem to be told"));
    }
    bool refused = false;
    try {
        Rig rig(options("nobody", "redis.test"));
    } catch (const std::runtime_error&) {
        refused = true;
    }
    CHECK(refused);
}

void hot() {
    RedisServer server;
    TemporaryDirectory directory;
    RedisOptions options = Rig::options({server.address()});
    options.hot.count = 2;
    options.hot.interval = std::chrono::milliseconds(100);
    options.hot.file = directory.path() + "/hot";
    std::ofstream(options.hot.file) << "7\navail:v3:{8}\n9\n";
    {
        Rig rig(options);
        rig.begin_epoch();
        CHECK(rig.run_until([&] { return rig.feed.requested.size() >= 4; }, "requests"));
        CHECK(rig.feed.requested[0] == "7" && rig.feed.requested[1] == "8" && rig.feed.requested[2] == "7");
    }
    options.hot.file.clear();
    server.ask({"ZADD", "avail:v3:relay:hot", "8", "avail:v3:{a b}", "16", "avail:v3:{5}", "2", "avail:v3:{6}"});
    Rig rig(options);
    rig.begin_epoch();
    CHECK(rig.run_until([&] { return rig.feed.requested.size() >= 4; }, "requests"));
    CHECK(rig.feed.requested[0] == "5" && rig.feed.requested[1] == "a b" && rig.feed.requested[2] == "5");
    CHECK(std::atof(server.ask({"ZSCORE", "avail:v3:relay:hot", "avail:v3:{5}"}).c_str()) <= 4);
}

void not_a_master() {
    RedisServer master;
    RedisServer replica({"--replicaof", "127.0.0.1 " + std::to_string(master.port())});
    Rig rig(Rig::options({replica.address(), master.address()}));
    rig.begin_epoch();
    rig.change(300, 50);
    CHECK(rig.run_until_applied());
    CHECK(rig.agrees(get_from(master)));
}

} // namespace

int main() {
    test::run("calendars are applied", [] { applies(Layout::kCalendar); });
    test::run("months are applied", [] { applies(Layout::kMonths); });
    test::run("lives differ", lives_differ);
    test::run("odd events, calendars", [] { odd_events(Layout::kCalendar); });
    test::run("odd events, months", [] { odd_events(Layout::kMonths); });
    test::run("killed amid events, calendars", [] { killed(Layout::kCalendar); });
    test::run("killed amid events, months", [] { killed(Layout::kMonths); });
    test::run("an emptied Redis asks for a new epoch", emptied);
    test::run("a relay goes on only with the Redis of its epoch", goes_on);
    test::run("a Redis that stands still", paused);
    test::run("a full Redis", full);
    test::run("connections cut and scripts forgotten, calendars", [] { harassed(Layout::kCalendar); });
    test::run("connections cut and scripts forgotten, months", [] { harassed(Layout::kMonths); });
    test::run("a user with a password", locked);
    test::run("TLS", by_tls);
    test::run("hot listings are refreshed", hot);
    test::run("a replica is left for the master", not_a_master);
    return test::exit_status();
}

// The client's parts without a server: slots, answers, errors, maps, who answers.

#include <random>

#include "relay/redis/backoff.hpp"
#include "relay/redis/command.hpp"
#include "relay/redis/error_reply.hpp"
#include "relay/redis/hash_slot.hpp"
#include "relay/redis/ledger.hpp"
#include "relay/redis/reply.hpp"
#include "relay/redis/slot_map.hpp"
#include "test/core/check.hpp"

using namespace availability;
using namespace availability::relay::redis;

namespace {

// Values of the cluster specification and of redis-cli's CLUSTER KEYSLOT.
void slots() {
    CHECK(slot_of("123456789") == 0x31C3 % kSlots);
    CHECK(slot_of("foo") == 12182 && slot_of("{foo}bar") == 12182 && slot_of("a{foo}{bar}") == 12182);
    CHECK(slot_of("foo{}{bar}") == 8363);
    CHECK(slot_of("foo{{bar}}zap") == slot_of("{bar"));
    CHECK(slot_of("") == 0);
    for (int slot = 0; slot < kSlots; slot++)
        CHECK(slot_of("R{" + tag_of_slot(static_cast<std::uint16_t>(slot)) + "}") == slot);
}

const char kAnswers[] =
    ":42\r\n+OK\r\n$-1\r\n$5\r\na\r\nbc\r\n-MOVED 1 a:2\r\n*3\r\n:1\r\n*2\r\n$1\r\nx\r\n*0\r\n:-7\r\n*-1\r\n";

void check_answers(const std::vector<Reply>& replies) {
    CHECK(replies.size() == 7);
    if (replies.size() != 7)
        return;
    CHECK(replies[0].is_integer(42));
    CHECK(replies[1].type == Reply::Type::kStatus && replies[1].text == "OK");
    CHECK(replies[2].type == Reply::Type::kNil);
    CHECK(replies[3].type == Reply::Type::kString && replies[3].text == "a\r\nbc");
    CHECK(replies[4].is_error() && replies[4].text == "MOVED 1 a:2");
    CHECK(replies[5].elements.size() == 3 && replies[5].elements[1].elements.size() == 2);
    CHECK(replies[5].elements[1].elements[0].text == "x" && replies[5].elements[1].elements[1].elements.empty());
    CHECK(replies[5].elements[2].is_integer(-7));
    CHECK(replies[6].type == Reply::Type::kNil);
}

void answers_in_any_pieces() {
    const std::string_view bytes(kAnswers, sizeof kAnswers - 1);
    std::mt19937 random(3);
    for (int i = 0; i < 300; i++) {
        ReplyReader reader;
        std::vector<Reply> replies;
        for (std::size_t at = 0; at < bytes.size();) {
            const std::size_t size =
                i == 0 ? bytes.size()
                       : std::min<std::size_t>(bytes.size() - at, 1 + random() % (static_cast<unsigned>(i) % 9 + 1));
            reader.feed(bytes.data() + at, size);
            at += size;
            while (const Reply* reply = reader.next())
                replies.push_back(*reply);
        }
        CHECK(reader.problem().empty());
        check_answers(replies);
    }
}

void hostile_answers() {
    const auto problem = [](const std::string& bytes) {
        ReplyReader reader;
        reader.feed(bytes.data(), bytes.size());
        while (reader.next() != nullptr) {
        }
        return !reader.problem().empty();
    };
    CHECK(problem("hello\r\n"));
    CHECK(problem("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"));
    std::string deep;
    for (int i = 0; i < 100000; i++)
        deep += "*1\r\n";
    CHECK(problem(deep));
    // What only RESP3 has.
    CHECK(problem("#t\r\n") && problem(",3.5\r\n") && problem("*2\r\n:1\r\n#f\r\n"));
    // Announced, not sent: no memory is taken.
    CHECK(!problem("*2147483647\r\n"));
    CHECK(!problem("$536870912\r\n"));
    std::string much = "*2147483647\r\n";
    for (std::size_t i = 0; i <= ReplyReader::kMaxElements; i++)
        much += ":1\r\n";
    CHECK(problem(much));
    CHECK(problem("$500000000\r\n" + std::string(ReplyReader::kMaxBytes + 100, 'x')));
    std::mt19937 random(9);
    for (int i = 0; i < 20000; i++) {
        std::string bytes(kAnswers, sizeof kAnswers - 1);
        for (unsigned changes = 1 + random() % 4; changes > 0; changes--)
            bytes[random() % bytes.size()] = "*$+-:0123456789\r\n\0z"[random() % 19];
        problem(bytes);
    }
}

void commands() {
    CHECK(command("SET", "k", 5) == "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n5\r\n");
    CHECK(command(INT64_MIN) == "*1\r\n$20\r\n-9223372036854775808\r\n");
    CHECK(command(std::string_view("\0\r\n", 3)) == std::string("*1\r\n$3\r\n\0\r\n\r\n", 13));
}

void errors() {
    ErrorReply error = read_error("MOVED 3999 127.0.0.1:6381");
    CHECK(error.kind == ErrorKind::kMoved && error.slot == 3999 && error.endpoint == (Endpoint{"127.0.0.1", 6381}));
    error = read_error("ASK 0 ::1:6381");
    CHECK(error.kind == ErrorKind::kAsk && error.slot == 0 && error.endpoint == (Endpoint{"::1", 6381}));
    error = read_error("MOVED 16383 :6381");
    CHECK(error.kind == ErrorKind::kMoved && error.endpoint.host.empty());
    error = read_error("MOVED 1 redis-1.example.com:6381 more");
    CHECK(error.kind == ErrorKind::kMoved && error.endpoint.host == "redis-1.example.com");
    for (const char* wrong : {"MOVED", "MOVED 16384 a:1", "MOVED -1 a:1", "MOVED 1 a", "MOVED 1 a:0", "MOVED 1 a:65536",
                              "MOVED  a:1", "ASK 1 a:1x"})
        CHECK(read_error(wrong).kind == ErrorKind::kOther);
    CHECK(read_error("TRYAGAIN Multiple keys request during rehashing of slot").kind == ErrorKind::kWait);
    CHECK(read_error("CLUSTERDOWN Hash slot not served").kind == ErrorKind::kClusterDown);
    CHECK(read_error("READONLY You can't write against a read only replica.").kind == ErrorKind::kReadOnly);
    CHECK(read_error("LOADING Redis is loading the dataset in memory").kind == ErrorKind::kWait);
    CHECK(read_error("NOSCRIPT No matching script. Please use EVAL.").kind == ErrorKind::kNoScript);
    CHECK(read_error("OOM command not allowed when used memory > 'maxmemory'. script: 8dda, on @user_script:8.").kind ==
          ErrorKind::kOutOfMemory);
    CHECK(
        read_error("ERR Error running script (call to f_1): @user_script:2: @user_script: 2: -OOM command not allowed")
            .kind == ErrorKind::kOutOfMemory);
    CHECK(read_error("WRONGTYPE Operation against a key holding the wrong kind of value").kind ==
          ErrorKind::kWrongType);
    CHECK(read_error("NOPERM this user has no permissions").kind == ErrorKind::kRefused);
    CHECK(read_error("BUSYKEY Target key name already exists.").kind == ErrorKind::kOther);
    CHECK(read_error("").kind == ErrorKind::kOther);
}

void endpoints() {
    CHECK(parse_endpoint("localhost:6379")->str() == "localhost:6379");
    CHECK(parse_endpoint("[::1]:6379")->host == "::1" && parse_endpoint("[::1]:6379")->str() == "[::1]:6379");
    CHECK(parse_endpoint("unix:/run/redis.sock")->is_unix() &&
          parse_endpoint("unix:/run/redis.sock")->host == "/run/redis.sock");
    for (const char* wrong : {"", "localhost", ":6379", "a:0", "a:65536", "a:b", "unix:", "[]:1", "[::1:6379"})
        CHECK(!parse_endpoint(wrong));
}

void maps() {
    const auto read = [](const std::string& bytes, std::vector<SlotRange>* ranges) {
        ReplyReader reader;
        reader.feed(bytes.data(), bytes.size());
        const Reply* reply = reader.next();
        return reply != nullptr && read_slots(*reply, {"asked", 1}, ranges);
    };
    std::vector<SlotRange> ranges;
    CHECK(read("*2\r\n*4\r\n:0\r\n:5460\r\n*2\r\n$1\r\na\r\n:7000\r\n*2\r\n$1\r\nr\r\n:7003\r\n*3\r\n:5461\r\n:"
               "16383\r\n*2\r\n$0\r\n\r\n:7001\r\n",
               &ranges));
    CHECK(ranges.size() == 2 && ranges[0].last == 5460 && ranges[0].master == (Endpoint{"a", 7000}));
    CHECK(ranges[1].first == 5461 && ranges[1].master == (Endpoint{"asked", 7001}));
    CHECK(!read("*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n:7000\r\n", &ranges));
    CHECK(!read("*1\r\n*3\r\n:5\r\n:4\r\n*2\r\n$1\r\na\r\n:7000\r\n", &ranges));
    CHECK(!read("*1\r\n*3\r\n:-1\r\n:4\r\n*2\r\n$1\r\na\r\n:7000\r\n", &ranges));
    CHECK(!read("*1\r\n*3\r\n:0\r\n:4\r\n*2\r\n$1\r\na\r\n:0\r\n", &ranges));
    CHECK(!read("*1\r\n*2\r\n:0\r\n:4\r\n", &ranges));
    CHECK(!read("*1\r\n:0\r\n", &ranges));
    CHECK(!read("$1\r\na\r\n", &ranges));
    CHECK(read("*0\r\n", &ranges) && ranges.empty());
}

Identity master(const char* run_id, const char* replication_id, bool was_replica = false) {
    return {run_id, replication_id, was_replica, true};
}

std::string record_of(std::uint64_t epoch, std::int64_t written, const char* run_id) {
    std::string bytes;
    layout::append_record({epoch, 1, 1, written, run_id}, &bytes);
    return bytes;
}

// What asks for a new epoch, and what does not.
void ledger() {
    Ledger ledger;
    ledger.begin(5);
    CHECK(ledger.identified("a", master("r1", "h1")).empty());
    CHECK(ledger.identified("b", master("r2", "h2", true)).empty()); // promoted before the epoch
    ledger.settle();
    CHECK(ledger.identified("a", master("r1", "h1")).empty());
    CHECK(ledger.identified("a", master("r1", "h9")).empty());         // its last replica has long gone
    CHECK(!ledger.identified("a", master("r1", "h3", true)).empty());  // demoted and promoted
    CHECK(!ledger.identified("b", master("r4", "h2", true)).empty());  // started anew
    CHECK(ledger.identified("c", master("r5", "h5")).empty());         // a new master, which slots migrate to
    CHECK(!ledger.identified("d", master("r6", "h6", true)).empty());  // a replica, promoted
    CHECK(ledger.identified("e", {"r7", "h2", false, false}).empty()); // a replica
    CHECK(!ledger.vanished("c").empty() && ledger.vanished("e").empty());

    ledger.begin(5);
    ledger.identified("a", master("r1", "h1"));
    CHECK(ledger.found("a", record_of(5, 1, "r1")).empty());
    CHECK(!ledger.found("a", record_of(4, 1, "r1")).empty());
    CHECK(!ledger.found("a", record_of(5, 1, "r2")).empty());
    CHECK(!ledger.found("a", "").empty());
    CHECK(!ledger.found("a", "short").empty());

    const std::string earlier = record_of(5, 100, "r1");
    const std::string later = record_of(5, 200, "r1");
    const std::string successor = record_of(6, 1, "r1");
    CHECK(ledger.replaced("a", 0, nullptr).empty()); // the first
    ledger.recorded("a", 0, 200);
    CHECK(ledger.replaced("a", 0, &later).empty());
    CHECK(!ledger.replaced("a", 0, &earlier).empty());
    CHECK(!ledger.replaced("a", 0, nullptr).empty());
    CHECK(ledger.replaced("a", 7, nullptr).empty()); // another lowest slot
    CHECK(!ledger.replaced("a", 7, &successor).empty());
}

void info() {
    Identity identity;
    read_info("# Server\r\nredis_version:7.0\r\nrun_id:abc\r\n", &identity);
    read_info("# Replication\r\nrole:master\r\nmaster_replid:def\r\nmaster_replid2:0000\r\n", &identity);
    CHECK(identity.run_id == "abc" && identity.is_master && identity.replication_id == "def" && !identity.was_replica);
    read_info("role:slave\r\nmaster_replid2:0010\r\nno colon\r\n:\r\n", &identity);
    CHECK(!identity.is_master && identity.was_replica);
}

void pauses() {
    using std::chrono::milliseconds;
    for (unsigned tries = 0; tries < 100; tries++) {
        const auto whole = std::min<std::int64_t>(10LL << std::min(tries, 20U), 1000);
        for (int i = 0; i < 50; i++) {
            const auto pause = backoff(tries, milliseconds(10), milliseconds(1000)).count();
            CHECK(pause >= whole / 2 && pause <= whole);
        }
    }
}

} // namespace

int main() {
    test::run("slots and tags", slots);
    test::run("answers in any pieces", answers_in_any_pieces);
    test::run("hostile answers", hostile_answers);
    test::run("commands", commands);
    test::run("errors", errors);
    test::run("endpoints", endpoints);
    test::run("maps of a cluster", maps);
    test::run("which masters ask for a new epoch", ledger);
    test::run("who answers", info);
    test::run("pauses", pauses);
    return test::exit_status();
}

// The sink and a real broker, where KAFKA_HOME names a Kafka (its jars in KAFKA_HOME/libs): one node, killed amid
// bookings.

#include <fcntl.h>

#include <cstdlib>
#include <fstream>

#include "relay/test/kafka_rig.hpp"
#include "relay/test/redis_server.hpp"

using namespace test;

namespace {

// One KRaft node.
class KafkaBroker {
  public:
    explicit KafkaBroker(std::string home) : home_(std::move(home)), port_(free_port()) {
        const std::string controller = "127.0.0.1:" + std::to_string(free_port());
        std::ofstream(config()) << "process.roles=broker,controller\nnode.id=1\nlisteners=PLAINTEXT://" << address()
                                << ",CONTROLLER://" << controller << "\ncontroller.quorum.voters=1@" << controller
                                << "\ncontroller.listener.names=CONTROLLER\nlog.dirs=" << directory_.path()
                                << "/data\noffsets.topic.replication.factor=1\ngroup.initial.rebalance.delay.ms=0\n"
                                << "transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n";
        int status = 0;
        waitpid(run({"kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", config()}), &status, 0);
        if (status != 0)
            throw std::runtime_error("the broker's directory could not be made: see " + log());
        start();
    }
    ~KafkaBroker() { kill(); }

    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    void start() { pid_ = run({"kafka.Kafka", config()}); }
    void kill() {
        ::kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }

  private:
    std::string config() const { return directory_.path() + "/server.properties"; }
    std::string log() const { return directory_.path() + "/log"; }
    pid_t run(std::vector<std::string> arguments) const {
        std::vector<std::string> words = {"java", "-Xmx512m", "-cp", home_ + "/libs/*"};
        words.insert(words.end(), arguments.begin(), arguments.end());
        std::vector<char*> argv;
        for (std::string& word : words)
            argv.push_back(word.data());
        argv.push_back(nullptr);
        const pid_t pid = fork();
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            const int file = open(log().c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
            dup2(file, 1);
            dup2(file, 2);
            execvp(argv[0], argv.data());
            _exit(127);
        }
        return pid;
    }

    std::string home_;
    TemporaryDirectory directory_;
    int port_;
    pid_t pid_ = -1;
};

KafkaOptions options(const KafkaBroker& broker, const std::string& prefix) {
    KafkaOptions made = KafkaRig::options(broker.address(), prefix);
    made.create_topics = true;
    made.partitions = 3;
    made.replication_factor = 1;
    return made;
}

// Topics are made, the calendars' compacted: else the sink would not take them for its own. Then the broker dies twice.
void killed(KafkaBroker* broker) {
    KafkaRig rig(options(*broker, "app."));
    rig.sink->begin_epoch(7, false);
    std::int64_t version = 1;
    push_bookings(&rig, 10, &version);
    CHECK(rig.run_until([&] { return rig.feed.idle(); }, "delivery"));
    for (int i = 0; i < 2; i++) {
        push_bookings(&rig, 200, &version);
        const std::size_t applied = rig.feed.applied_batches;
        rig.run_until([&] { return rig.feed.applied_batches > applied + 3; }, "some to be delivered");
        broker->kill();
        CHECK(rig.run_until([&] { return !rig.feed.problem.empty(); }, "the problem to be told"));
        broker->start();
        // One that can't have been delivered before.
        push_bookings(&rig, 1, &version);
        CHECK(rig.run_until([&] { return rig.feed.idle(); }, "delivery"));
    }
    check_complete(broker->address(), "app.reservation.created", version - 1, rig.feed.rewinds > 0);
    check_complete(broker->address(), "app.availability.calendar", version - 1, rig.feed.rewinds > 0);
}

// One that somebody made without compaction is not taken.
void not_compacted(const KafkaBroker& broker) {
    char problem[256];
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", broker.address().c_str(), problem, sizeof problem);
    rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, problem, sizeof problem);
    rd_kafka_topic_t* topic = rd_kafka_topic_new(producer, "plain.availability.calendar", nullptr);
    const rd_kafka_metadata_t* metadata = nullptr;
    // The broker makes a topic that a producer asks for.
    RedisServer::wait_until(
        [&] {
            if (rd_kafka_metadata(producer, 0, topic, &metadata, 10000) != RD_KAFKA_RESP_ERR_NO_ERROR)
                return false;
            const bool made = metadata->topics[0].partition_cnt > 0;
            rd_kafka_metadata_destroy(metadata);
            return made;
        },
        "the topic");
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(producer);
    KafkaRig rig(options(broker, "plain."));
    rig.sink->begin_epoch(7, false);
    CHECK(rig.run_until(
        [&] {
            return rig.feed.problem == "topic plain.availability.calendar must be compacted (cleanup.policy=compact)";
        },
        "the problem to be told"));
}

} // namespace

int main() {
    const char* home = std::getenv("KAFKA_HOME");
    if (home == nullptr) {
        std::printf("# KAFKA_HOME is not set: no broker\n");
        return 0;
    }
    KafkaBroker broker(home);
    test::run("a broker that is killed amid bookings", [&] { killed(&broker); });
    test::run("a topic of calendars that is not compacted", [&] { not_compacted(broker); });
    return test::exit_status();
}

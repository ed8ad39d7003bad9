// librdkafka's mock cluster in a process of its own, and a consumer that reads all that is in a topic.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

namespace test {

// Commands by a pipe, a line each: "down", "up", "error N" (of the next Produce request, a number of
// rd_kafka_resp_err_t), "slow MILLISECONDS", "topic NAME".
class KafkaMock {
  public:
    // Before any other thread of this process.
    explicit KafkaMock(int brokers) {
        int to[2];
        int from[2];
        if (pipe(to) != 0 || pipe(from) != 0)
            throw std::runtime_error("no pipe");
        pid_ = fork();
        if (pid_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            dup2(to[0], 0);
            dup2(from[1], 1);
            serve(brokers);
            _exit(0);
        }
        close(to[0]);
        close(from[1]);
        commands_ = fdopen(to[1], "w");
        answers_ = fdopen(from[0], "r");
        char line[512];
        if (std::fgets(line, sizeof line, answers_) == nullptr)
            throw std::runtime_error("the mock cluster does not start");
        bootstrap_ = std::string(line, std::strcspn(line, "\n"));
    }
    ~KafkaMock() {
        ::kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
        std::fclose(commands_);
        std::fclose(answers_);
    }
    KafkaMock(const KafkaMock&) = delete;
    KafkaMock& operator=(const KafkaMock&) = delete;

    void create_topics(const std::string& prefix) {
        for (const char* name :
             {"reservation.created", "reservation.updated", "reservation.cancelled", "availability.calendar"})
            tell("topic " + prefix + name);
    }
    const std::string& bootstrap() const { return bootstrap_; }
    void tell(const std::string& command) {
        std::fprintf(commands_, "%s\n", command.c_str());
        std::fflush(commands_);
        char line[16];
        if (std::fgets(line, sizeof line, answers_) == nullptr)
            throw std::runtime_error("the mock cluster is gone");
    }

  private:
    static void serve(int brokers) {
        char problem[256];
        rd_kafka_t* handle = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), problem, sizeof problem);
        rd_kafka_mock_cluster_t* cluster = rd_kafka_mock_cluster_new(handle, brokers);
        std::printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
        std::fflush(stdout);
        char line[128];
        while (std::fgets(line, sizeof line, stdin) != nullptr) {
            int number = 0;
            for (int broker = 1; broker <= brokers; broker++) {
                if (std::strncmp(line, "down", 4) == 0)
                    rd_kafka_mock_broker_set_down(cluster, broker);
                else if (std::strncmp(line, "up", 2) == 0)
                    rd_kafka_mock_broker_set_up(cluster, broker);
                else if (std::sscanf(line, "slow %d", &number) == 1)
                    rd_kafka_mock_broker_set_rtt(cluster, broker, number);
            }
            char topic[100];
            if (std::sscanf(line, "topic %99s", topic) == 1)
                rd_kafka_mock_topic_create(cluster, topic, 4, 1);
            if (std::sscanf(line, "error %d", &number) == 1)
                rd_kafka_mock_push_request_errors(cluster, 0 /* Produce */, 1,
                                                  static_cast<rd_kafka_resp_err_t>(number));
            std::printf("ok\n");
            std::fflush(stdout);
        }
    }

    pid_t pid_ = -1;
    FILE* commands_ = nullptr;
    FILE* answers_ = nullptr;
    std::string bootstrap_;
};

struct KafkaMessage {
    int partition = 0;
    std::int64_t timestamp = 0;
    std::string key;
    bool is_null = false;
    std::string value;
    std::map<std::string, std::string> headers;
};

// All messages of a topic, until there has been nothing new for a while at the end of every partition.
inline std::vector<KafkaMessage> read_topic(const std::string& bootstrap, const std::string& topic) {
    char problem[256];
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    const auto set = [&](const char* name, const std::string& value) {
        if (rd_kafka_conf_set(conf, name, value.c_str(), problem, sizeof problem) != RD_KAFKA_CONF_OK)
            throw std::runtime_error(problem);
    };
    set("bootstrap.servers", bootstrap);
    set("group.id", "test-" + topic);
    set("enable.auto.commit", "false");
    set("auto.offset.reset", "earliest");
    set("enable.partition.eof", "true");
    set("fetch.wait.max.ms", "50");
    rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, problem, sizeof problem);
    rd_kafka_poll_set_consumer(consumer);
    const rd_kafka_metadata_t* metadata = nullptr;
    rd_kafka_topic_t* handle = rd_kafka_topic_new(consumer, topic.c_str(), nullptr);
    std::vector<KafkaMessage> messages;
    if (rd_kafka_metadata(consumer, 0, handle, &metadata, 10000) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        metadata->topic_cnt == 1) {
        rd_kafka_topic_partition_list_t* partitions = rd_kafka_topic_partition_list_new(1);
        for (int i = 0; i < metadata->topics[0].partition_cnt; i++)
            rd_kafka_topic_partition_list_add(partitions, topic.c_str(), i)->offset = RD_KAFKA_OFFSET_BEGINNING;
        rd_kafka_assign(consumer, partitions);
        rd_kafka_topic_partition_list_destroy(partitions);
        int open = metadata->topics[0].partition_cnt;
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (open > 0 && std::chrono::steady_clock::now() < end) {
            rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, 1000);
            if (message == nullptr)
                continue;
            if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
                open--;
            } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                KafkaMessage& read = messages.emplace_back();
                read.partition = message->partition;
                read.timestamp = rd_kafka_message_timestamp(message, nullptr);
                read.key.assign(static_cast<const char*>(message->key), message->key_len);
                read.is_null = message->payload == nullptr;
                if (!read.is_null)
                    read.value.assign(static_cast<const char*>(message->payload), message->len);
                rd_kafka_headers_t* headers = nullptr;
                rd_kafka_message_headers(message, &headers);
                const char* name = nullptr;
                const void* value = nullptr;
                std::size_t size = 0;
                for (std::size_t i = 0;
                     headers != nullptr &&
                     rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
                     i++)
                    read.headers[name] = std::string(static_cast<const char*>(value), size);
            }
            rd_kafka_message_destroy(message);
        }
    }
    if (metadata != nullptr)
        rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    return messages;
}

} // namespace test

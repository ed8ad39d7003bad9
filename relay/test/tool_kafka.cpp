// For tests in other languages: librdkafka's mock cluster in a process, and what is in a topic.
//
//   tool_kafka mock BROKERS          makes the topics, prints its bootstrap servers, then obeys the lines of KafkaMock,
//   an "ok" each tool_kafka read SERVERS TOPIC    a line a message: partition, key, headers as name=value, value in hex
//   or "null", with tabs between

#include <iostream>

#include "relay/test/kafka_mock.hpp"

namespace {

int serve(int brokers) {
    test::KafkaMock mock(brokers);
    mock.create_topics("");
    std::cout << mock.bootstrap() << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
        mock.tell(line);
        std::cout << "ok" << std::endl;
    }
    return 0;
}

int read(const std::string& servers, const std::string& topic) {
    for (const test::KafkaMessage& message : test::read_topic(servers, topic)) {
        std::printf("%d\t%s\t", message.partition, message.key.c_str());
        for (const auto& [name, value] : message.headers)
            std::printf("%s=%s ", name.c_str(), value.c_str());
        std::printf("\t");
        for (const unsigned char c : message.value)
            std::printf("%02x", c);
        std::printf("%s\n", message.is_null ? "null" : "");
    }
    return 0;
}

} // namespace

int main(int count, char** arguments) {
    const std::string command = count > 1 ? arguments[1] : "";
    if (command == "mock" && count == 3)
        return serve(std::atoi(arguments[2]));
    if (command == "read" && count == 4)
        return read(arguments[2], arguments[3]);
    std::fprintf(stderr, "usage: tool_kafka mock BROKERS | read SERVERS TOPIC\n");
    return 2;
}

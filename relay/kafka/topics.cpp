#include "relay/kafka/topics.hpp"

#include <memory>

#include "relay/kafka/payload.hpp"

namespace availability::relay::kafka {

namespace {

constexpr int kTimeoutMilliseconds = 15000;

using AdminOptions = std::unique_ptr<rd_kafka_AdminOptions_t, decltype(&rd_kafka_AdminOptions_destroy)>;

AdminOptions admin_options(rd_kafka_t* handle, rd_kafka_admin_op_t operation) {
    AdminOptions options(rd_kafka_AdminOptions_new(handle, operation), &rd_kafka_AdminOptions_destroy);
    char problem[256];
    rd_kafka_AdminOptions_set_request_timeout(options.get(), kTimeoutMilliseconds, problem, sizeof problem);
    return options;
}

// Brokers that can't or won't say.
bool is_refusal(rd_kafka_resp_err_t error) {
    return error == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE || error == RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION ||
           error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
           error == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
}

bool is_compacted(const rd_kafka_ConfigResource_t* resource) {
    std::size_t count = 0;
    const rd_kafka_ConfigEntry_t** entries = rd_kafka_ConfigResource_configs(resource, &count);
    for (std::size_t i = 0; i < count; i++)
        if (std::string(rd_kafka_ConfigEntry_name(entries[i])) == "cleanup.policy") {
            const char* value = rd_kafka_ConfigEntry_value(entries[i]);
            return value != nullptr && std::string(value).find("compact") != std::string::npos;
        }
    return false;
}

} // namespace

void request_creation(rd_kafka_t* handle, rd_kafka_queue_t* queue, const TopicOptions& options) {
    std::vector<rd_kafka_NewTopic_t*> topics;
    char problem[256];
    for (std::size_t i = 0; i < options.names.size(); i++) {
        rd_kafka_NewTopic_t* topic = rd_kafka_NewTopic_new(options.names[i].c_str(), options.partitions,
                                                           options.replication_factor, problem, sizeof problem);
        if (topic == nullptr)
            continue; // a name or a number that no broker takes: the description will say that it is not there
        if (i == static_cast<std::size_t>(Topic::kCalendar))
            rd_kafka_NewTopic_set_config(topic, "cleanup.policy", "compact");
        topics.push_back(topic);
    }
    const AdminOptions admin = admin_options(handle, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_CreateTopics(handle, topics.data(), topics.size(), admin.get(), queue);
    rd_kafka_NewTopic_destroy_array(topics.data(), topics.size());
}

void request_description(rd_kafka_t* handle, rd_kafka_queue_t* queue, const TopicOptions& options) {
    rd_kafka_ConfigResource_t* calendars = rd_kafka_ConfigResource_new(
        RD_KAFKA_RESOURCE_TOPIC, options.names[static_cast<std::size_t>(Topic::kCalendar)].c_str());
    const AdminOptions admin = admin_options(handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_DescribeConfigs(handle, &calendars, 1, admin.get(), queue);
    rd_kafka_ConfigResource_destroy(calendars);
}

TopicAnswer read_creation(rd_kafka_event_t* event) {
    if (const rd_kafka_resp_err_t error = rd_kafka_event_error(event); error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return {is_refusal(error), std::string("topics could not be made: ") + rd_kafka_event_error_string(event)};
    std::size_t count = 0;
    const rd_kafka_topic_result_t** results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    for (std::size_t i = 0; i < count; i++) {
        const rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[i]);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            continue;
        const char* text = rd_kafka_topic_result_error_string(results[i]);
        return {is_refusal(error), std::string("topic ") + rd_kafka_topic_result_name(results[i]) +
                                       " could not be made: " + (text != nullptr ? text : rd_kafka_err2str(error))};
    }
    return {true, {}};
}

TopicAnswer read_names(const std::set<std::string>& names, const std::string& error, const TopicOptions& options) {
    if (!error.empty())
        return {false, "the topics could not be listed: " + error};
    for (const std::string& name : options.names)
        if (names.count(name) == 0)
            return {false, "topic " + name + " does not exist"};
    return {true, {}};
}

TopicAnswer read_description(rd_kafka_event_t* event, const TopicOptions& options) {
    const std::string& calendars = options.names[static_cast<std::size_t>(Topic::kCalendar)];
    const std::string unknown = "whether topic " + calendars + " is compacted is not known: ";
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return {true, unknown + rd_kafka_event_error_string(event)};
    std::size_t count = 0;
    const rd_kafka_ConfigResource_t** resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count);
    for (std::size_t i = 0; i < count; i++) {
        if (const rd_kafka_resp_err_t error = rd_kafka_ConfigResource_error(resources[i]);
            error != RD_KAFKA_RESP_ERR_NO_ERROR)
            return {true, unknown + rd_kafka_err2str(error)};
        if (!is_compacted(resources[i]))
            return {false, "topic " + calendars + " must be compacted (cleanup.policy=compact)"};
    }
    return {true, {}};
}

} // namespace availability::relay::kafka

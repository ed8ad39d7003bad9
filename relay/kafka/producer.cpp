#include "relay/kafka/producer.hpp"

#include <atomic>
#include <list>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

namespace availability::relay::kafka {

namespace {

// Served in one turn of the loop; others wait meanwhile.
constexpr int kEventsATurn = 64;
constexpr int kTopicsMilliseconds = 5000;

// Ends producers: librdkafka waits for its threads, which takes a moment that the loop doesn't have.
class Undertaker {
  public:
    ~Undertaker() { join(true); }

    void take(rd_kafka_t* handle, int fd, std::thread asking) {
        join(false);
        burials_.emplace_back();
        Burial& burial = burials_.back();
        burial.thread = std::thread([handle, fd, asking = std::move(asking), &done = burial.done]() mutable {
            if (asking.joinable())
                asking.join();
            rd_kafka_destroy(handle);
            close(fd);
            done = true;
        });
    }

  private:
    struct Burial {
        std::thread thread;
        std::atomic<bool> done{false};
    };

    void join(bool all) {
        for (auto burial = burials_.begin(); burial != burials_.end();) {
            if (!all && !burial->done) {
                ++burial;
                continue;
            }
            burial->thread.join();
            burial = burials_.erase(burial);
        }
    }

    std::list<Burial> burials_;
};

Undertaker& undertaker() {
    static Undertaker instance;
    return instance;
}

void log_event(rd_kafka_event_t* event) {
    const char* facility = nullptr;
    const char* text = nullptr;
    int level = 0;
    if (rd_kafka_event_log(event, &facility, &text, &level) == 0)
        spdlog::log(level <= 4 ? spdlog::level::warn : spdlog::level::debug, "kafka: {}: {}", facility, text);
}

} // namespace

Properties with_defaults(const Properties& properties) {
    Properties all = {
        {"client.id", "availability-relay"},
        // Of the Java client, so that other producers of the same keys agree.
        {"partitioner", "murmur2_random"},
        {"linger.ms", "5"},
        {"compression.type", "lz4"},
        // A message waits for its brokers as long as it takes: given up, it would have to come again, out of its order.
        // What waits is bounded by the sink, and told by it.
        {"message.timeout.ms", "0"},
        {"queue.buffering.max.messages", "1000000"},
    };
    for (const auto& [name, value] : properties)
        all[name] = value;
    all["enable.idempotence"] = "true";
    all["acks"] = "all";
    all["log.queue"] = "true";
    return all;
}

Producer::Producer(boost::asio::io_context& io, const Properties& properties, Handlers handlers)
    : handlers_(std::move(handlers)), alive_(std::make_shared<Alive>()), descriptor_(io) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    char problem[512];
    for (const auto& [name, value] : with_defaults(properties))
        if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), problem, sizeof problem) != RD_KAFKA_CONF_OK) {
            rd_kafka_conf_destroy(conf);
            throw std::runtime_error(std::string("kafka.properties: ") + problem);
        }
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, problem, sizeof problem);
    if (handle_ == nullptr) {
        rd_kafka_conf_destroy(conf);
        throw std::runtime_error(std::string("kafka.properties: ") + problem);
    }
    queue_ = rd_kafka_queue_get_main(handle_);
    rd_kafka_set_log_queue(handle_, queue_);
    int fds[2];
    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0) {
        rd_kafka_queue_destroy(queue_);
        rd_kafka_destroy(handle_);
        throw std::runtime_error("no more file descriptors");
    }
    descriptor_.assign(fds[0]);
    write_fd_ = fds[1];
    rd_kafka_queue_io_event_enable(queue_, write_fd_, "x", 1);
    watch();
    // What came before the descriptor was there.
    boost::asio::post(io, [this, alive = std::weak_ptr<Alive>(alive_)] {
        if (!alive.expired())
            serve();
    });
}

Producer::~Producer() {
    rd_kafka_queue_io_event_enable(queue_, -1, nullptr, 0);
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    // Not to wait for brokers that don't answer.
    rd_kafka_purge(handle_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
    rd_kafka_queue_destroy(queue_);
    undertaker().take(handle_, write_fd_, std::move(asking_));
}

void Producer::retire(boost::asio::io_context& io, std::unique_ptr<Producer> producer) {
    if (producer == nullptr)
        return;
    producer->alive_.reset();
    boost::asio::post(io, [retired = std::shared_ptr<Producer>(std::move(producer))] {});
}

void Producer::request_topics() {
    if (asking_.joinable())
        return;
    // The handle outlives the thread, and so does the loop: whoever destroys the producer waits for the thread, in a
    // thread.
    asking_ = std::thread(
        [this, handle = handle_, alive = std::weak_ptr<Alive>(alive_), executor = descriptor_.get_executor()] {
            std::set<std::string> names;
            std::string error;
            const rd_kafka_metadata_t* metadata = nullptr;
            if (const rd_kafka_resp_err_t code = rd_kafka_metadata(handle, 1, nullptr, &metadata, kTopicsMilliseconds);
                code != RD_KAFKA_RESP_ERR_NO_ERROR) {
                error = rd_kafka_err2str(code);
            } else {
                for (int i = 0; i < metadata->topic_cnt; i++)
                    names.insert(metadata->topics[i].topic);
                rd_kafka_metadata_destroy(metadata);
            }
            boost::asio::post(executor, [this, alive, names = std::move(names), error = std::move(error)] {
                if (!alive.expired())
                    handlers_.topics(names, error);
            });
        });
}

void Producer::watch() {
    descriptor_.async_read_some(boost::asio::buffer(drain_), [this, alive = std::weak_ptr<Alive>(alive_)](
                                                                 const boost::system::error_code& error, std::size_t) {
        if (error || alive.expired())
            return;
        watch();
        serve();
    });
}

void Producer::serve() {
    const std::weak_ptr<Alive> alive = alive_;
    for (int i = 0; i < kEventsATurn; i++) {
        rd_kafka_event_t* event = rd_kafka_queue_poll(queue_, 0);
        if (event == nullptr)
            return;
        handle_event(event);
        rd_kafka_event_destroy(event);
        if (alive.expired())
            return;
    }
    boost::asio::post(descriptor_.get_executor(), [this, alive] {
        if (!alive.expired())
            serve();
    });
}

void Producer::handle_event(rd_kafka_event_t* event) {
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_DR: {
        const std::weak_ptr<Alive> alive = alive_;
        while (const rd_kafka_message_t* message = rd_kafka_event_message_next(event)) {
            handlers_.delivered(message->_private, message->err);
            if (alive.expired())
                return;
        }
        return;
    }
    case RD_KAFKA_EVENT_ERROR: {
        char fatal[512];
        const bool is_fatal = rd_kafka_event_error_is_fatal(event) != 0;
        const rd_kafka_resp_err_t error =
            is_fatal ? rd_kafka_fatal_error(handle_, fatal, sizeof fatal) : rd_kafka_event_error(event);
        handlers_.failed(is_fatal, is_fatal ? std::string(rd_kafka_err2name(error)) + ": " + fatal
                                            : rd_kafka_event_error_string(event));
        return;
    }
    case RD_KAFKA_EVENT_LOG:
        return log_event(event);
    case RD_KAFKA_EVENT_CREATETOPICS_RESULT:
    case RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT:
        return handlers_.answered(event);
    default:
        return;
    }
}

} // namespace availability::relay::kafka

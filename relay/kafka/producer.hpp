// A producer of librdkafka on the event loop: its own threads talk to the brokers, its events come through a descriptor
// that the loop watches.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <librdkafka/rdkafka.h>

namespace availability::relay::kafka {

using Properties = std::map<std::string, std::string>;

// What the relay sets whatever the configuration says, and what it sets unless the configuration does.
Properties with_defaults(const Properties& properties);

class Producer {
  public:
    struct Handlers {
        // The fate of a message: its opaque pointer, and the error or RD_KAFKA_RESP_ERR_NO_ERROR.
        std::function<void(void* opaque, rd_kafka_resp_err_t error)> delivered;
        // Something went wrong. After a fatal one the producer is of no more use.
        std::function<void(bool fatal, const std::string& what)> failed;
        // The answer to an administrative request.
        std::function<void(rd_kafka_event_t* event)> answered;
        // The answer to request_topics(): names, or an error.
        std::function<void(const std::set<std::string>& names, const std::string& error)> topics;
    };

    // Throws std::runtime_error on a configuration that librdkafka refuses. No handler is called from within a call of
    // this class.
    Producer(boost::asio::io_context& io, const Properties& properties, Handlers handlers);
    // Messages that are under way may arrive or not. Not from within a handler: retire() is for that.
    ~Producer();
    // Ends a producer, later: no handler is called any more.
    static void retire(boost::asio::io_context& io, std::unique_ptr<Producer> producer);
    Producer(const Producer&) = delete;
    Producer& operator=(const Producer&) = delete;

    // Asks which topics there are, without making any; once.
    void request_topics();

    rd_kafka_t* handle() const { return handle_; }
    rd_kafka_queue_t* queue() const { return queue_; }

  private:
    struct Alive {}; // while handlers may be called
    void watch();
    void serve();
    void handle_event(rd_kafka_event_t* event);

    Handlers handlers_;
    std::shared_ptr<Alive> alive_;
    rd_kafka_t* handle_ = nullptr;
    rd_kafka_queue_t* queue_ = nullptr;
    int write_fd_ = -1;
    std::thread asking_; // librdkafka has no call for it that doesn't wait
    boost::asio::posix::stream_descriptor descriptor_;
    char drain_[256];
};

} // namespace availability::relay::kafka

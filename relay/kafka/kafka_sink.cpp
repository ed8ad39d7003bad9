#include "relay/kafka/kafka_sink.hpp"

#include <charconv>

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "relay/clock.hpp"
#include "relay/redis/backoff.hpp"
#include "relay/source/lsn.hpp"

namespace availability::relay::kafka {

using namespace std::chrono_literals;

namespace {

constexpr auto kTick = 500ms;
constexpr auto kFirstPause = 100ms;
constexpr auto kLongestPause = 10000ms;

// A message's opaque pointer: the batch and the event in it.
constexpr unsigned kIndexBits = 20;
constexpr std::size_t kMaxEvents = std::size_t{1} << kIndexBits;

void* opaque_of(std::uint64_t id, std::size_t index) {
    return reinterpret_cast<void*>(
        static_cast<std::uintptr_t>(id << kIndexBits | index)); // NOLINT: a number, never followed
}

bool is_refusal_of_message(rd_kafka_resp_err_t error) {
    return error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || error == RD_KAFKA_RESP_ERR_INVALID_MSG ||
           error == RD_KAFKA_RESP_ERR_INVALID_RECORD;
}

TopicOptions topic_options(const KafkaOptions& options) {
    TopicOptions topics;
    for (std::size_t i = 0; i < kTopics; i++)
        topics.names.push_back(options.topic_prefix + name_of(static_cast<Topic>(i)));
    topics.create = options.create_topics;
    topics.partitions = options.partitions;
    topics.replication_factor = options.replication_factor;
    return topics;
}

prometheus::Counter& counter(prometheus::Registry& registry, const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

} // namespace

KafkaSink::KafkaSink(KafkaOptions options, const SinkContext& context)
    : options_(std::move(options)), context_(context), payload_(options_.format, options_.tables),
      topics_(topic_options(options_)), tick_timer_(context.io), again_timer_(context.io),
      messages_(
          counter(context.registry, "availability_relay_kafka_messages_total", "Messages that brokers have for good.")),
      refused_(
          counter(context.registry, "availability_relay_kafka_refused_total", "Messages that brokers will not take.")),
      producers_(counter(context.registry, "availability_relay_kafka_producers_total",
                         "Producers made: one, and one for each that failed.")),
      under_way_bytes_(prometheus::BuildGauge()
                           .Name("availability_relay_kafka_under_way_bytes")
                           .Help("Batches taken and not applied.")
                           .Register(context.registry)
                           .Add({})),
      batch_seconds_(prometheus::BuildHistogram()
                         .Name("availability_relay_kafka_batch_seconds")
                         .Help("From taking a batch to the last delivery report.")
                         .Register(context.registry)
                         .Add({}, prometheus::Histogram::BucketBoundaries{.001, .002, .005, .01, .02, .05, .1, .25, .5,
                                                                          1, 5, 30})) {
    begin_producer();
}

KafkaSink::~KafkaSink() = default;

void KafkaSink::start(Feed* feed) {
    feed_ = feed;
    schedule_tick();
}

// --- the producer --------------------------------------------------------------------------------

void KafkaSink::begin_producer() {
    producer_ = std::make_unique<Producer>(
        context_.io, options_.properties,
        Producer::Handlers{
            [this](void* opaque, rd_kafka_resp_err_t error) { delivered(opaque, error); },
            [this](bool fatal, const std::string& what) { producer_failed(fatal, what); },
            [this](rd_kafka_event_t* event) { answered(event); },
            [this](const std::set<std::string>& names, const std::string& error) { listed(names, error); }});
    producers_.Increment();
    ready_ = false;
    if (topics_.create)
        request_creation(producer_->handle(), producer_->queue(), topics_);
    else
        producer_->request_topics();
}

// Another producer, after a pause, and the feed from the first batch that was not applied.
void KafkaSink::begin_anew(const std::string& why) {
    trouble(why);
    drop_under_way();
    Producer::retire(context_.io, std::move(producer_));
    ready_ = false;
    again_timer_.expires_after(redis::backoff(failures_++, kFirstPause, kLongestPause));
    again_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error || stopped_)
            return;
        try {
            begin_producer();
        } catch (const std::runtime_error& problem) {
            return begin_anew(problem.what());
        }
        feed_->rewind();
    });
}

void KafkaSink::answered(rd_kafka_event_t* event) {
    const bool created = rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATETOPICS_RESULT;
    const TopicAnswer answer = created ? read_creation(event) : read_description(event, topics_);
    if (!answer.good)
        return begin_anew(answer.problem);
    if (!answer.problem.empty())
        spdlog::warn("kafka: {}", answer.problem);
    if (created)
        producer_->request_topics();
}

// Which cleanup a topic has, not all can say, and it takes those who can't a while: nothing waits for it.
void KafkaSink::listed(const std::set<std::string>& names, const std::string& error) {
    const TopicAnswer answer = read_names(names, error, topics_);
    if (!answer.good)
        return begin_anew(answer.problem);
    request_description(producer_->handle(), producer_->queue(), topics_);
    ready_ = true;
    progress_ = Clock::now();
    works();
    pull();
}

void KafkaSink::producer_failed(bool fatal, const std::string& what) {
    if (fatal)
        return begin_anew(what);
    trouble(what);
}

void KafkaSink::trouble(const std::string& what) {
    if (!has_problem_)
        spdlog::warn("kafka: {}", what);
    has_problem_ = true;
    if (feed_ != nullptr)
        feed_->set_problem(what);
}

void KafkaSink::works() {
    if (has_problem_)
        spdlog::info("kafka: works again");
    has_problem_ = false;
    if (feed_ != nullptr)
        feed_->set_problem({});
}

// --- batches -------------------------------------------------------------------------------------

void KafkaSink::begin_epoch(Epoch epoch, bool) {
    epoch_ = epoch;
    epoch_text_ = std::to_string(epoch);
    has_epoch_ = true;
    drop_under_way();
    pull();
}

void KafkaSink::drop_under_way() {
    under_way_.clear();
    current_ = nullptr;
    bytes_ = 0;
}

void KafkaSink::wake() {
    pull();
}

void KafkaSink::pull() {
    if (pulling_ || feed_ == nullptr)
        return;
    pulling_ = true;
    while (ready_ && has_epoch_ && !stopped_) {
        if (current_ != nullptr) {
            if (!produce_rest(current_))
                break;
            continue;
        }
        if (bytes_ >= options_.max_under_way_bytes)
            break;
        BatchPtr batch = feed_->next();
        if (batch == nullptr)
            break;
        if (batch->epoch != epoch_)
            continue;
        const std::uint64_t id = next_id_++;
        if (under_way_.empty())
            progress_ = Clock::now();
        bytes_ += batch->bytes();
        current_ = &under_way_.emplace(id, UnderWay{id, std::move(batch), 1, 0, false, Clock::now()}).first->second;
    }
    pulling_ = false;
    under_way_bytes_.Set(static_cast<double>(bytes_));
}

// False if librdkafka takes no more for now, or the producer failed.
bool KafkaSink::produce_rest(UnderWay* under_way) {
    const std::vector<Event>& events = under_way->batch->events;
    for (; under_way->next < events.size(); under_way->next++, under_way->has_event = false)
        if (!produce_event(under_way, events[under_way->next]))
            return false;
    current_ = nullptr;
    ended(under_way);
    return true;
}

bool KafkaSink::produce_event(UnderWay* under_way, const Event& event) {
    if (event.listing.empty())
        return true;
    const std::size_t index = under_way->next % kMaxEvents;
    payload_.write_key(event, &key_);
    Topic topic{};
    Produced produced = Produced::kDone;
    if (!under_way->has_event && Payload::has_topic(event, &topic)) {
        payload_.write_event(event, &value_);
        produced = produce(event, under_way->id, index, topic, &value_);
        under_way->unanswered += produced == Produced::kDone;
    }
    if (produced == Produced::kDone) {
        under_way->has_event = true;
        if (!Payload::is_tombstone(event))
            payload_.write_calendar(event, &value_);
        produced =
            produce(event, under_way->id, index, Topic::kCalendar, Payload::is_tombstone(event) ? nullptr : &value_);
        under_way->unanswered += produced == Produced::kDone;
    }
    if (produced == Produced::kRefused) {
        refused_.Increment();
        feed_->dead_letter(event, "Kafka takes no message as large as its own");
    }
    return produced != Produced::kFull;
}

KafkaSink::Produced KafkaSink::produce(const Event& event, std::uint64_t id, std::size_t index, Topic topic,
                                       const std::string* value) {
    rd_kafka_headers_t* headers = rd_kafka_headers_new(4);
    const auto add = [headers](const char* name, std::string_view text) {
        rd_kafka_header_add(headers, name, -1, text.data(), static_cast<ssize_t>(text.size()));
    };
    add("schema_version", kSchemaVersion);
    add("epoch", epoch_text_);
    if (event.kind != EventKind::kCalendar && event.position.lsn != 0) {
        char text[40];
        add("lsn", format_lsn(event.position.lsn));
        add("seq", std::string_view(text, static_cast<std::size_t>(
                                              std::to_chars(text, text + sizeof text, event.position.seq).ptr - text)));
    }
    rd_kafka_vu_t parameters[7];
    std::size_t count = 0;
    const auto parameter = [&](rd_kafka_vtype_t type) -> rd_kafka_vu_t& {
        parameters[count].vtype = type;
        return parameters[count++];
    };
    parameter(RD_KAFKA_VTYPE_TOPIC).u.cstr = topics_.names[static_cast<std::size_t>(topic)].c_str();
    rd_kafka_vu_t& key = parameter(RD_KAFKA_VTYPE_KEY);
    key.u.mem.ptr = key_.data();
    key.u.mem.size = key_.size();
    if (value != nullptr) {
        rd_kafka_vu_t& memory = parameter(RD_KAFKA_VTYPE_VALUE);
        memory.u.mem.ptr = const_cast<char*>(value->data()); // copied
        memory.u.mem.size = value->size();
    }
    parameter(RD_KAFKA_VTYPE_MSGFLAGS).u.i = RD_KAFKA_MSG_F_COPY;
    if (event.at > 0)
        parameter(RD_KAFKA_VTYPE_TIMESTAMP).u.i64 = event.at / 1000;
    parameter(RD_KAFKA_VTYPE_OPAQUE).u.ptr = opaque_of(id, index);
    parameter(RD_KAFKA_VTYPE_HEADERS).u.headers = headers;

    rd_kafka_error_t* error = rd_kafka_produceva(producer_->handle(), parameters, count);
    if (error == nullptr)
        return Produced::kDone;
    const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    rd_kafka_headers_destroy(headers);
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return Produced::kRefused;
    // The queue is full, which its delivery reports end, or the producer has a fatal error, of which an event tells.
    return Produced::kFull;
}

void KafkaSink::delivered(void* opaque, rd_kafka_resp_err_t error) {
    const auto number = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(opaque)); // NOLINT
    const auto found = under_way_.find(number >> kIndexBits);
    if (found == under_way_.end())
        return;
    UnderWay& under_way = found->second;
    if (is_refusal_of_message(error)) {
        refused_.Increment();
        feed_->dead_letter(under_way.batch->events[number & (kMaxEvents - 1)], rd_kafka_err2str(error));
    } else if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return begin_anew(rd_kafka_err2str(error));
    } else {
        messages_.Increment();
    }
    progress_ = Clock::now();
    failures_ = 0;
    ended(&under_way);
    if (current_ != nullptr || bytes_ < options_.max_under_way_bytes)
        pull();
}

void KafkaSink::ended(UnderWay* under_way) {
    if (--under_way->unanswered > 0)
        return;
    bytes_ -= under_way->batch->bytes();
    batch_seconds_.Observe(std::chrono::duration<double>(Clock::now() - under_way->taken).count());
    const BatchPtr batch = std::move(under_way->batch);
    under_way_.erase(under_way->id);
    if (has_problem_)
        works();
    feed_->applied(batch);
}

// --- time ----------------------------------------------------------------------------------------

void KafkaSink::schedule_tick() {
    tick_timer_.expires_after(kTick);
    tick_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error && !stopped_)
            tick();
    });
}

void KafkaSink::tick() {
    if (!under_way_.empty() && ready_ && Clock::now() - progress_ > options_.patience)
        trouble("no delivery report for a while");
    else if (under_way_.empty() && ready_ && has_problem_ && producer_ != nullptr)
        works();
    pull();
    schedule_tick();
}

void KafkaSink::stop(std::function<void()> done) {
    stopped_ = true;
    tick_timer_.cancel();
    again_timer_.cancel();
    drop_under_way();
    Producer::retire(context_.io, std::move(producer_));
    boost::asio::post(context_.io, std::move(done));
}

} // namespace availability::relay::kafka

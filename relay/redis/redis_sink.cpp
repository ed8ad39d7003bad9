#include "relay/redis/redis_sink.hpp"

#include <algorithm>
#include <stdexcept>

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "relay/clock.hpp"
#include "relay/redis/backoff.hpp"
#include "relay/redis/scripts.hpp"

namespace availability::relay::redis {

using namespace std::chrono_literals;

namespace {

// Of one command to a server that is no cluster: with more of them Redis saves no more time, and others wait for
// longer.
constexpr std::size_t kGroup = 64;
// A listing whose write Redis refuses, for what is in it or under its key, is given up after so many tries.
constexpr std::uint8_t kTries = 3;
constexpr auto kFirstPause = 100ms;
constexpr auto kLongestPause = 5000ms;
constexpr auto kQuiet = 1500ms; // without trouble: it works

ClientOptions client_options(const RedisOptions& options, boost::asio::ssl::context* tls) {
    ClientOptions client = options.client;
    client.connection.scripts = script_sources();
    client.connection.tls = tls;
    return client;
}

KeyOptions key_options(const RedisOptions& options, const SinkContext& context) {
    KeyOptions keys = options.keys;
    keys.prefixes = context.key_prefixes;
    return keys;
}

} // namespace

std::unique_ptr<boost::asio::ssl::context> make_tls(const RedisOptions& options) {
    namespace ssl = boost::asio::ssl;
    if (!options.tls)
        return nullptr;
    auto tls = std::make_unique<ssl::context>(ssl::context::tls_client);
    boost::system::error_code error;
    const auto check = [&](const std::string& what) {
        if (error)
            throw std::runtime_error(what + ": " + error.message());
    };
    tls->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                     ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
    tls->set_verify_mode(ssl::verify_peer);
    if (options.tls_ca_file.empty())
        tls->set_default_verify_paths(error);
    else
        tls->load_verify_file(options.tls_ca_file, error);
    check("could not read the authorities " + options.tls_ca_file);
    if (!options.tls_cert_file.empty()) {
        tls->use_certificate_chain_file(options.tls_cert_file, error);
        check("could not use the certificate " + options.tls_cert_file);
        tls->use_private_key_file(options.tls_key_file, ssl::context::pem, error);
        check("could not use the key " + options.tls_key_file);
    }
    return tls;
}

// The write of one event, or of a group of them.
class RedisSink::Write final : public Request {
  public:
    Write(RedisSink* sink, UnderWay* under_way) : sink_(sink), generation_(sink->generation_), under_way(under_way) {}

    void answered(const Reply& reply) override {
        if (generation_ == sink_->generation_)
            sink_->answered(*this, reply);
    }
    void failed(std::string_view reason) override {
        if (generation_ == sink_->generation_)
            sink_->write_failed(reason);
    }

  private:
    RedisSink* sink_;
    std::uint64_t generation_;

  public:
    UnderWay* under_way;
    std::vector<const Event*> group; // or
    const Event* event = nullptr;
    std::uint8_t tries = 0;
};

RedisSink::RedisSink(RedisOptions options, const SinkContext& context)
    : options_(std::move(options)), context_(context), tls_(make_tls(options_)),
      client_(context.io, client_options(options_, tls_.get()), this),
      records_(client_, options_.record_prefix,
               {[this] { announced(); }, [this](const std::string& reason) { doubt(reason); },
                [this] { return position(); }, [] { return now_us(); }}),
      commands_(key_options(options_, context)),
      hot_(client_, options_.hot, options_.record_prefix + kHotSuffix, context.key_prefixes),
      metrics_(context.registry), tick_timer_(context.io), again_timer_(context.io) {}

RedisSink::~RedisSink() {
    client_.stop();
}

void RedisSink::start(Feed* feed) {
    feed_ = feed;
    client_.start();
    schedule_tick();
}

// --- epochs --------------------------------------------------------------------------------------

void RedisSink::begin_epoch(Epoch epoch, bool known) {
    epoch_ = epoch;
    running_ = false;
    failures_ = 0;
    applied_ = {};
    again_timer_.cancel();
    drop_under_way();
    commands_.set_epoch(epoch);
    records_.begin(epoch, known);
}

void RedisSink::announced() {
    spdlog::info("redis: epoch {} is announced to {} master(s)", epoch_, client_.masters().size());
    running_ = true;
    set_works();
    hot_.refresh(feed_);
    pull();
}

void RedisSink::doubt(const std::string& reason) {
    spdlog::warn("redis: a new epoch must begin: {}", reason);
    metrics_.epochs_demanded.Increment();
    running_ = false;
    drop_under_way();
    feed_->demand_epoch(reason);
}

// --- batches -------------------------------------------------------------------------------------

void RedisSink::wake() {
    pull();
}

void RedisSink::pull() {
    if (pulling_)
        return;
    pulling_ = true;
    while (running_ && !stopped_ && bytes_ < options_.max_under_way_bytes) {
        BatchPtr batch = feed_->next();
        if (batch == nullptr)
            break;
        take(std::move(batch));
    }
    pulling_ = false;
    metrics_.under_way_bytes.Set(static_cast<double>(bytes_));
}

void RedisSink::take(BatchPtr batch) {
    if (batch->epoch != epoch_)
        return;
    commands_.set_today(static_cast<Day>(now_us() / 86400000000));
    under_way_.push_back(std::make_unique<UnderWay>());
    UnderWay* under_way = under_way_.back().get();
    under_way->batch = std::move(batch);
    under_way->bytes = under_way->batch->bytes();
    under_way->taken = Clock::now();
    under_way->unanswered = 1; // until all writes are given away
    bytes_ += under_way->bytes;

    const std::uint64_t generation = generation_;
    const auto flush = [&] {
        if (!group_.empty())
            write_group(under_way, group_.data(), group_.size());
        group_.clear();
    };
    for (const Event& event : under_way->batch->events) {
        if (!client_.is_cluster() && commands_.is_groupable(event)) {
            group_.push_back(&event);
            if (group_.size() == kGroup)
                flush();
        } else {
            flush();
            write_one(under_way, event, false, 0);
        }
        if (generation != generation_) {
            group_.clear();
            return; // it failed at once, and the batch is gone
        }
    }
    flush();
    if (generation != generation_)
        return;
    if (!under_way->batch->events.empty())
        hot_.learn(under_way->batch->events.back());
    write_ended(under_way);
}

void RedisSink::write_group(UnderWay* under_way, const Event* const* events, std::size_t count) {
    auto write = std::make_unique<Write>(this, under_way);
    if (!commands_.append_group(events, count, &write->wire)) {
        const std::uint64_t generation = generation_;
        for (std::size_t i = 0; i < count && generation == generation_; i++)
            write_one(under_way, *events[i], false, 0);
        return;
    }
    write->group.assign(events, events + count);
    under_way->unanswered++;
    client_.submit(std::move(write));
}

void RedisSink::write_one(UnderWay* under_way, const Event& event, bool full, std::uint8_t tries) {
    auto write = std::make_unique<Write>(this, under_way);
    if (!commands_.append(event, full, &write->wire, &write->slot))
        return feed_->dead_letter(event, "the listing is too long for a key");
    if (write->wire.empty())
        return;
    write->event = &event;
    write->tries = tries;
    under_way->unanswered++;
    client_.submit(std::move(write));
}

void RedisSink::answered(Write& write, const Reply& reply) {
    const std::uint64_t generation = generation_;
    if (reply.is_error()) {
        refused(write, reply);
    } else if (write.event == nullptr) {
        const auto written = static_cast<std::size_t>(std::max<std::int64_t>(reply.integer, 0));
        metrics_.written.Increment(static_cast<double>(written));
        if (written < write.group.size())
            metrics_.older.Increment(static_cast<double>(write.group.size() - written));
    } else if (write.event->kind != EventKind::kUnreadable &&
               reply.is_integer(static_cast<std::int64_t>(layout::Written::kGap))) {
        metrics_.gaps.Increment();
        write_one(write.under_way, *write.event, true, write.tries);
    } else {
        (reply.is_integer(static_cast<std::int64_t>(layout::Written::kOlder)) ? metrics_.older : metrics_.written)
            .Increment();
    }
    if (generation == generation_)
        write_ended(write.under_way);
}

// An error that trying the same again would not mend. What is under a key that is not ours goes; an event that Redis
// will not take, for whatever it has in it, must not stop all others.
void RedisSink::refused(Write& write, const Reply& reply) {
    if (write.event == nullptr) {
        const std::uint64_t generation = generation_;
        for (std::size_t i = 0; i < write.group.size() && generation == generation_; i++)
            write_one(write.under_way, *write.group[i], true, 0);
        return;
    }
    std::uint16_t slot = 0;
    std::string wire;
    if (commands_.append_delete(*write.event, &wire, &slot)) {
        RequestPtr deletion = ignored(std::move(wire));
        deletion->slot = slot;
        client_.submit(std::move(deletion));
    }
    if (write.tries + 1 < kTries)
        return write_one(write.under_way, *write.event, true, static_cast<std::uint8_t>(write.tries + 1));
    spdlog::error("redis: an event is refused: {}", reply.text);
    feed_->dead_letter(*write.event, reply.text);
}

void RedisSink::write_ended(UnderWay* under_way) {
    if (--under_way->unanswered > 0)
        return;
    under_way->ended = true;
    failures_ = 0;
    bytes_ -= under_way->bytes;
    metrics_.batch_seconds.Observe(std::chrono::duration<double>(Clock::now() - under_way->taken).count());
    const BatchPtr batch = under_way->batch;
    while (!under_way_.empty() && under_way_.front()->ended) {
        const Batch& first = *under_way_.front()->batch;
        applied_.lsn = std::max(applied_.lsn, first.lsn);
        if (!first.events.empty())
            applied_.as_of = std::max(applied_.as_of, first.events.back().at);
        under_way_.pop_front();
    }
    feed_->applied(batch);
    pull();
}

// --- failures ------------------------------------------------------------------------------------

void RedisSink::trouble(const std::string& what) {
    trouble_at_ = Clock::now();
    if (!has_problem_)
        spdlog::warn("redis: {}", what);
    has_problem_ = true;
    if (feed_ != nullptr)
        feed_->set_problem(what);
}

void RedisSink::set_works() {
    if (has_problem_)
        spdlog::info("redis: works again");
    has_problem_ = false;
    feed_->set_problem({});
}

void RedisSink::drop_under_way() {
    generation_++;
    under_way_.clear();
    bytes_ = 0;
}

void RedisSink::write_failed(std::string_view reason) {
    trouble(std::string(reason));
    metrics_.rewinds.Increment();
    running_ = false;
    drop_under_way();
    again_timer_.expires_after(backoff(failures_++, kFirstPause, kLongestPause));
    again_timer_.async_wait([this, generation = generation_](const boost::system::error_code& error) {
        if (!error && generation == generation_ && !stopped_)
            begin_again();
    });
}

void RedisSink::begin_again() {
    running_ = true;
    feed_->rewind();
    pull();
}

// --- time ----------------------------------------------------------------------------------------

AppliedPosition RedisSink::position() const {
    return options_.position ? options_.position() : applied_;
}

void RedisSink::schedule_tick() {
    tick_timer_.expires_after(options_.record_interval);
    tick_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error && !stopped_)
            tick();
    });
}

void RedisSink::tick() {
    records_.tick();
    metrics_.update(client_.counters());
    metrics_.masters.Set(static_cast<double>(client_.masters().size()));
    if (running_ && has_problem_ && Clock::now() - trouble_at_ > kQuiet) {
        const auto& masters = client_.masters();
        if (!masters.empty() && std::all_of(masters.begin(), masters.end(), [this](const Master& master) {
                return client_.is_connected_to(master.name);
            }))
            set_works();
    }
    if (running_ && hot_.is_due(Clock::now()))
        hot_.refresh(feed_);
    pull();
    schedule_tick();
}

void RedisSink::stop(std::function<void()> done) {
    stopped_ = true;
    running_ = false;
    tick_timer_.cancel();
    again_timer_.cancel();
    drop_under_way();
    metrics_.update(client_.counters());
    client_.stop();
    boost::asio::post(context_.io, std::move(done));
}

} // namespace availability::relay::redis

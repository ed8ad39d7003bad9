#include "service/reader/feed.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "relay/clock.hpp"
#include "relay/redis/backoff.hpp"
#include "service/reader/follower.hpp"
#include "service/reader/replica.hpp"

namespace availability::reader {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// What is taken at once: about a millisecond of a snapshot.
constexpr std::size_t kPart = 64 * 1024;
constexpr std::uint32_t kMaxHead = 8192;
// How often it is looked whether the replica has something to do.
constexpr std::chrono::seconds kWorkAgain(10);
constexpr std::int64_t kMicrosecondsOfDay = 86400000000;

// One connection, for one request. Whoever lets go of it closes it; what it still calls finds that it is not the
// current one.
struct Connection {
    explicit Connection(asio::io_context& io) : resolver(io), socket(io) {}

    tcp::resolver resolver;
    tcp::socket socket;
    std::string request;
    bool is_snapshot = false;
    boost::beast::flat_buffer buffer{kPart};
    http::response_parser<http::buffer_body> parser;
    std::array<char, kPart> part;
};
using ConnectionPtr = std::shared_ptr<Connection>;

} // namespace

struct Feed::Impl : std::enable_shared_from_this<Impl>, private Follower::Events {
    Impl(asio::io_context& io_context, FeedOptions feed_options, Replica* fed)
        : io(io_context), options(std::move(feed_options)), replica(fed), follower(options.tables, fed, *this),
          deadline_timer(io), retry_timer(io), work_timer(io) {}

    asio::io_context& io;
    const FeedOptions options;
    Replica* const replica;
    Follower follower;
    Counters counters;
    std::vector<FeedListener*> listeners; // null: removed amid a call
    bool stopped = true;

    std::atomic<State> state{State::kLoading};
    std::atomic<Epoch> epoch{0};
    std::atomic<std::int64_t> as_of{0};
    bool begins_anew = true; // what as_of says is of before
    std::string problem = "not started";
    std::string relay;

    ConnectionPtr connection; // null between attempts
    std::size_t turn = 0;     // whose turn of the relays it is
    unsigned tries = 0;       // since something came
    Clock::time_point deadline;
    asio::steady_timer deadline_timer;
    asio::steady_timer retry_timer;
    asio::steady_timer work_timer;
    bool working = false;

    void start();
    void stop();
    void attempt();
    void connect(const ConnectionPtr& current, const std::string& host, const std::string& port);
    void send(const ConnectionPtr& current);
    void head_came(const ConnectionPtr& current);
    void read(const ConnectionPtr& current);
    void take(const ConnectionPtr& current, std::string_view bytes, bool ended);
    void close();
    void fail(const std::string& why);
    void lost(const std::string& why);
    void retry();
    void watch();
    void work();

    template <typename Call>
    void tell(Call call) {
        for (std::size_t i = 0; i < listeners.size() && !stopped; ++i)
            if (listeners[i] != nullptr)
                call(*listeners[i]);
    }
    void loading() override;
    void replaced() override;
    void changed(const Change& change) override;
    void progress(std::int64_t upto) override;
};

// --- what the follower tells
// ------------------------------------------------------------------------------------------

void Feed::Impl::loading() {
    if (stopped)
        return;
    state = State::kLoading;
    problem = "loading a snapshot";
    begins_anew = true;
}

// Amid a call, a listener may have stopped it: what came with that goes to nobody.
void Feed::Impl::replaced() {
    if (stopped)
        return;
    begins_anew = true;
    epoch = follower.epoch();
    state = State::kStreaming;
    problem.clear();
    spdlog::info("following {} in epoch {}", relay, follower.epoch());
    tell([](FeedListener& listener) { listener.replaced(); });
}

void Feed::Impl::changed(const Change& change) {
    tell([&](FeedListener& listener) { listener.changed(change); });
}

// A commit may be reported after one with a later time.
void Feed::Impl::progress(std::int64_t upto) {
    if (stopped)
        return;
    if (begins_anew || upto > as_of)
        as_of = upto;
    begins_anew = false;
    tell([now = as_of.load()](FeedListener& listener) { listener.progress(now); });
}

// --- attempts --------------------------------------------------------------------------------------------------------

void Feed::Impl::start() {
    if (!stopped)
        return;
    stopped = false;
    listeners.erase(std::remove(listeners.begin(), listeners.end(), nullptr), listeners.end());
    if (options.relays.empty()) {
        problem = "no relay is configured";
        return;
    }
    watch();
    attempt();
    if (replica != nullptr)
        work();
}

void Feed::Impl::stop() {
    stopped = true;
    close();
    deadline_timer.cancel();
    retry_timer.cancel();
    work_timer.cancel();
    if (state == State::kStreaming)
        state = State::kBroken;
    problem = "stopped";
}

void Feed::Impl::close() {
    if (connection == nullptr)
        return;
    error_code ignored;
    connection->resolver.cancel();
    connection->socket.close(ignored);
    connection.reset();
}

void Feed::Impl::attempt() {
    listeners.erase(std::remove(listeners.begin(), listeners.end(), nullptr), listeners.end());
    relay = options.relays[turn % options.relays.size()];
    const std::size_t colon = relay.rfind(':');
    std::string host = relay.substr(0, colon);
    const std::string port = colon == std::string::npos ? "9187" : relay.substr(colon + 1);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);

    connection = std::make_shared<Connection>(io);
    connection->is_snapshot = follower.wants_snapshot();
    const std::string target = connection->is_snapshot   ? "/snapshot"
                               : follower.has_position() ? "/stream?from=" + wire::format_from(follower.from())
                                                         : "/stream?from=now";
    connection->request =
        fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{}\r\n", target, relay,
                    options.token.empty() ? "" : fmt::format("Authorization: Bearer {}\r\n", options.token));
    deadline = Clock::now() + options.timeout;
    connect(connection, host, port);
}

void Feed::Impl::connect(const ConnectionPtr& current, const std::string& host, const std::string& port) {
    current->resolver.async_resolve(
        host, port, [self = shared_from_this(), current](error_code error, const tcp::resolver::results_type& found) {
            if (self->connection != current)
                return;
            if (error)
                return self->fail("could not resolve the name: " + error.message());
            asio::async_connect(current->socket, found, [self, current](error_code failed, const tcp::endpoint&) {
                if (self->connection != current)
                    return;
                if (failed)
                    return self->fail("could not connect: " + failed.message());
                self->send(current);
            });
        });
}

void Feed::Impl::send(const ConnectionPtr& current) {
    error_code ignored;
    current->socket.set_option(tcp::no_delay(true), ignored);
    asio::async_write(current->socket, asio::buffer(current->request),
                      [self = shared_from_this(), current](error_code error, std::size_t) {
                          if (self->connection == current && error)
                              self->fail("could not ask: " + error.message());
                      });
    current->parser.header_limit(kMaxHead);
    // Not boost::none, which Boost 1.74 takes for a limit of nothing when the answer tells its length.
    current->parser.body_limit(std::numeric_limits<std::uint64_t>::max());
    http::async_read_header(current->socket, current->buffer, current->parser,
                            [self = shared_from_this(), current](error_code error, std::size_t) {
                                if (self->connection != current)
                                    return;
                                if (error)
                                    return self->fail("no answer: " + error.message());
                                self->head_came(current);
                            });
}

void Feed::Impl::head_came(const ConnectionPtr& current) {
    const unsigned status = current->parser.get().result_int();
    if (status == 410 && !current->is_snapshot) {
        follower.lose_position();
        return fail("the relay no longer has what follows");
    }
    if (status != 200)
        return fail(fmt::format("status {}", status));
    if (current->is_snapshot)
        follower.begin_snapshot();
    else
        follower.begin_stream();
    read(current);
}

void Feed::Impl::read(const ConnectionPtr& current) {
    deadline = Clock::now() + options.timeout;
    auto& body = current->parser.get().body();
    body.data = current->part.data();
    body.size = current->part.size();
    body.more = true;
    http::async_read_some(current->socket, current->buffer, current->parser,
                          [self = shared_from_this(), current](error_code error, std::size_t) {
                              if (self->connection != current)
                                  return;
                              if (error == http::error::need_buffer)
                                  error = {};
                              const std::size_t size = kPart - current->parser.get().body().size;
                              const bool ended = !error && current->parser.is_done();
                              if (size > 0 || ended)
                                  self->take(current, {current->part.data(), size}, ended);
                              if (self->connection != current)
                                  return;
                              if (error)
                                  return self->lost(error.message());
                              self->read(current);
                          });
}

void Feed::Impl::take(const ConnectionPtr& current, std::string_view bytes, bool ended) {
    const bool before = follower.streams();
    const auto next = current->is_snapshot ? follower.take_snapshot(bytes) : follower.take_stream(bytes);
    if (connection != current)
        return; // a listener has stopped it
    switch (next) {
    case Follower::Next::kMore:
        if (ended)
            return lost("the answer has ended");
        if (follower.streams()) {
            tries = 0;
            if (!before) {
                state = State::kStreaming;
                problem.clear();
            }
        }
        return;
    case Follower::Next::kStream:
        close();
        spdlog::info("{} calendars of {}", replica->listings(), relay);
        tries = 0;
        work();
        return attempt();
    case Follower::Next::kEnd:
        // It may go on from the position, or say that it can't.
        return lost("the relay has ended the stream: " + follower.reason());
    case Follower::Next::kBroken:
        return lost(follower.reason());
    }
}

// An attempt came to nothing.
void Feed::Impl::fail(const std::string& why) {
    ++counters.failures;
    close();
    if (!follower.has_position() && state != State::kBroken)
        state = State::kLoading;
    if (why != problem)
        spdlog::warn("relay {}: {}", relay, why);
    problem = why;
    ++turn;
    retry();
}

// What had begun is over.
void Feed::Impl::lost(const std::string& why) {
    if (state == State::kStreaming) {
        ++counters.losses;
        state = State::kBroken;
    }
    fail(why);
}

void Feed::Impl::retry() {
    retry_timer.expires_after(relay::redis::backoff(tries++, options.first_delay, options.longest_delay));
    retry_timer.async_wait([self = shared_from_this()](error_code error) {
        if (!error && !self->stopped)
            self->attempt();
    });
}

// One timer for all deadlines: it is set anew only when it has run out.
void Feed::Impl::watch() {
    const auto now = Clock::now();
    if (connection != nullptr && deadline <= now)
        lost(follower.streams() ? "silence" : "timed out");
    deadline_timer.expires_at(connection != nullptr ? deadline : now + options.timeout / 4);
    deadline_timer.async_wait([self = shared_from_this()](error_code error) {
        if (!error && !self->stopped)
            self->watch();
    });
}

// A part at a time, so that whatever else is to be done comes in between.
void Feed::Impl::work() {
    if (working || stopped)
        return;
    const auto today = static_cast<Day>(std::clamp<std::int64_t>(relay::now_us() / kMicrosecondsOfDay, 0, kEndDay - 1));
    if (replica->work(today)) {
        working = true;
        return asio::post(io, [self = shared_from_this()] {
            self->working = false;
            self->work();
        });
    }
    work_timer.expires_after(kWorkAgain);
    work_timer.async_wait([self = shared_from_this()](error_code error) {
        if (!error && !self->stopped)
            self->work();
    });
}

// --- the feed --------------------------------------------------------------------------------------------------------

Feed::Feed(asio::io_context& io, FeedOptions options, Replica* replica)
    : impl_(std::make_shared<Impl>(io, std::move(options), replica)) {}

Feed::~Feed() {
    impl_->stop();
}

void Feed::add_listener(FeedListener* listener) {
    impl_->listeners.push_back(listener);
}

void Feed::remove_listener(FeedListener* listener) {
    std::replace(impl_->listeners.begin(), impl_->listeners.end(), listener, static_cast<FeedListener*>(nullptr));
}

void Feed::start() {
    impl_->start();
}
void Feed::stop() {
    impl_->stop();
}
Feed::State Feed::state() const {
    return impl_->state;
}
Epoch Feed::epoch() const {
    return impl_->epoch;
}
std::int64_t Feed::as_of() const {
    return impl_->as_of;
}
relay::Position Feed::position() const {
    return impl_->follower.position();
}
const std::string& Feed::relay() const {
    return impl_->relay;
}
const std::string& Feed::problem() const {
    return impl_->problem;
}

const Feed::Counters& Feed::counters() const {
    const Counters& followed = impl_->follower.counters();
    Counters& all = impl_->counters;
    all.snapshots = followed.snapshots;
    all.streams = followed.streams;
    all.events = followed.events;
    all.unreadable = followed.unreadable;
    all.broken_frames = followed.broken_frames;
    return all;
}

} // namespace availability::reader

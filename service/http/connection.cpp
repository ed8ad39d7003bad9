#include "service/http/connection.hpp"

#include <cstring>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>

#include "service/http/response.hpp"

namespace availability::service {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using std::chrono::steady_clock;

namespace {

// What may wait to be sent before no further request of a pipeline is looked at.
constexpr std::size_t kMaxWaiting = 64 * 1024;
// Memory that an answer took beyond this is given back.
constexpr std::size_t kKeptMemory = 64 * 1024;
constexpr std::chrono::milliseconds kLinger(1000);

std::int64_t wall_seconds() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

void give_back(std::string* text) {
    if (text->capacity() > kKeptMemory)
        std::string().swap(*text);
    else
        text->clear();
}

} // namespace

// Outlives the connection: who sends events keeps it.
class Connection::Stream final : public EventStream {
  public:
    Stream(Connection* connection, std::function<void()> closed)
        : connection_(connection), closed_(std::move(closed)) {}
    bool send(std::string_view bytes) override {
        if (connection_ != nullptr)
            connection_->send_events(bytes);
        return connection_ != nullptr;
    }
    void end() override {
        closed_ = nullptr;
        if (connection_ == nullptr)
            return;
        connection_->ending_ = true;
        if (!connection_->writing_)
            connection_->linger();
    }
    void detach() {
        connection_ = nullptr;
        if (auto closed = std::exchange(closed_, nullptr))
            closed();
    }

  private:
    Connection* connection_;
    std::function<void()> closed_;
};

Connection::Connection(Shared& server, asio::ip::tcp::socket socket)
    : server_(&server), socket_(std::move(socket)), in_size_(server.options.limits.header_bytes) {
    server_->connections.insert(this);
    ++server_->counters.connections;
    in_.reset(new char[in_size_]);
}

Connection::~Connection() {
    close();
}

void Connection::start() {
    error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
    // Who connects has something to say.
    enter(Phase::kIdle, server_->options.header_timeout);
    read();
}

void Connection::enter(Phase phase, std::chrono::milliseconds time) {
    phase_ = phase;
    deadline_ = steady_clock::now() + time;
}

void Connection::abandon() {
    close();
    server_ = nullptr;
}

void Connection::close() {
    if (phase_ == Phase::kClosed)
        return;
    if (server_ != nullptr) {
        server_->connections.erase(this);
        --server_->counters.connections;
        server_->counters.streams -= stream_ != nullptr;
    }
    phase_ = Phase::kClosed;
    deadline_ = steady_clock::time_point::max();
    error_code ignored;
    socket_.close(ignored);
    if (auto stream = std::exchange(stream_, nullptr))
        stream->detach();
}

void Connection::time_out() {
    if (phase_ == Phase::kClosed)
        return;
    if (phase_ != Phase::kLingering && !(phase_ == Phase::kIdle && begin_ == end_))
        ++server_->counters.timeouts;
    if ((phase_ == Phase::kHead || phase_ == Phase::kBody) && !writing_) {
        refuse_malformed(408);
        flush();
        return linger();
    }
    close();
}

void Connection::drain() {
    // A request of which a part has come is answered, and its answer says that it is the last.
    if (phase_ == Phase::kHead || phase_ == Phase::kBody)
        return;
    ending_ = true;
    if (phase_ == Phase::kStreaming) {
        // Its end is what tells the client to connect elsewhere.
        if (!writing_)
            linger();
    } else if (phase_ == Phase::kIdle && !writing_) {
        close();
    }
}

void Connection::read() {
    if (reading_ || phase_ == Phase::kClosed)
        return;
    if (begin_ == end_)
        begin_ = end_ = 0;
    if (end_ == in_size_ && begin_ > 0) {
        std::memmove(in_.get(), in_.get() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    if (phase_ == Phase::kStreaming || phase_ == Phase::kLingering)
        begin_ = end_ = 0;
    reading_ = true;
    socket_.async_read_some(asio::buffer(in_.get() + end_, in_size_ - end_),
                            [self = shared_from_this()](error_code error, std::size_t size) {
                                self->reading_ = false;
                                if (self->phase_ == Phase::kClosed)
                                    return;
                                if (error)
                                    return self->close();
                                if (self->phase_ == Phase::kStreaming || self->phase_ == Phase::kLingering)
                                    return self->read();
                                self->end_ += size;
                                self->process();
                            });
}

void Connection::process() {
    if (in_process_)
        return;
    bool more = true;
    while (more) {
        in_process_ = true;
        while (phase_ <= Phase::kBody && !ending_ && !writing_ && out_.size() < kMaxWaiting && begin_ < end_ && parse())
            dispatch();
        in_process_ = false;
        more = out_.size() >= kMaxWaiting;
        if (phase_ == Phase::kClosed || !flush() || phase_ == Phase::kPending)
            return;
    }
    if (phase_ == Phase::kStreaming)
        return read();
    if (ending_ && phase_ != Phase::kLingering)
        return linger();
    if (begin_ == end_ && phase_ == Phase::kIdle)
        deadline_ = steady_clock::now() + server_->options.idle_timeout;
    read();
}

bool Connection::parse() {
    if (phase_ == Phase::kIdle) {
        parser_.emplace(&request, server_->options.limits);
        told_to_continue_ = false;
        enter(Phase::kHead, server_->options.header_timeout);
    }
    while (begin_ < end_ && !parser_->is_done()) {
        error_code error;
        const std::size_t taken = parser_->put(asio::buffer(in_.get() + begin_, end_ - begin_), error);
        begin_ += taken;
        if (error == http::error::need_more || (!error && taken == 0)) {
            // A head that fills the buffer and is not whole.
            if (end_ - begin_ == in_size_)
                refuse_malformed(431);
            break;
        }
        if (error) {
            refuse_malformed(RequestParser::status_of(error));
            return false;
        }
    }
    if (parser_->is_done()) {
        if (request.hosts == 1 && !request.repeated)
            return true;
        refuse_malformed(400);
        return false;
    }
    if (parser_->is_header_done() && phase_ == Phase::kHead) {
        enter(Phase::kBody, server_->options.body_timeout);
        if (request.expects_continue && !std::exchange(told_to_continue_, true))
            out_.append("HTTP/1.1 100 Continue\r\n\r\n");
    }
    return false;
}

void Connection::dispatch() {
    route = Route::kNone;
    source = -1;
    stale = false;
    sqlstate.clear();
    trace.clear();
    span = nullptr;
    body.clear();
    began = steady_clock::now();
    phase_ = Phase::kPending;
    deadline_ = steady_clock::time_point::max(); // who answers has a deadline of its own
    self_ = shared_from_this();
    server_->handler.handle(*this);
}

void Connection::finish(const Reply& reply) {
    const auto self = std::move(self_);
    if (phase_ != Phase::kPending)
        return; // the client is gone
    const std::string_view content = reply.has_fixed ? reply.fixed : std::string_view(body);
    ending_ |= reply.close || !request.keep_alive || server_->draining;
    append_head(reply, static_cast<std::int64_t>(content.size()), !ending_, wall_seconds(), &out_);
    if (request.method != Method::kHead && reply.status != 204 && reply.status != 304)
        out_.append(content);
    phase_ = Phase::kIdle;
    server_->handler.finished(*this, reply.status);
    give_back(&body);
    process();
}

void Connection::refuse_malformed(unsigned status) {
    ++server_->counters.malformed;
    Problem problem{status, "malformed-request", "The request can't be read as HTTP"};
    switch (status) {
    case 408:
        problem.type = "request-timeout";
        problem.title = "The request took too long to come";
        break;
    case 413:
        problem.type = "too-large";
        problem.title = "The request's body is too large";
        break;
    case 414:
        problem.type = "too-large";
        problem.title = "The request's target is too long";
        break;
    case 431:
        problem.type = "too-large";
        problem.title = "The request's head is too large";
        break;
    default:
        break;
    }
    Reply reply = write_problem(problem, &body);
    append_head(reply, static_cast<std::int64_t>(body.size()), false, wall_seconds(), &out_);
    if (request.method != Method::kHead)
        out_.append(body);
    ending_ = true;
    phase_ = Phase::kIdle;
}

bool Connection::flush() {
    if (writing_)
        return false;
    if (out_.empty())
        return true;
    error_code error;
    const std::size_t size = socket_.write_some(asio::buffer(out_), error);
    if (error && error != asio::error::would_block && error != asio::error::try_again) {
        close();
        return false;
    }
    if (size == out_.size()) {
        give_back(&out_);
        return true;
    }
    going_.swap(out_);
    out_.clear();
    writing_ = true;
    // Also while the next answer is made, which may be long after: until all has gone, nothing else sets a deadline.
    deadline_ = steady_clock::now() + server_->options.write_timeout;
    asio::async_write(socket_, asio::buffer(going_.data() + (error ? 0 : size), going_.size() - (error ? 0 : size)),
                      [self = shared_from_this()](error_code failed, std::size_t) {
                          if (self->phase_ == Phase::kClosed)
                              return;
                          self->writing_ = false;
                          if (failed)
                              return self->close();
                          self->sent();
                      });
    return false;
}

void Connection::sent() {
    give_back(&going_);
    if (stream_ != nullptr) {
        deadline_ = steady_clock::time_point::max();
        if (flush() && ending_)
            linger();
        return;
    }
    if (phase_ == Phase::kPending)
        deadline_ = steady_clock::time_point::max();
    process();
}

// Ends the sending side, and gives the peer a moment to read what it was sent: closing while bytes of his are unread
// would take it away from him.
void Connection::linger() {
    if (phase_ == Phase::kClosed || phase_ == Phase::kLingering)
        return;
    error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    enter(Phase::kLingering, kLinger);
    read();
}

std::shared_ptr<EventStream> Connection::begin_events(std::function<void()> closed) {
    const auto self = std::move(self_);
    stream_ = std::make_shared<Stream>(this, std::move(closed));
    if (phase_ != Phase::kPending) {
        auto stream = std::exchange(stream_, nullptr);
        stream->detach();
        return stream;
    }
    Reply reply;
    reply.content_type = "text/event-stream";
    ending_ = false;
    append_head(reply, -1, false, wall_seconds(), &out_);
    phase_ = Phase::kStreaming;
    ++server_->counters.streams;
    server_->handler.finished(*this, 200);
    process();
    return stream_ != nullptr ? stream_ : std::make_shared<Stream>(nullptr, nullptr);
}

void Connection::send_events(std::string_view bytes) {
    if (phase_ != Phase::kStreaming)
        return;
    if (out_.size() + going_.size() + bytes.size() > server_->options.event_bytes) {
        ++server_->counters.slow_streams;
        return close();
    }
    out_.append(bytes);
    flush();
}

} // namespace availability::service

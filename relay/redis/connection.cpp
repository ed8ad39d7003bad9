#include "relay/redis/connection.hpp"

#include <algorithm>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "relay/redis/command.hpp"

namespace availability::relay::redis {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t kReadSize = 64 << 10;
// What is sent at once: more would hold the answers of the first requests back.
constexpr std::size_t kWriteSize = 256 << 10;

} // namespace

Connection::Connection(asio::io_context& io, const ConnectionOptions& options, Endpoint endpoint,
                       ConnectionOwner* owner)
    : io_(io), options_(options), endpoint_(std::move(endpoint)), owner_(owner), started_(Clock::now()), resolver_(io) {
    if (options.tls != nullptr && !endpoint_.is_unix()) {
        tls_stream_ = std::make_unique<TlsStream>(io, *options.tls);
        tls_ = tls_stream_.get();
    } else {
        socket_ = std::make_unique<Socket>(io);
    }
}

Connection::~Connection() = default;

template <typename Operation>
void Connection::with_stream(Operation operation) {
    if (tls_ != nullptr)
        operation(*tls_);
    else
        operation(*socket_);
}

// --- connecting ----------------------------------------------------------------------------------

void Connection::start() {
    started_ = Clock::now();
    if (endpoint_.is_unix())
        connect_unix();
    else
        resolve();
}

void Connection::connect_unix() {
    constexpr std::size_t kMaxPath = 107; // sun_path with its terminator
    if (endpoint_.host.size() > kMaxPath)
        return close("the path of the socket is too long");
    const asio::generic::stream_protocol::endpoint address(asio::local::stream_protocol::endpoint(endpoint_.host));
    socket_->async_connect(address, [self = shared_from_this()](error_code error) {
        if (self->is_closed())
            return;
        if (error)
            return self->close("could not connect: " + error.message());
        self->connected();
    });
}

void Connection::resolve() {
    resolver_.async_resolve(
        endpoint_.host, std::to_string(endpoint_.port),
        [self = shared_from_this()](error_code error, asio::ip::tcp::resolver::results_type addresses) {
            if (self->is_closed())
                return;
            if (error)
                return self->close("could not resolve the host: " + error.message());
            self->connect_tcp(std::move(addresses));
        });
}

void Connection::connect_tcp(asio::ip::tcp::resolver::results_type addresses) {
    std::vector<asio::generic::stream_protocol::endpoint> endpoints;
    for (const auto& address : addresses)
        endpoints.emplace_back(address.endpoint());
    Socket& socket = tls_ != nullptr ? tls_->next_layer() : *socket_;
    auto list = std::make_shared<decltype(endpoints)>(std::move(endpoints));
    asio::async_connect(
        socket, *list,
        [self = shared_from_this(), list, &socket](error_code error, const asio::generic::stream_protocol::endpoint&) {
            if (self->is_closed())
                return;
            if (error)
                return self->close("could not connect: " + error.message());
            error_code ignored_error;
            socket.set_option(asio::ip::tcp::no_delay(true), ignored_error);
            socket.set_option(asio::socket_base::keep_alive(true), ignored_error);
            self->connected();
        });
}

void Connection::connected() {
    if (tls_ == nullptr)
        return greet();
    const std::string& name = options_.tls_server_name.empty() ? endpoint_.host : options_.tls_server_name;
    error_code not_an_address;
    asio::ip::make_address(name, not_an_address);
    if (not_an_address)
        SSL_set_tlsext_host_name(tls_->native_handle(), name.c_str());
    tls_->set_verify_callback(asio::ssl::host_name_verification(name));
    tls_->async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](error_code error) {
        if (self->is_closed())
            return;
        if (error)
            return self->close("TLS: " + error.message());
        self->greet();
    });
}

void Connection::greet() {
    state_ = State::kGreeting;
    std::string greeting;
    const auto say = [&](const std::string& wire) {
        greeting += wire;
        greetings_++;
    };
    if (!options_.username.empty())
        say(command("AUTH", options_.username, options_.password));
    else if (!options_.password.empty())
        say(command("AUTH", options_.password));
    say(command("INFO", "server"));
    say(command("INFO", "replication"));
    for (const std::string& script : options_.scripts)
        say(command("SCRIPT", "LOAD", script));
    queued_ = std::move(greeting);
    write();
    read();
}

void Connection::greeted(const Reply& reply) {
    if (reply.is_error())
        return close("the server answers: " + reply.text);
    if (reply.type == Reply::Type::kString)
        read_info(reply.text, &identity_);
    if (--greetings_ > 0)
        return;
    if (identity_.run_id.empty())
        return close("the server does not say who it is");
    state_ = State::kReady;
    // In the order of unanswered_: what the owner submits now comes behind it. Nothing is written before it has
    // returned.
    queued_ += early_;
    early_.clear();
    early_.shrink_to_fit();
    owner_->ready(*this, identity_);
    if (is_closed())
        return;
    const auto now = Clock::now();
    for (const RequestPtr& request : unanswered_)
        request->sent = now;
    schedule_write();
}

// --- requests ------------------------------------------------------------------------------------

void Connection::submit(RequestPtr request, bool asking) {
    std::string& buffer = state_ == State::kReady ? queued_ : early_;
    const auto now = Clock::now();
    if (asking) {
        unanswered_.push_back(ignored(command("ASKING")));
        unanswered_.back()->sent = now;
        buffer += unanswered_.back()->wire;
    }
    request->sent = now;
    buffer += request->wire;
    unanswered_.push_back(std::move(request));
    schedule_write();
}

void Connection::load_scripts() {
    for (const std::string& script : options_.scripts)
        submit(ignored(command("SCRIPT", "LOAD", script)));
}

// Once a turn of the loop, so that what comes in it goes out together.
void Connection::schedule_write() {
    if (state_ != State::kReady || write_scheduled_ || !writing_.empty())
        return;
    write_scheduled_ = true;
    asio::post(io_, [self = shared_from_this()] {
        self->write_scheduled_ = false;
        if (!self->is_closed())
            self->write();
    });
}

void Connection::write() {
    if (!writing_.empty() || queued_.empty())
        return;
    writing_.swap(queued_);
    with_stream([this](auto& stream) {
        asio::async_write(stream, asio::buffer(writing_), [self = shared_from_this()](error_code error, std::size_t) {
            if (self->is_closed())
                return;
            if (error)
                return self->close("could not write: " + error.message());
            if (self->writing_.capacity() > 4 * kWriteSize)
                self->writing_ = std::string();
            self->writing_.clear();
            self->write();
        });
    });
}

void Connection::read() {
    input_.resize(kReadSize);
    with_stream([this](auto& stream) {
        stream.async_read_some(asio::buffer(input_), [self = shared_from_this()](error_code error, std::size_t size) {
            if (self->is_closed())
                return;
            if (error)
                return self->close(error == asio::error::eof ? "the server closed the connection"
                                                             : "could not read: " + error.message());
            self->received(size);
        });
    });
}

void Connection::received(std::size_t size) {
    received_ = Clock::now();
    reader_.feed(input_.data(), size);
    while (const Reply* reply = reader_.next()) {
        take(*reply);
        if (is_closed())
            return;
    }
    if (!reader_.problem().empty())
        return close("the server's answer can't be read: " + reader_.problem());
    read();
}

void Connection::take(const Reply& reply) {
    if (state_ == State::kGreeting)
        return greeted(reply);
    if (unanswered_.empty())
        return close("the server answers what was not asked");
    RequestPtr request = std::move(unanswered_.front());
    unanswered_.pop_front();
    owner_->answered(*this, std::move(request), reply);
}

// --- the end -------------------------------------------------------------------------------------

void Connection::close(std::string reason) {
    if (is_closed())
        return;
    state_ = State::kClosed;
    resolver_.cancel();
    error_code ignored_error;
    (tls_ != nullptr ? tls_->next_layer() : *socket_).close(ignored_error);
    asio::post(io_, [self = shared_from_this(), reason = std::move(reason)] {
        if (self->owner_ != nullptr)
            self->owner_->lost(*self, reason, std::move(self->unanswered_));
    });
}

void Connection::abandon() {
    owner_ = nullptr;
    unanswered_.clear();
    close("abandoned");
}

void Connection::check_deadline(Clock::time_point now) {
    if (is_closed())
        return;
    if (state_ != State::kReady) {
        if (now - started_ > options_.timeout)
            close("could not connect in time");
    } else if (!unanswered_.empty() && now - std::max(unanswered_.front()->sent, received_) > options_.timeout) {
        close("no answer in time");
    }
}

} // namespace availability::relay::redis

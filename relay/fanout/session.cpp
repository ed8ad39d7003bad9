#include "relay/fanout/session.hpp"

#include <algorithm>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <fmt/format.h>

#include "relay/bearer.hpp"

namespace availability::relay {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kRequestDeadline(10);
constexpr std::chrono::seconds kWriteDeadline(30);
constexpr std::uint32_t kMaxRequestHeader = 8192;
constexpr std::size_t kSnapshotPart = 256 * 1024;
constexpr std::size_t kStreamPart = 256 * 1024;
// What the kernel may keep for one that doesn't read.
constexpr int kSendBuffer = 256 * 1024;
constexpr std::size_t kBlocksOfAPart = 256;
constexpr char kPlainText[] = "text/plain; charset=utf-8";

const char* phrase_of(unsigned status) {
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 410:
        return "Gone";
    default:
        return "Service Unavailable";
    }
}

// The value of a parameter of a query; what it may hold needs no escapes but %2F and %2C.
std::string parameter(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        if (pair.substr(0, name.size()) != name || pair.size() <= name.size() || pair[name.size()] != '=')
            continue;
        std::string value;
        const std::string_view text = pair.substr(name.size() + 1);
        for (std::size_t i = 0; i < text.size(); ++i) {
            const std::string_view escape = text.substr(i, 3);
            if (escape == "%2F" || escape == "%2f")
                value += '/', i += 2;
            else if (escape == "%2C" || escape == "%2c")
                value += ',', i += 2;
            else if (escape == "%2A" || escape == "%2a")
                value += '*', i += 2;
            else
                value += text[i];
        }
        return value;
    }
    return {};
}

} // namespace

Route route_of(std::string_view method, std::string_view target) {
    Route route;
    const std::size_t question = target.find('?');
    const std::string_view path = target.substr(0, question);
    const std::string_view query =
        question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
    if (path == "/metrics")
        route.kind = Route::Kind::kMetrics;
    else if (path == "/healthz")
        route.kind = Route::Kind::kHealth;
    else if (path == "/readyz")
        route.kind = Route::Kind::kReady;
    else if (path == "/snapshot")
        route.kind = Route::Kind::kSnapshot;
    else if (path == "/stream")
        route.kind = Route::Kind::kStream;
    else
        return route;
    if (method != "GET") {
        route.kind = Route::Kind::kMethodNotAllowed;
    } else if (route.kind == Route::Kind::kStream) {
        const std::string text = parameter(query, "from");
        const auto from = wire::parse_from(text);
        route.from_newest = text == "now";
        if (from)
            route.from = *from;
        else if (!route.from_newest)
            route.kind = Route::Kind::kBadRequest;
    }
    return route;
}

Session::Session(Shared& shared, asio::ip::tcp::socket socket)
    : shared_(&shared), socket_(std::move(socket)), deadline_(shared.io) {
    shared_->sessions.insert(this);
    ++shared_->counters.connections;
}

Session::~Session() {
    close();
}

void Session::abandon() {
    close();
    shared_ = nullptr;
}

void Session::close() {
    if (closed_)
        return;
    closed_ = true;
    if (shared_ != nullptr) {
        shared_->sessions.erase(this);
        shared_->waiting.erase(this);
        --shared_->counters.connections;
        if (streams_)
            --shared_->counters.subscribers;
    }
    deadline_.cancel();
    error_code ignored;
    socket_.close(ignored);
}

void Session::arm_deadline(std::chrono::seconds delay) {
    deadline_.expires_after(delay);
    deadline_.async_wait([self = shared_from_this()](error_code error) {
        if (error || self->closed_ || self->deadline_.expiry() > std::chrono::steady_clock::now())
            return;
        self->shared_->counters.dropped_slow += self->streams_;
        self->close();
    });
}

void Session::start() {
    error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.set_option(asio::socket_base::send_buffer_size(kSendBuffer), ignored);
    arm_deadline(kRequestDeadline);
    parser_.emplace();
    parser_->header_limit(kMaxRequestHeader);
    parser_->body_limit(0);
    http::async_read_header(socket_, buffer_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
        if (self->closed_)
            return;
        if (error == http::error::end_of_stream || error == asio::error::operation_aborted)
            return self->close();
        if (error)
            return self->answer_text(400, kPlainText, "malformed request\n");
        const auto& request = self->parser_->get();
        const Route route = route_of({request.method_string().data(), request.method_string().size()},
                                     {request.target().data(), request.target().size()});
        const bool guarded = route.kind == Route::Kind::kSnapshot || route.kind == Route::Kind::kStream;
        const auto header = request[http::field::authorization];
        const std::string& token = self->shared_->settings.http_token;
        if (guarded && !token.empty() && !is_authorized({header.data(), header.size()}, token)) {
            ++self->shared_->counters.unauthorized;
            return self->answer_text(401, kPlainText, "a bearer token is required\n");
        }
        self->answer(route);
    });
}

void Session::answer(const Route& route) {
    switch (route.kind) {
    case Route::Kind::kMetrics:
        return answer_text(200, "text/plain; version=0.0.4; charset=utf-8", shared_->hooks.metrics());
    case Route::Kind::kHealth:
        return answer_text(200, kPlainText, "ok\n");
    case Route::Kind::kReady: {
        const Readiness readiness = shared_->hooks.ready();
        return answer_text(readiness.ready ? 200 : 503, kPlainText, readiness.text + "\n");
    }
    case Route::Kind::kSnapshot:
        return begin_snapshot();
    case Route::Kind::kStream:
        // It can't tell yet whether a position is too old.
        if (shared_->ring.epoch() == 0)
            return answer_text(503, kPlainText, "no epoch has begun\n");
        return begin_stream(route.from_newest ? wire::StreamFrom{shared_->ring.epoch(), shared_->ring.last()}
                                              : route.from);
    case Route::Kind::kBadRequest:
        return answer_text(400, kPlainText, "from must be EPOCH,LSN,SEQ or now\n");
    case Route::Kind::kMethodNotAllowed:
        return answer_text(405, kPlainText, "only GET\n");
    case Route::Kind::kNotFound:
        return answer_text(404, kPlainText, "/metrics /healthz /readyz /snapshot /stream?from=EPOCH,LSN,SEQ|now\n");
    }
}

void Session::answer_text(unsigned status, const std::string& type, const std::string& body) {
    head_ = fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n{}{}\r\n",
                        status, phrase_of(status), type, body.size(), status == 503 ? "Retry-After: 1\r\n" : "",
                        status == 401 ? "WWW-Authenticate: Bearer\r\n" : "");
    head_ += body;
    write(&Session::finish);
}

// What was written has gone: ends the connection in order, so that the peer reads all of it.
void Session::finish() {
    error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    close();
}

void Session::write(void (Session::*next)()) {
    std::vector<asio::const_buffer> buffers;
    buffers.reserve(bodies_.size() + 2);
    buffers.push_back(asio::buffer(head_));
    for (const Ring::Block& body : bodies_)
        buffers.push_back(asio::buffer(*body));
    buffers.push_back(asio::buffer(tail_));
    writing_ = true;
    arm_deadline(kWriteDeadline);
    asio::async_write(socket_, buffers, [self = shared_from_this(), next](error_code error, std::size_t) {
        if (self->closed_)
            return;
        self->writing_ = false;
        if (error)
            return self->close();
        self->deadline_.cancel();
        self->head_.clear();
        self->bodies_.clear();
        self->tail_.clear();
        (*self.*next)();
    });
}

// The head of an answer in chunks, with the first of them.
void Session::begin_chunks(std::string first) {
    head_ = fmt::format("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nCache-Control: no-store\r\n"
                        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{:x}\r\n",
                        first.size());
    head_ += first;
    tail_ = "\r\n";
}

void Session::begin_snapshot() {
    if (!shared_->hooks.loaded())
        return answer_text(503, kPlainText, "the calendars are being loaded\n");
    ++shared_->counters.snapshots;
    epoch_ = shared_->ring.epoch();
    std::string first;
    wire::append_snapshot_header(epoch_, shared_->ring.lsn(), shared_->settings.database_tables, &first);
    begin_chunks(std::move(first));
    write(&Session::send_snapshot_part);
}

void Session::send_snapshot_part() {
    if (epoch_ != shared_->ring.epoch() || !shared_->hooks.loaded())
        return close(); // without its end
    auto part = std::make_shared<std::string>();
    part->reserve(kSnapshotPart + 4096);
    const Store& store = shared_->store;
    for (; cursor_ < store.end() && part->size() < kSnapshotPart; ++cursor_) {
        if (!store.used(cursor_))
            continue;
        const Calendar calendar = store.get(cursor_);
        if (calendar.unknown)
            wire::append_snapshot_unknown(calendar.table, calendar.listing, part.get());
        else if (!calendar.dropped)
            wire::append_snapshot_record(calendar.table, calendar.listing, calendar.version, calendar.booked,
                                         part.get());
        else
            continue;
        ++records_;
    }
    const bool last = cursor_ >= store.end();
    if (last)
        wire::append_snapshot_end(records_, std::max(shared_->ring.lsn(), shared_->hooks.loaded_lsn()), part.get());
    head_ = fmt::format("{:x}\r\n", part->size());
    tail_ = last ? "\r\n0\r\n\r\n" : "\r\n";
    bodies_.push_back(std::move(part));
    write(last ? &Session::finish : &Session::send_snapshot_part);
}

void Session::begin_stream(const wire::StreamFrom& from) {
    if (from.epoch != shared_->ring.epoch() || !shared_->ring.find(from.position, &number_))
        return answer_text(410, kPlainText, "the position is of another epoch or too old: take the snapshot\n");
    ++shared_->counters.streams;
    ++shared_->counters.subscribers;
    streams_ = true;
    epoch_ = from.epoch;
    std::string first;
    wire::append_hello(from, &first);
    begin_chunks(std::move(first));
    watch_peer();
    write(&Session::send_stream_part);
}

// A subscriber has nothing more to say: whatever comes of it is its end.
void Session::watch_peer() {
    socket_.async_read_some(asio::buffer(&peer_byte_, 1),
                            [self = shared_from_this()](error_code, std::size_t) { self->close(); });
}

void Session::send_stream_part() {
    std::size_t size = 0;
    bool gone = false;
    while (end_reason_.empty() && size < kStreamPart && bodies_.size() < kBlocksOfAPart) {
        Ring::Block block = shared_->ring.get(number_, &gone);
        if (block == nullptr)
            break;
        size += block->size();
        bodies_.push_back(std::move(block));
        ++number_;
    }
    if (gone) {
        ++shared_->counters.dropped_slow;
        end_reason_ = "too slow";
    }
    if (!end_reason_.empty()) {
        bodies_.clear();
        auto last = std::make_shared<std::string>();
        wire::append_end(end_reason_, last.get());
        head_ = fmt::format("{:x}\r\n", last->size());
        bodies_.push_back(std::move(last));
        tail_ = "\r\n0\r\n\r\n";
        return write(&Session::finish);
    }
    if (bodies_.empty()) {
        waiting_ = true;
        shared_->waiting.insert(this);
        return;
    }
    head_ = fmt::format("{:x}\r\n", size);
    tail_ = "\r\n";
    write(&Session::send_stream_part);
}

void Session::wake() {
    waiting_ = false;
    send_stream_part();
}

void Session::drop_if_overtaken() {
    bool gone = false;
    if (!streams_ || closed_ || !writing_ || shared_->ring.get(number_, &gone) != nullptr || !gone)
        return;
    ++shared_->counters.dropped_slow;
    close();
}

void Session::end(const std::string& reason) {
    if (!streams_ || closed_)
        return;
    end_reason_ = reason;
    if (waiting_) {
        shared_->waiting.erase(this);
        wake();
    }
}

} // namespace availability::relay

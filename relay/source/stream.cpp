#include "relay/source/stream.hpp"

#include "relay/clock.hpp"

namespace availability::relay {

namespace {

constexpr std::chrono::milliseconds kTick(200);
constexpr std::chrono::seconds kStatusInterval(2);
constexpr std::size_t kDataHeader = 25;    // 'w', start, end of WAL, time
constexpr std::size_t kKeepaliveSize = 18; // 'k', end of WAL, time, reply

std::uint64_t read64(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

void put64(std::string* message, std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8)
        message->push_back(static_cast<char>(value >> shift));
}

} // namespace

StreamFrame parse_frame(std::string_view message) {
    StreamFrame frame;
    if (message.size() >= kDataHeader && message[0] == 'w') {
        frame.kind = StreamFrame::Kind::kData;
        frame.payload = message.substr(kDataHeader);
    } else if (message.size() == kKeepaliveSize && message[0] == 'k') {
        frame.kind = StreamFrame::Kind::kKeepalive;
        frame.lsn = read64(message.substr(1));
        frame.reply = message[17] != 0;
    }
    return frame;
}

std::string status_update(std::uint64_t lsn, std::int64_t now_us, bool ask) {
    constexpr std::int64_t kPostgresEpoch = 946684800000000; // 2000-01-01 in microseconds since 1970
    std::string message = "r";
    for (int i = 0; i < 3; ++i)
        put64(&message, lsn);
    put64(&message, static_cast<std::uint64_t>(now_us - kPostgresEpoch));
    message.push_back(ask ? 1 : 0);
    return message;
}

Stream::Stream(boost::asio::io_context& io, std::chrono::milliseconds timeout, StreamHandler& handler)
    : timer_(io), timeout_(timeout), handler_(handler) {}

void Stream::start(PgConnectionPtr connection, const std::string& statement, PgConnection::Done started,
                   PgConnection::Done ended) {
    close();
    connection_ = std::move(connection);
    ended_ = std::move(ended);
    confirmed_ = told_ = 0;
    paused_ = false;
    const std::uint64_t run = ++run_;
    connection_->copy_both(
        statement,
        [this, run, started = std::move(started)](const PgError& error) {
            if (run != run_)
                return;
            running_ = !error;
            last_status_ = last_heard_ = std::chrono::steady_clock::now();
            if (running_)
                tick();
            started(error);
        },
        [this, run](std::string_view message) { return run == run_ && on_data(message); },
        [this, run](const PgError& error) {
            if (run != run_)
                return;
            running_ = false;
            timer_.cancel();
            if (ended_)
                std::exchange(ended_, nullptr)(error ? error : PgError{"the server ended the stream", ""});
        });
}

bool Stream::on_data(std::string_view message) {
    last_heard_ = std::chrono::steady_clock::now();
    const StreamFrame frame = parse_frame(message);
    switch (frame.kind) {
    case StreamFrame::Kind::kData: {
        const std::uint64_t run = run_;
        paused_ = !handler_.on_message(frame.payload);
        return run == run_ && !paused_;
    }
    case StreamFrame::Kind::kKeepalive:
        handler_.on_keepalive(frame.lsn);
        if (frame.reply)
            send_status();
        return true;
    case StreamFrame::Kind::kGarbage:
        handler_.on_garbage(message);
        return true;
    }
    return true;
}

void Stream::resume() {
    paused_ = false;
    last_heard_ = std::chrono::steady_clock::now();
    if (running_)
        connection_->resume();
}

void Stream::confirm(std::uint64_t lsn) {
    if (lsn > confirmed_)
        confirmed_ = lsn;
}

void Stream::confirm_now() {
    send_status();
}

void Stream::send_status() {
    if (!running_)
        return;
    told_ = confirmed_;
    last_status_ = std::chrono::steady_clock::now();
    connection_->send(status_update(confirmed_, now_us(), last_status_ - last_heard_ > kStatusInterval));
}

void Stream::tick() {
    timer_.expires_after(kTick);
    timer_.async_wait([this, run = run_](boost::system::error_code error) {
        if (error || run != run_ || !running_)
            return;
        const auto now = std::chrono::steady_clock::now();
        if (told_ != confirmed_ || now - last_status_ > kStatusInterval)
            send_status();
        if (!running_ || run != run_) // sending failed
            return;
        // A server that has nothing to send is silent, but for the answers that a status asks for.
        if (!paused_ && now - last_heard_ > timeout_) {
            running_ = false;
            std::exchange(ended_, nullptr)(PgError{"the server was silent for too long", ""});
            return;
        }
        tick();
    });
}

void Stream::close() {
    ++run_;
    running_ = false;
    timer_.cancel();
    ended_ = nullptr;
    if (connection_ != nullptr)
        connection_->close();
    connection_ = nullptr;
}

} // namespace availability::relay

// What asks services for answers at a rate that does not depend on their speed, and counts: for service_probe and
// service_replay. A request is timed from when it was due, also if no connection was free then.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <nlohmann/json.hpp>

#include "relay/clock.hpp"

namespace load {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using availability::relay::now_us;
using nlohmann::json;

inline constexpr std::chrono::seconds kPatience{3};

struct Reply {
    unsigned status = 0; // 0: none
    std::string body;
    std::int64_t due = 0; // microseconds since 1970, like the others
    std::int64_t sent = 0;
    std::int64_t received = 0;
};

struct Request {
    http::verb method = http::verb::get;
    std::string target;
    std::string body; // JSON, of a POST
    std::string idempotency_key;
    std::int64_t due = 0;
    std::function<void(Reply)> done;
};

// One service, by connections that stay.
class Instance {
  public:
    Instance(asio::io_context& io, const std::string& address, std::size_t connections) {
        const std::size_t colon = address.rfind(':');
        if (colon == std::string::npos)
            throw std::runtime_error("not host:port: " + address);
        host_ = address.substr(0, colon);
        endpoint_ = {asio::ip::make_address(host_), static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)))};
        for (std::size_t i = 0; i < connections; ++i)
            idle_.push_back(all_.emplace_back(std::make_unique<Connection>(io, this)).get());
    }

    void ask(Request request) {
        queue_.push_back(std::move(request));
        next();
    }
    std::size_t under_way() const { return queue_.size() + all_.size() - idle_.size(); }
    std::size_t connections() const { return all_.size(); }

  private:
    struct Connection {
        Connection(asio::io_context& io, Instance* of) : stream(io), instance(of) {}
        beast::tcp_stream stream;
        Instance* instance;
        bool connected = false;
        bool used = false; // has answered since it was made
        Request request;
        Reply reply;
        http::request<http::string_body> message;
        http::response<http::string_body> answer;
        beast::flat_buffer buffer;
    };

    void next() {
        while (!queue_.empty() && !idle_.empty()) {
            Connection* connection = idle_.back();
            idle_.pop_back();
            connection->request = std::move(queue_.front());
            queue_.pop_front();
            connection->reply = {};
            connection->reply.due = connection->request.due;
            connection->reply.sent = now_us();
            if (connection->reply.sent - connection->request.due > std::chrono::microseconds(kPatience).count()) {
                finish(connection, true);
                continue;
            }
            connection->connected ? send(connection) : connect(connection);
        }
    }

    void connect(Connection* c) {
        c->used = false;
        c->stream.expires_after(kPatience);
        c->stream.async_connect(endpoint_, [this, c](beast::error_code error) {
            if (error)
                return finish(c, false);
            c->connected = true;
            c->stream.socket().set_option(tcp::no_delay(true));
            send(c);
        });
    }

    void send(Connection* c) {
        c->message = {c->request.method, c->request.target, 11};
        c->message.set(http::field::host, host_);
        if (!c->request.idempotency_key.empty())
            c->message.set("Idempotency-Key", c->request.idempotency_key);
        if (!c->request.body.empty())
            c->message.set(http::field::content_type, "application/json");
        c->message.body() = c->request.body;
        if (c->request.method == http::verb::post)
            c->message.prepare_payload();
        c->stream.expires_after(kPatience);
        http::async_write(c->stream, c->message, [this, c](beast::error_code error, std::size_t) {
            if (error)
                return lost(c);
            c->answer = {};
            http::async_read(c->stream, c->buffer, c->answer, [this, c](beast::error_code read_error, std::size_t) {
                if (read_error)
                    return lost(c);
                c->used = true;
                c->reply.status = c->answer.result_int();
                c->reply.body = std::move(c->answer.body());
                finish(c, c->answer.keep_alive());
            });
        });
    }

    // A connection that has been idle may have been closed by the other side: a read is asked once more by a new one.
    void lost(Connection* c) {
        const bool again = c->used && c->request.method == http::verb::get;
        close(c);
        again ? connect(c) : finish(c, false);
    }

    void close(Connection* c) {
        beast::error_code ignored;
        c->stream.socket().close(ignored);
        c->connected = false;
        c->buffer.clear();
    }

    void finish(Connection* c, bool keep) {
        if (!keep)
            close(c);
        c->reply.received = now_us();
        Reply reply = std::move(c->reply);
        const auto done = std::move(c->request.done);
        idle_.push_back(c);
        done(std::move(reply));
        next();
    }

    std::string host_;
    tcp::endpoint endpoint_;
    std::vector<std::unique_ptr<Connection>> all_;
    std::vector<Connection*> idle_;
    std::deque<Request> queue_;
};

// --- what was answered ---------------------------------------------------------------------------

// Microseconds since 1970 of "2027-07-03T14:20:07.120045Z"; 0 if it is none.
inline std::int64_t time_of(const std::string& text) {
    std::tm parts{};
    int micros = 0;
    if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%6dZ", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
                    &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &micros) != 7)
        return 0;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return static_cast<std::int64_t>(timegm(&parts)) * 1'000'000 + micros;
}

struct Told {
    std::string source;
    std::int64_t version = 0;
    std::int64_t as_of = 0;
    std::int64_t age_ms = 0;
    bool stale = false;
    bool available = false;
};

// False if it is not what the service answers a read with.
inline bool read_answer(const std::string& body, Told* told) {
    const json document = json::parse(body, nullptr, false);
    if (!document.is_object() || !document.contains("source") || !document.contains("as_of"))
        return false;
    told->source = document["source"].get<std::string>();
    told->as_of = time_of(document["as_of"].get<std::string>());
    told->version = document.value("version", std::int64_t{0});
    told->age_ms = document["age_ms"].is_number() ? document["age_ms"].get<std::int64_t>() : 0;
    told->stale = document.value("stale", false);
    told->available = document.value("available", false);
    return told->as_of != 0;
}

// The value below which a share of the values lies; 0 of none.
template <typename Number>
double quantile(std::vector<Number>& values, double share) {
    if (values.empty())
        return 0;
    const auto place =
        std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())));
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(place), values.end());
    return static_cast<double>(values[place]);
}

// Of one instance, or of one second.
struct Tally {
    std::uint64_t reads = 0;
    std::uint64_t failed = 0;
    std::uint64_t stale = 0;
    std::map<unsigned, std::uint64_t> failures; // by status
    std::map<std::string, std::uint64_t> sources;
    std::vector<std::uint32_t> micros; // of reads that were answered
    std::vector<std::uint32_t> ages;   // milliseconds

    void failure(unsigned status) {
        ++reads;
        ++failed;
        ++failures[status];
    }
    void answer(const Reply& reply, const Told& told) {
        ++reads;
        stale += told.stale;
        ++sources[told.source];
        micros.push_back(static_cast<std::uint32_t>(reply.received - reply.due));
        ages.push_back(static_cast<std::uint32_t>(std::max<std::int64_t>(0, told.age_ms)));
    }
    double milliseconds(double share) { return quantile(micros, share) / 1000; }
};

// "p50 0.12, p95 …" of a tally, and where its answers came from.
inline void print(const char* name, Tally& tally) {
    std::printf("%s: %llu reads, %llu failed", name, static_cast<unsigned long long>(tally.reads),
                static_cast<unsigned long long>(tally.failed));
    for (const auto& [status, count] : tally.failures)
        std::printf(" (%s: %llu)", status == 0 ? "no answer" : std::to_string(status).c_str(),
                    static_cast<unsigned long long>(count));
    std::printf("; p50 %.2f, p95 %.2f, p99 %.2f, p99.9 %.2f ms; from", tally.milliseconds(0.5),
                tally.milliseconds(0.95), tally.milliseconds(0.99), tally.milliseconds(0.999));
    for (const auto& [source, count] : tally.sources)
        std::printf(" %s %.1f %%", source.c_str(),
                    100.0 * static_cast<double>(count) / static_cast<double>(std::max<std::uint64_t>(1, tally.reads)));
    std::printf("; %llu marked stale; age p50 %.0f, p99 %.0f, most %.0f ms\n",
                static_cast<unsigned long long>(tally.stale), quantile(tally.ages, 0.5), quantile(tally.ages, 0.99),
                quantile(tally.ages, 1));
}

// Calls back as often as a rate says, with the time at which each call was due; late calls are made up for.
class Pace {
  public:
    Pace(asio::io_context& io, double a_second, std::function<bool(std::int64_t due)> call)
        : timer_(io), a_second_(a_second), call_(std::move(call)), start_(now_us()) {
        if (a_second > 0)
            tick();
    }
    void stop() { timer_.cancel(); }

  private:
    void tick() {
        while (due() <= now_us()) {
            const std::int64_t at = due();
            ++calls_;
            if (!call_(at))
                return;
        }
        timer_.expires_after(std::chrono::microseconds(500));
        timer_.async_wait([this](beast::error_code error) {
            if (!error)
                tick();
        });
    }
    std::int64_t due() const {
        return start_ + static_cast<std::int64_t>(static_cast<double>(calls_) / a_second_ * 1e6);
    }

    asio::steady_timer timer_;
    double a_second_;
    std::function<bool(std::int64_t)> call_;
    std::int64_t start_;
    std::uint64_t calls_ = 0;
};

} // namespace load

// Fuzz target: requests as they come: bytes, heads, targets, queries, bodies; in parts of a size that the first byte
// says. Whatever they are, the API answers each whole one once, and what it answers is no 5xx of its own making.

#include <memory>
#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/http/error.hpp>
#include <nlohmann/json.hpp>

#include "service/http/api.hpp"
#include "service/http/events.hpp"
#include "service/http/request_parser.hpp"
#include "service/test/fake_backend.hpp"
#include "test/core/fuzz.hpp"

using namespace availability::service;

namespace {

class FuzzExchange final : public Exchange {
  public:
    void finish(const Reply& reply) override {
        ++answers;
        status = reply.status;
        type = std::string(reply.content_type);
        is_empty = reply.has_fixed || status == 204 || status == 304;
    }
    std::shared_ptr<EventStream> begin_events(std::function<void()>) override {
        struct Nowhere final : EventStream {
            bool send(std::string_view) override { return false; }
            void end() override {}
        };
        ++answers;
        is_empty = true;
        return std::make_shared<Nowhere>();
    }
    int answers = 0;
    unsigned status = 0;
    std::string type;
    bool is_empty = false;
};

const char* judge(FuzzExchange& exchange) {
    if (exchange.answers != 1)
        return "a request was not answered once";
    if (exchange.status >= 500)
        return "a request was answered by 5xx";
    if (!exchange.is_empty && exchange.type.find("json") != std::string::npos && !nlohmann::json::accept(exchange.body))
        return "what was answered is no JSON";
    return nullptr;
}

} // namespace

const char* examine(const std::uint8_t* data, std::size_t size) {
    if (size < 2)
        return nullptr;
    static boost::asio::io_context io;
    static FakeBackend backend;
    static Events events(io, 10, [] { return Events::Freshness{}; });
    static Api* api = [] {
        backend.set(1, {21002, 21009});
        events.set_backend(&backend);
        ApiOptions options;
        options.tables = {"reservations", "boats"};
        options.reservations = {"r", "b"};
        return new Api(backend, events, options, [](const Exchange&, unsigned) {});
    }();
    const std::size_t step = data[0] + 1U;
    FuzzExchange exchange;
    RequestParser parser(&exchange.request, RequestLimits());
    const char* bytes = reinterpret_cast<const char*>(data) + 1;
    const std::size_t end = size - 1;
    std::size_t begin = 0;
    for (std::size_t seen = std::min(step, end); !parser.is_done(); seen = std::min(seen + step, end)) {
        boost::system::error_code error;
        begin += parser.put(boost::asio::buffer(bytes + begin, seen - begin), error);
        if (error && error != boost::beast::http::error::need_more)
            return RequestParser::status_of(error) < 400 ? "an error is none" : nullptr;
        if (seen == end && !parser.is_done())
            return nullptr;
    }
    api->handle(exchange);
    // Those who look on would become too many.
    events.stop();
    return judge(exchange);
}

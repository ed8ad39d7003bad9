// HTTP over real sockets: what requests may look like, and what is answered; the rest of the service is a fake.

#include <atomic>
#include <cstring>
#include <future>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "service/http/api.hpp"
#include "service/http/events.hpp"
#include "service/http/response.hpp"
#include "service/http/server.hpp"
#include "service/http/trace.hpp"
#include "service/test/fake_backend.hpp"
#include "test/core/check.hpp"

using namespace availability;
using namespace availability::service;

namespace {

class Rig {
  public:
    explicit Rig(std::function<void(ServerOptions&, ApiOptions&)> change = {})
        : guard_(boost::asio::make_work_guard(io_)), events_(io_, 2, [this] {
              return Events::Freshness{backend.as_of, true};
          }) {
        backend.set(1, {21002, 21009}); // 2027-07-03 … 2027-07-10
        backend.set(2, {21020, 21022});
        ServerOptions server;
        server.name = "test";
        server.listen = "127.0.0.1:0";
        ApiOptions api;
        api.tables = {"reservations", "boats"};
        api.reservations = {"\"public\".\"reservations\"", "\"public\".\"boats\""};
        if (change)
            change(server, api);
        events_.set_backend(&backend);
        api_ = std::make_unique<Api>(backend, events_, api, [this](const Exchange& exchange, unsigned status) {
            last_route = exchange.route;
            last_status = status;
            ++answers;
        });
        server_ = std::make_unique<Server>(io_, server, *api_);
        const std::string error = server_->listen();
        if (!error.empty())
            std::printf("# %s\n", error.c_str());
        events_.start();
        thread_ = std::thread([this] { io_.run(); });
    }
    ~Rig() {
        on_loop([this] {
            server_->close();
            events_.stop();
        });
        guard_.reset();
        io_.stop();
        thread_.join();
    }
    template <typename Body>
    void on_loop(Body body) {
        std::promise<void> done;
        boost::asio::post(io_, [&] {
            body();
            done.set_value();
        });
        done.get_future().wait();
    }
    std::uint16_t port() const { return server_->port(); }
    Server& server() { return *server_; }
    Events& events() { return events_; }
    ServerCounters counters() {
        ServerCounters counters;
        on_loop([&] { counters = server_->counters(); });
        return counters;
    }

    FakeBackend backend;
    std::atomic<Route> last_route{Route::kNone};
    std::atomic<unsigned> last_status{0};
    std::atomic<int> answers{0};

  private:
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
    Events events_;
    std::unique_ptr<Api> api_;
    std::unique_ptr<Server> server_;
    std::thread thread_;
};

struct Answer {
    int status = 0; // 0: the connection ended
    std::string head, body;

    std::string field(const std::string& name) const {
        const std::size_t at = head.find("\r\n" + name + ": ");
        if (at == std::string::npos)
            return "";
        const std::size_t begin = at + name.size() + 4;
        return head.substr(begin, head.find("\r\n", begin) - begin);
    }
    bool has(const std::string& text) const { return body.find(text) != std::string::npos; }
    std::string problem() const {
        const std::size_t at = body.find("urn:availability:problem:");
        return at == std::string::npos ? "" : body.substr(at + 25, body.find('"', at) - at - 25);
    }
};

class Client {
  public:
    explicit Client(const Rig& rig, int receive_buffer = 0) {
        fd_ = socket(AF_INET, SOCK_STREAM, 0);
        if (receive_buffer > 0)
            setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(rig.port());
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
        const timeval patience{20, 0};
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    }
    ~Client() { close(fd_); }

    void send(std::string_view bytes) { ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
    Answer receive(bool head_only = false) {
        Answer answer;
        std::size_t end;
        while ((end = in_.find("\r\n\r\n")) == std::string::npos)
            if (!more())
                return answer;
        answer.head = in_.substr(0, end + 2);
        in_.erase(0, end + 4);
        answer.status = std::atoi(answer.head.c_str() + 9);
        const std::size_t length =
            head_only ? 0 : static_cast<std::size_t>(std::atoi(answer.field("Content-Length").c_str()));
        while (in_.size() < length)
            if (!more())
                return {};
        answer.body = in_.substr(0, length);
        in_.erase(0, length);
        return answer;
    }
    Answer request(const std::string& method, const std::string& target, const std::string& fields = "",
                   const std::string& body = "") {
        std::string text = method + " " + target + " HTTP/1.1\r\nHost: x\r\n" + fields;
        if (!body.empty())
            text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
        send(text + "\r\n" + body);
        return receive(method == "HEAD");
    }
    Answer get(const std::string& target, const std::string& fields = "") { return request("GET", target, fields); }
    Answer raw(const std::string& bytes) {
        send(bytes);
        return receive();
    }
    // Whether the peer ends the connection, with nothing more.
    bool ended() {
        while (more()) {
        }
        return in_.empty() && end_;
    }
    // Reads until a text has come; false if the connection ends before.
    bool wait_for(const std::string& text) {
        while (in_.find(text) == std::string::npos)
            if (!more())
                return false;
        return true;
    }

  private:
    bool more() {
        char bytes[65536];
        const ssize_t size = recv(fd_, bytes, sizeof(bytes), 0);
        end_ = size == 0 || (size < 0 && errno == ECONNRESET);
        if (size > 0)
            in_.append(bytes, static_cast<std::size_t>(size));
        return size > 0;
    }
    int fd_;
    std::string in_;
    bool end_ = false;
};

constexpr char kStay[] = "/v1/listings/1/availability?check_in=2027-07-01&check_out=2027-07-05";

void one_listing() {
    Rig rig;
    Client client(rig);
    Answer answer = client.get(kStay);
    CHECK(answer.status == 200 && answer.field("Content-Type") == "application/json");
    CHECK(answer.has(R"({"listing":1,"available":false,"taken":[["2027-07-03","2027-07-05"]],"source":"replica",)"
                     R"("as_of":"2026-11-23T20:53:05.120045Z","age_ms":)"));
    CHECK(answer.has(R"("stale":false,"version":1795467185120045})"));
    CHECK(answer.field("Cache-Control") == "no-cache" && !answer.field("Date").empty());
    answer = client.get("/v1/listings/2/availability?check_in=2027-07-01&check_out=2027-07-05");
    CHECK(answer.has(R"("available":true,"taken":[])"));
    answer = client.get("/v1/listings/1/calendar?from=2027-07-01&to=2027-08-01");
    CHECK(answer.has(R"("booked":[["2027-07-03","2027-07-10"]])"));
    answer = client.get("/v1/listings/1/months?from=2027-07&count=2");
    CHECK(answer.has(R"("months":{"2027-07":"3f800000","2027-08":"00000000"})"));
    answer = client.get("/v1/listings/1/next-gap?nights=3&from=2027-07-01");
    CHECK(answer.has(R"("gap":["2027-07-10","2030-07-05"])"));
    answer = client.get("/v1/listings/1/next-gap?nights=3&from=2027-07-01&to=2027-07-11");
    CHECK(answer.has(R"("gap":null)"));
    answer = client.get("/v1/listings/9/calendar?from=2027-07-01&to=2027-08-01");
    CHECK(answer.status == 404 && answer.problem() == "no-listing" &&
          answer.field("Content-Type") == "application/problem+json" && answer.has("as_of"));
    // Absolute form, percent-encoding, leading zeros.
    CHECK(client.get("http://x/v1/listings/%30%31/calendar?from=2027-07-01&to=2027-08-01").has("\"listing\":1,"));
    // HEAD says what GET would, without the body.
    const Answer head = client.request("HEAD", kStay);
    CHECK(head.status == 200 && head.field("ETag") == client.get(kStay).field("ETag") &&
          head.field("Content-Length") != "0");
}

void entity_tags() {
    Rig rig;
    Client client(rig);
    const std::string tag = client.get(kStay).field("ETag");
    CHECK(tag.substr(0, 3) == "W/\"");
    for (const std::string& given : {tag, tag.substr(2), "\"x\", " + tag, std::string("*")}) {
        const Answer answer = client.get(kStay, "If-None-Match: " + given + "\r\n");
        CHECK(answer.status == 304 && answer.body.empty() && answer.field("ETag") == tag);
    }
    CHECK(client.get(kStay, "If-None-Match: \"x\"\r\n").status == 200);
    rig.on_loop([&] { ++rig.backend.version; });
    CHECK(client.get(kStay, "If-None-Match: " + tag + "\r\n").status == 200);
    const std::string many = "/v1/availability?listings=1,2&check_in=2027-07-01&check_out=2027-07-05";
    const std::string of_many = client.get(many).field("ETag");
    CHECK(client.get(many, "If-None-Match: " + of_many + "\r\n").status == 304);
    const std::string page = client.get("/").field("ETag");
    CHECK(client.get("/", "If-None-Match: " + page + "\r\n").status == 304);
}

void sets() {
    Rig rig;
    Client client(rig);
    Answer answer = client.get("/v1/availability?listings=1,2,9&check_in=2027-07-01&check_out=2027-07-05");
    CHECK(answer.status == 200 && answer.has(R"({"listing":1,"available":false)") &&
          answer.has(R"({"listing":2,"available":true)") &&
          answer.has(R"({"listing":9,"available":null,"reason":"no-listing")"));
    answer = client.request("POST", "/v1/availability", "",
                            R"({"listings":[1,"2"],"check_in":"2027-07-01","check_out":"2027-07-05"})");
    CHECK(answer.status == 200 && answer.has(R"({"listing":2,"available":true)"));
    answer = client.get("/v1/search?check_in=2027-07-01&check_out=2027-07-05&limit=10&after=0");
    CHECK(answer.has(R"({"listings":[2],"count":1,"more":false,"source":"replica")"));
    for (const char* query :
         {"check_in=2027-07-01", "from=2027-07-01&to=2027-07-05&nights=9", "nights=2",
          "check_in=2027-07-01&check_out=2027-07-05&limit=0", "among=&check_in=2027-07-01&check_out=2027-07-05"})
        CHECK(client.get(std::string("/v1/search?") + query).status == 400);
}

void parameters_are_strict() {
    Rig rig;
    Client client(rig);
    const std::string path = "/v1/listings/1/availability?";
    for (const char* query :
         {"", "check_in=2027-07-01", "check_in=2027-07-01&check_out=2027-07-01",
          "check_in=2027-07-05&check_out=2027-07-01", "check_in=2027-02-29&check_out=2027-03-05",
          "check_in=2027-7-1&check_out=2027-07-05", "check_in=today&check_out=2027-07-05",
          "check_in=2027-07-01&check_out=2032-07-05", "check_in=1969-12-31&check_out=1970-01-05",
          "check_in=2149-06-01&check_out=2149-06-08", "check_in=2027-07-01&check_out=2027-07-05&x=1",
          "check_in=2027-07-01&check_in=2027-07-01&check_out=2027-07-05",
          "check_in=2027-07-01&check_out=2027-07-05&min_version=-1", "check_in=2027-07-01%&check_out=2027-07-05",
          "check_in=2027-07-01&check_out=2027-07-05&min_version=99999999999999999999"}) {
        const Answer answer = client.get(path + query);
        CHECK(answer.status == 400 && answer.body.find("\"status\":400") != std::string::npos);
    }
    CHECK(client.get(path).has("\"parameter\":\"check_in\""));
    for (const char* listing : {"x", "1.0", "", "99999999999999999999", "%ff", "1%00", "%zz"})
        CHECK(
            client
                .get(std::string("/v1/listings/") + listing + "/availability?check_in=2027-07-01&check_out=2027-07-05")
                .status == 400);
    CHECK(client.get(std::string(kStay) + "&table=boats").status == 404 &&
          client.get(std::string(kStay) + "&table=none").problem() == "no-table");
    CHECK(client.get(std::string(kStay) + "&min_version=7").status == 200);
    rig.on_loop([&] { CHECK(rig.backend.last_options.min_version == 7); });
    for (const char* target :
         {"/v1", "/v1/listings", "/v1/listings/1", "/v1/listings/1/nothing", "/x", "/v1/listings/1/2/3/4/5/6/7/8/9"})
        CHECK(client.get(target).problem() == "not-found");
    std::string listings = "1";
    for (int i = 0; i < 200; ++i)
        listings += ",1";
    CHECK(client.get("/v1/availability?check_in=2027-07-01&check_out=2027-07-05&listings=" + listings).status == 400);
    const Answer other = client.request("DELETE", kStay);
    CHECK(other.status == 405 && other.field("Allow") == "GET, HEAD, OPTIONS");
    CHECK(client.request("PATCH", "/v1/bookings").status == 405);
    const Answer options = client.request("OPTIONS", "/v1/bookings");
    CHECK(options.status == 204 && options.field("Allow") == "POST, OPTIONS");
}

void malformed_requests() {
    Rig rig([](ServerOptions& server, ApiOptions&) { server.limits.body_bytes = 1000; });
    const auto refused = [&](const std::string& bytes) {
        Client client(rig);
        const Answer answer = client.raw(bytes);
        const bool closed = answer.field("Connection") == "close" && client.ended();
        return closed ? answer.status : -answer.status;
    };
    const std::string long_text(10000, 'a');
    CHECK(refused("GET / HTTP/1.1\r\n\r\n") == 400); // no Host
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") == 400);
    CHECK(refused("GET /\r\n\r\n") == 400);
    CHECK(refused("nonsense\r\n\r\n") == 400);
    CHECK(refused("GET / HTTP/9.1\r\nHost: a\r\n\r\n") == 505);
    CHECK(refused("GET / HTTP/1.1\r\nHost : a\r\n\r\n") == 400);
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n") == 400);
    CHECK(refused("GET /" + long_text.substr(0, 7000) + " HTTP/1.1\r\nHost: a\r\n\r\n") == 414);
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\nX: " + long_text + "\r\n\r\n") == 431);
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n") == 413);
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab") == 400);
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") ==
          400);
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n") == 400);
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" +
                  long_text.substr(0, 1024) + "\r\n0\r\n\r\n") == 413);
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n") == 400);
    // Encodings of which others may make another end of the body, and the rest of it a request.
    for (const char* encoding : {"chunked, chunked", "chunked, identity", "gzip, chunked", "xchunked", "identity"})
        CHECK(refused(std::string("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ") + encoding +
                      "\r\n\r\n0\r\n\r\n") == 400);
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\nContent-Length: 1\r\n\r\na") == 400);
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n") == 400);
    CHECK(refused("POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 400);
    CHECK(rig.counters().malformed == 23);
    // A peer that goes amid a request is no harm.
    for (int i = 0; i < 20; ++i)
        Client(rig).send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    CHECK(Client(rig).get("/healthz").status == 200);
}

void keep_alive_and_pipelines() {
    Rig rig;
    Client client(rig);
    std::string many;
    for (int i = 0; i < 500; ++i)
        many += std::string("GET ") + (i % 2 ? kStay : "/v1/listings/2/calendar?from=2027-07-01&to=2027-08-01") +
                " HTTP/1.1\r\nHost: x\r\n\r\n";
    client.send(many);
    bool in_order = true;
    for (int i = 0; i < 500; ++i) {
        const Answer answer = client.receive();
        in_order &= answer.status == 200 && answer.has(i % 2 ? "\"listing\":1" : "\"listing\":2");
    }
    CHECK(in_order);
    // One that waits holds up those behind it, and no others.
    rig.on_loop([&] { rig.backend.hold_reads = true; });
    client.send(std::string("GET ") + kStay + " HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(Client(rig).get("/healthz").status == 200);
    while (true) {
        bool waiting = false;
        rig.on_loop([&] { waiting = !rig.backend.held.empty(); });
        if (waiting)
            break;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    rig.on_loop([&] {
        auto held = std::move(rig.backend.held);
        rig.backend.hold_reads = false;
        held[0]();
    });
    CHECK(client.receive().has("\"listing\":1") && client.receive().body == "ok\n");
    // A client that goes while its answer is made.
    rig.on_loop([&] { rig.backend.hold_reads = true; });
    {
        Client leaving(rig);
        leaving.send(std::string("GET ") + kStay + " HTTP/1.1\r\nHost: x\r\n\r\n");
        bool waiting = false;
        while (!waiting)
            rig.on_loop([&] { waiting = !rig.backend.held.empty(); });
    }
    rig.on_loop([&] {
        auto held = std::move(rig.backend.held);
        rig.backend.held.clear();
        held[0]();
        rig.backend.hold_reads = false;
    });
    CHECK(client.get("/healthz").status == 200);
    // Bytes as they come, one at a time.
    for (const char c : std::string("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))
        client.send({&c, 1});
    CHECK(client.receive().body == "ok\n");
    Answer last = client.raw("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(last.status == 200 && last.field("Connection") == "close" && client.ended());
    Client old(rig);
    last = old.raw("GET /healthz HTTP/1.0\r\n\r\n");
    CHECK(last.status == 200 && last.field("Connection") == "close" && old.ended());
    Client chunked(rig);
    last = chunked.raw("POST /v1/availability HTTP/1.1\r\nHost: x\r\nContent-Type: "
                       "application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "10\r\n{\"listings\":[1],\r\n30\r\n\"check_in\":\"2027-07-01\",\"check_out\":\"2027-07-"
                       "05\"\r\n1\r\n}\r\n0\r\n\r\n");
    CHECK(last.status == 200 && chunked.get("/healthz").status == 200);
    // What comes after the last chunk is no field of the head.
    last = chunked.raw("POST /v1/bookings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n3e\r\n"
                       "{\"listing\":1,\"check_in\":\"2027-07-01\",\"check_out\":\"2027-07-02\"}"
                       "\r\n0\r\nIdempotency-Key: late\r\nHost: y\r\n\r\n");
    CHECK(last.status == 201 && !rig.backend.last_booking.idempotency_key);
    Client careful(rig);
    careful.send("POST /v1/availability HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
                 "2\r\nExpect: 100-continue\r\n\r\n");
    CHECK(careful.receive().status == 100);
    CHECK(careful.raw("{}").status == 400);
}

void times() {
    Rig rig([](ServerOptions& server, ApiOptions&) {
        server.header_timeout = std::chrono::milliseconds(200);
        server.body_timeout = std::chrono::milliseconds(200);
        server.idle_timeout = std::chrono::milliseconds(200);
        server.max_connections = 3;
    });
    Client head(rig);
    CHECK(head.raw("GET / HTTP/1.1\r\nHost:").status == 408 && head.ended());
    Client body(rig);
    CHECK(body.raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab").status == 408 && body.ended());
    Client idle(rig);
    CHECK(idle.get("/healthz").status == 200 && idle.ended());
    Client silent(rig);
    CHECK(silent.ended());
    while (rig.counters().connections > 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    Client a(rig), b(rig), c(rig);
    CHECK(a.get("/healthz").status == 200 && b.get("/healthz").status == 200 && c.get("/healthz").status == 200);
    Client too_many(rig);
    CHECK(too_many.ended() && rig.counters().refused == 1);
}

// Answers that nobody reads, and one that is made meanwhile.
void unread_answers() {
    Rig rig([](ServerOptions& server, ApiOptions&) { server.write_timeout = std::chrono::milliseconds(200); });
    rig.on_loop([&] { rig.backend.hold_reads = true; });
    Client client(rig, 4096);
    std::string many;
    for (int i = 0; i < 36; ++i) {
        for (int k = 0; k < 3; ++k)
            many += "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
        many += std::string("GET ") + kStay + " HTTP/1.1\r\nHost: x\r\n\r\n";
    }
    client.send(many);
    bool closed = false;
    for (int i = 0; i < 500 && !closed; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        rig.on_loop([&] {
            const auto held = std::exchange(rig.backend.held, {});
            for (const auto& answer_it : held)
                answer_it();
            closed = rig.server().counters().accepted == 1 && rig.server().counters().connections == 0;
        });
    }
    CHECK(closed);
}

void shedding() {
    Rig rig([](ServerOptions&, ApiOptions& api) { api.max_waiting = 2; });
    rig.on_loop([&] { rig.backend.hold_reads = true; });
    Client a(rig), b(rig), c(rig);
    for (Client* client : {&a, &b})
        client->send(std::string("GET ") + kStay + " HTTP/1.1\r\nHost: x\r\n\r\n");
    std::size_t waiting = 0;
    while (waiting < 2)
        rig.on_loop([&] { waiting = rig.backend.held.size(); });
    Answer answer = c.get(kStay);
    CHECK(answer.status == 503 && answer.field("Retry-After") == "1" && answer.problem() == "overloaded");
    CHECK(c.get("/healthz").status == 200);
    rig.on_loop([&] {
        auto held = std::move(rig.backend.held);
        rig.backend.hold_reads = false;
        for (const auto& answer_it : held)
            answer_it();
    });
    CHECK(a.receive().status == 200 && b.receive().status == 200 && c.get(kStay).status == 200);
    rig.on_loop([&] { rig.backend.is_overloaded = true; });
    CHECK(c.get(kStay).status == 503 && c.get("/readyz").status == 200);
    rig.on_loop([&] { rig.backend.is_ready = false; });
    CHECK(c.get("/readyz").status == 503 && c.get("/readyz").body == "not yet\n");
    // Before it is known how listings are written, none is written.
    rig.on_loop([&] {
        rig.backend.is_overloaded = false;
        rig.backend.knows_kinds = false;
    });
    answer = c.get("/v1/search?check_in=2027-07-01&check_out=2027-07-05");
    CHECK(answer.status == 503 && answer.problem() == "starting");
}

void bookings() {
    using database::QueryError;
    Rig rig;
    Client client(rig);
    rig.backend.booking_answer.reservation = "981";
    rig.backend.booking_answer.version = 7;
    const std::string stay = R"({"listing":1,"check_in":"2027-07-03","check_out":"2027-07-10",)"
                             R"("attributes":{"price":12345678901234567890.10, "a":"}\""}})";
    Answer answer = client.request(
        "POST", "/v1/bookings",
        "Idempotency-Key: k1\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n", stay);
    CHECK(answer.status == 201 && answer.body == R"({"reservation":"981","version":7,"replayed":false})");
    rig.on_loop([&] {
        const auto& request = rig.backend.last_booking;
        CHECK(request.listing == "1" && request.check_in == "2027-07-03" && request.idempotency_key == "k1");
        CHECK(request.attributes == R"({"price":12345678901234567890.10, "a":"}\""})");
        CHECK(request.traceparent.substr(0, 36) == "00-0af7651916cd43dd8448eb211c80319c-" &&
              request.traceparent.substr(52) == "-01");
        CHECK(request.traceparent.substr(36, 16) != "b7ad6b7169203331");
    });
    struct Case {
        QueryError::Kind kind;
        bool sent;
        const char* sqlstate;
        const char* detail;
        int status;
        const char* problem;
    };
    const auto server = QueryError::Kind::kServer;
    for (const Case& one :
         {Case{server, true, "23505", "Taken days: [2027-07-03,2027-07-05), [2027-07-07,2027-07-08).", 409, "taken"},
          Case{server, true, "23505", "Key (email)=(secret) already exists.", 409, "conflict"},
          Case{server, true, "RV001", "", 422, "key-used-otherwise"},
          Case{server, true, "RV002", "", 410, "hold-expired"}, Case{server, true, "RV003", "", 410, "hold-gone"},
          Case{server, true, "40001", "", 503, "busy"}, Case{server, true, "P0002", "", 404, "no-reservation"},
          Case{server, true, "42501", "", 403, "forbidden"}, Case{server, true, "22P02", "", 422, "invalid-value"},
          Case{server, true, "XX000", "", 500, "internal"},
          Case{QueryError::Kind::kOverloaded, false, "", "", 503, "overloaded"},
          Case{QueryError::Kind::kUnreachable, false, "", "", 503, "unavailable"},
          Case{QueryError::Kind::kTimeout, true, "", "", 504, "no-answer-in-time"},
          Case{QueryError::Kind::kLost, true, "", "", 504, "no-answer-in-time"}}) {
        rig.on_loop([&] {
            rig.backend.booking_answer.error = {one.kind, one.sent, one.sqlstate, "the message", one.detail, "", ""};
        });
        answer = client.request("POST", "/v1/bookings", "", stay);
        CHECK(answer.status == one.status && answer.problem() == one.problem && !answer.has("secret"));
        CHECK((answer.status == 503) == !answer.field("Retry-After").empty());
        if (std::string(one.problem) == "taken")
            CHECK(answer.has(R"("taken":[["2027-07-03","2027-07-05"],["2027-07-07","2027-07-08"]])"));
    }
    rig.on_loop([&] { rig.backend.booking_answer.error = {}; });
    const std::string hold = "/v1/holds/00000000-0000-4000-8000-000000000000";
    rig.on_loop([&] { rig.backend.booking_answer.hold = "00000000-0000-4000-8000-000000000000"; });
    answer = client.request("POST", "/v1/holds", "",
                            R"({"listing":"1","check_in":"2027-07-03","check_out":"2027-07-10","ttl_seconds":60})");
    CHECK(answer.status == 201 && answer.field("Location") == hold);
    rig.on_loop([&] { CHECK(rig.backend.last_booking.ttl == "60 seconds"); });
    CHECK(client.request("POST", hold + "/confirm").status == 201);
    CHECK(client.request("DELETE", hold).status == 410);
    rig.on_loop([&] { rig.backend.booking_answer.released = true; });
    CHECK(client.request("DELETE", hold).status == 204);
    CHECK(client.request("POST", "/v1/holds/x/confirm").status == 404);
    CHECK(client.request("POST", "/v1/bookings/981/cancel").status == 200);
    CHECK(client.request("POST", "/v1/bookings/9%2F1/move", "", R"({"check_in":"2027-07-03","check_out":"2027-07-10"})")
              .status == 200);
    rig.on_loop([&] { CHECK(rig.backend.last_booking.reservation == "9/1"); });
    for (const char* body :
         {"{", "[]", "{}", R"({"listing":1})", R"({"listing":{},"check_in":"2027-07-03","check_out":"2027-07-10"})",
          R"({"listing":1,"check_in":"2027-07-03","check_out":"2027-07-10","x":1})",
          R"({"listing":1,"check_in":"2027-07-03","check_out":"2027-07-10","attributes":[]})",
          R"({"listing":1,"check_in":"2027-07-03","check_out":"2027-07-10","\u0061ttributes":{}})",
          R"({"listing":1.5,"check_in":"2027-07-03","check_out":"2027-07-10"})",
          R"({"listing":1,"check_in":20270703,"check_out":"2027-07-10"})"})
        CHECK(client.request("POST", "/v1/bookings", "", body).status == 400);
    CHECK(client.request("POST", "/v1/bookings", "Content-Type: text/plain\r\nContent-Length: 0\r\n").status == 415);
    CHECK(
        client.request("POST", "/v1/bookings", "Idempotency-Key: " + std::string(256, 'k') + "\r\n", stay).problem() ==
        "invalid-key");
    CHECK(client.request("POST", "/v1/bookings", "Idempotency-Key:\r\n", stay).problem() == "invalid-key");
    CHECK(client.request("POST", "/v1/bookings", "Idempotency-Key: " + std::string(255, 'k') + "\r\n", stay).status ==
          201);
}

void events() {
    Rig rig([](ServerOptions& server, ApiOptions&) { server.event_bytes = 100000; });
    Client client(rig);
    client.send("GET /v1/events?listing=1 HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(client.wait_for("event: calendar\nid: 1795467185120045\ndata: {\"listing\":1,") &&
          client.wait_for("event: age\n"));
    const std::string booked = stored_run({21002, 21003});
    reader::Change change;
    change.listing = {0, reader::Key::of(std::int64_t{1})};
    change.version = 1795467185120050;
    change.booked = booked;
    change.at = 1795467185120050;
    rig.on_loop([&] { rig.events().changed(change); });
    CHECK(client.wait_for("id: 1795467185120050\ndata: "
                          "{\"listing\":1,\"version\":1795467185120050,\"booked\":[[\"2027-07-03\",\"2027-07-04\"]],"
                          "\"change\":\"updated\""));
    // One that does not read is dropped; the others go on.
    Client slow(rig, 4096);
    slow.send("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(Client(rig).get("/v1/events").status == 503 || rig.counters().streams < 2);
    for (int i = 0; i < 200000 && rig.counters().slow_streams == 0; i += 500)
        rig.on_loop([&] {
            change.listing = {0, reader::Key::of(std::int64_t{2})};
            for (int k = 0; k < 500; ++k)
                rig.events().changed(change);
        });
    CHECK(rig.counters().slow_streams == 1);
    change.listing = {0, reader::Key::of(std::int64_t{1})};
    change.kind = relay::EventKind::kDropped;
    change.version += 5;
    rig.on_loop([&] { rig.events().changed(change); });
    CHECK(client.wait_for("id: 1795467185120055\ndata: {\"listing\":1,\"dropped\":true"));
}

void draining() {
    Rig rig;
    Client idle(rig), busy(rig), streaming(rig), coming(rig);
    coming.send("POST /v1/bookings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
                "62\r\nExpect: 100-continue\r\n\r\n");
    CHECK(coming.receive().status == 100);
    CHECK(idle.get("/healthz").status == 200);
    streaming.send("GET /v1/events?listing=1 HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(streaming.wait_for("event: calendar"));
    rig.on_loop([&] { rig.backend.hold_reads = true; });
    busy.send(std::string("GET ") + kStay + " HTTP/1.1\r\nHost: x\r\n\r\n");
    std::size_t waiting = 0;
    while (waiting < 1)
        rig.on_loop([&] { waiting = rig.backend.held.size(); });
    rig.on_loop([&] { rig.server().drain(); });
    CHECK(idle.ended());
    CHECK(!streaming.wait_for("nothing of the kind"));
    rig.on_loop([&] { rig.backend.held[0](); });
    const Answer answer = busy.receive();
    CHECK(answer.status == 200 && answer.field("Connection") == "close" && busy.ended());
    // A request of which a part had come.
    const Answer late = coming.raw("{\"listing\":1,\"check_in\":\"2027-07-01\",\"check_out\":\"2027-07-02\"}");
    CHECK(late.status == 201 && late.field("Connection") == "close" && coming.ended());
}

void traces() {
    CHECK(is_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    CHECK(is_traceparent("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"));
    for (const char* text : {"", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
                             "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                             "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                             "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                             "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                             "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x"}) {
        CHECK(!is_traceparent(text));
        CHECK(is_traceparent(continue_trace(text)));
    }
    CHECK(continue_trace("") != continue_trace(""));
}

} // namespace

int main() {
    spdlog::set_level(spdlog::level::off);
    test::run("http: one listing", one_listing);
    test::run("http: entity tags", entity_tags);
    test::run("http: sets of listings", sets);
    test::run("http: parameters, routes and methods are strict", parameters_are_strict);
    test::run("http: malformed requests", malformed_requests);
    test::run("http: keep-alive, pipelines, bodies in parts", keep_alive_and_pipelines);
    test::run("http: everything has a time", times);
    test::run("http: answers that nobody reads", unread_answers);
    test::run("http: shedding and readiness", shedding);
    test::run("http: bookings and what their errors are", bookings);
    test::run("http: events", events);
    test::run("http: draining", draining);
    test::run("http: trace context", traces);
    return test::exit_status();
}

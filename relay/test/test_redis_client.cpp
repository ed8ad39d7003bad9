// The client beside a real redis-server: each request gets its own answer.

#include <boost/asio/io_context.hpp>

#include "relay/redis/client.hpp"
#include "relay/redis/command.hpp"
#include "relay/test/redis_server.hpp"
#include "test/core/check.hpp"

using namespace availability::relay::redis;
using test::RedisServer;

namespace {

struct Echoes : ClientListener {
    explicit Echoes(boost::asio::io_context& loop, ClientOptions options) : io(loop), client(loop, options, this) {}

    void ask(const std::string& text, bool of_node) {
        RequestPtr request = call(command("ECHO", text), [this, text](const Reply* reply, std::string_view) {
            answers++;
            wrong += reply == nullptr || reply->text != text;
        });
        asked++;
        if (of_node)
            client.submit_to(node, std::move(request));
        else
            client.submit(std::move(request));
    }
    // As what is written about a node is: at once, before what has waited for the connection is answered.
    void identified(const std::string& name, const Identity&) override {
        node = name;
        for (int i = 0; i < 3; i++)
            ask("identified " + std::to_string(i), true);
    }
    void map_changed() override {}
    void trouble(const std::string&) override {}

    boost::asio::io_context& io;
    Client client;
    std::string node;
    int asked = 0, answers = 0, wrong = 0;
};

void keeps_order() {
    RedisServer server;
    boost::asio::io_context io(1);
    ClientOptions options;
    options.nodes.push_back(*parse_endpoint(server.address()));
    Echoes echoes(io, options);
    echoes.client.start();
    for (int i = 0; i < 20; i++)
        echoes.ask("early " + std::to_string(i), false);
    for (int i = 0; i < 500 && (echoes.answers < 23 || echoes.answers < echoes.asked); i++)
        io.run_one_for(std::chrono::milliseconds(20));
    CHECK(echoes.answers == 23 && echoes.asked == 23);
    CHECK(echoes.wrong == 0);
    echoes.client.stop();
}

} // namespace

int main() {
    test::run("what waits for a connection and what is asked once it stands get their own answers", keeps_order);
    return test::exit_status();
}

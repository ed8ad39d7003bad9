// For tests in other languages: follows relays with a replica, and answers lines.
//
//   tool_replica TABLE RELAY…        RELAY: host:port
//
//   state            STATE EPOCH AS_OF LSN,SEQ SNAPSHOTS STREAMS LISTINGS
//   get LISTING      VERSION HEX, none, or unknown
//   all FIRST LAST   a line for each listing that there is: LISTING VERSION HEX; then a dot
//   search FROM TO NIGHTS LIMIT [AFTER]     COUNT LISTING…; days since 1970
//   quit

#include <cstdio>
#include <iostream>
#include <sstream>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "relay/wire.hpp"
#include "service/reader/feed.hpp"
#include "service/reader/replica.hpp"

namespace asio = boost::asio;
using namespace availability;
using namespace availability::reader;

namespace {

std::string hex(std::string_view bytes) {
    std::string text;
    char digits[3];
    for (const char byte : bytes) {
        std::snprintf(digits, sizeof(digits), "%02x", static_cast<unsigned char>(byte));
        text += digits;
    }
    return text;
}

class Tool {
  public:
    Tool(asio::io_context& io, FeedOptions options)
        : io_(io), input_(io, ::dup(STDIN_FILENO)), replica_(1), feed_(io, std::move(options), &replica_) {
        feed_.start();
        read();
    }

  private:
    void read() {
        asio::async_read_until(input_, buffer_, '\n', [this](boost::system::error_code error, std::size_t) {
            std::string line;
            if (error || !std::getline(std::istream(&buffer_), line) || line == "quit")
                return io_.stop();
            answer(line);
            std::fflush(stdout);
            read();
        });
    }

    static std::string held(const Replica& replica, std::int64_t number) {
        std::string text;
        const Found found = replica.read({0, Key::of(number)}, [&](const Replica::Held& held) {
            text = std::to_string(held.version) + " " + hex(held.booked);
        });
        return found == Found::kFound ? text : found == Found::kNoListing ? "none" : "unknown";
    }

    void answer(const std::string& line) {
        std::istringstream words(line);
        std::string command;
        words >> command;
        if (command == "state") {
            static constexpr const char* kWords[] = {"loading", "streaming", "broken"};
            const auto from = wire::format_from({feed_.epoch(), feed_.position()});
            std::printf("%s %llu %lld %s %llu %llu %zu\n", kWords[static_cast<int>(feed_.state())],
                        static_cast<unsigned long long>(feed_.epoch()), static_cast<long long>(feed_.as_of()),
                        from.c_str(), static_cast<unsigned long long>(feed_.counters().snapshots),
                        static_cast<unsigned long long>(feed_.counters().streams), replica_.listings());
        } else if (command == "get") {
            std::int64_t number = 0;
            words >> number;
            std::printf("%s\n", held(replica_, number).c_str());
        } else if (command == "all") {
            std::int64_t first = 0;
            std::int64_t last = -1;
            words >> first >> last;
            for (; first <= last; ++first)
                if (const std::string text = held(replica_, first); text != "none")
                    std::printf("%lld %s\n", static_cast<long long>(first), text.c_str());
            std::printf(".\n");
        } else if (command == "search") {
            SetQuery query;
            std::int64_t after = 0;
            words >> query.from >> query.to >> query.nights >> query.limit;
            if (words >> after)
                query.after = Key::of(after);
            const SetAnswer answer = replica_.search(query);
            std::printf("%llu", static_cast<unsigned long long>(answer.count));
            for (const std::string& listing : answer.listings)
                std::printf(" %s", listing.c_str());
            std::printf("\n");
        } else {
            std::printf("what?\n");
        }
    }

    asio::io_context& io_;
    asio::posix::stream_descriptor input_;
    asio::streambuf buffer_;
    Replica replica_;
    Feed feed_;
};

} // namespace

int main(int count, char** words) {
    if (count < 3)
        return 2;
    spdlog::set_level(spdlog::level::off); // the log would come between the answers
    FeedOptions options;
    options.tables = {words[1]};
    options.relays.assign(words + 2, words + count);
    asio::io_context io(1);
    Tool tool(io, std::move(options));
    io.run();
    return 0;
}

// A program with the reader in it, as docs/service.md shows it: prints whether a listing is free.
// Arguments: the relay's host:port, the calendar companion, the listing's number, check-in and check-out as days since
// 1970-01-01.
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "service/reader/reader.hpp"

namespace reader = availability::reader;

int main(int count, char** arguments) {
    if (count != 6)
        return 2;
    boost::asio::io_context io;
    reader::FeedOptions options;
    options.relays = {arguments[1]};
    options.tables = {arguments[2]};
    reader::Replica replica(options.tables.size());
    reader::Feed feed(io, options, &replica);
    reader::Reader::Tiers tiers;
    tiers.replica = &replica;
    tiers.feed = &feed;
    reader::Reader reader(io, {}, tiers);
    reader.start();
    feed.start();
    std::thread loop([&] { io.run(); });

    // From here on any thread asks, without a lock that another reader waits for, and without a copy.
    const reader::Listing listing{0, reader::Key::of(std::atoll(arguments[3]))};
    const availability::DaySpan stay{std::atoi(arguments[4]), std::atoi(arguments[5])};
    const auto look = [&](const reader::Answer& answer) {
        if (answer.outcome == reader::Answer::Outcome::kNoListing)
            std::puts("no such listing");
        else
            std::puts(answer.calendar.overlaps(stay) ? "taken" : "free");
    };
    // Until the replica is there, and whenever it is not fresh: ask read(), or later.
    while (!reader.read_now(listing, {}, look))
        std::this_thread::sleep_for(std::chrono::milliseconds(10));

    boost::asio::post(io, [&] {
        reader.stop();
        feed.stop();
    });
    loop.join();
}

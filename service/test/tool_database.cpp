// For tests in other languages: the pool and what is asked by it, obeying lines of words with tabs between.
//
//   tool_database CONNINFO CONNECTIONS QUEUE TABLE…
//
//   read MS KEY…             a line a key: "found VERSION AS_OF HEX", "none AS_OF", "failed REASON". A KEY is
//                            TABLE:nNUMBER or TABLE:tHEX
//   book ACTION MS NAME=VALUE…   "ok RESERVATION HOLD VERSION REPLAYED RELEASED" or an error
//   query MS NAME TEXT       the rows, fields with "|" between, or an error
//   burst COUNT MS TEXT      so many at once: "KIND COUNT" of each kind, then the longest answer in milliseconds, and
//                            the longest that the loop stood still meanwhile
//   search MS TABLE FROM TO NIGHTS LIMIT AFTER KEY…   "COUNT MORE AS_OF", then a listing a line; or "failed REASON"
//   wait MS                  lets the loop run
//   state                    "NAME=VALUE …"
//   drain                    "drained"
//
// An error is "error KIND SENT SQLSTATE MESSAGE|DETAIL|CONSTRAINT". Each answer ends with a line ".".

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

#include "service/database/bookings.hpp"
#include "service/database/calendars.hpp"
#include "service/database/sets.hpp"

using namespace availability;
using namespace availability::database;
using Words = std::vector<std::string>;

namespace {

Words split(const std::string& line) {
    Words words(1);
    for (const char c : line)
        if (c == '\t')
            words.emplace_back();
        else
            words.back() += c;
    return words;
}

std::string hex(const std::string& bytes) {
    std::string text;
    char digits[3];
    for (const unsigned char c : bytes) {
        std::snprintf(digits, sizeof digits, "%02x", c);
        text += digits;
    }
    return text;
}

const char* word_of(QueryError::Kind kind) {
    const char* const words[] = {"none", "server", "overloaded", "unreachable", "timeout", "lost"};
    return words[static_cast<int>(kind)];
}

std::string error_line(const QueryError& error) {
    return std::string("error ") + word_of(error.kind) + (error.sent ? " sent " : " unsent ") +
           (error.sqlstate.empty() ? "-" : error.sqlstate) + " " + error.message + "|" + error.detail + "|" +
           error.constraint;
}

reader::OwnedListing listing_of(const std::string& word) {
    const std::size_t colon = word.find(':');
    reader::OwnedListing listing;
    listing.table = static_cast<std::uint16_t>(std::atoi(word.c_str()));
    listing.is_text = word[colon + 1] == 't';
    if (listing.is_text)
        read_hex(word.substr(colon + 2), &listing.text);
    else
        listing.number = std::atoll(word.c_str() + colon + 2);
    return listing;
}

class Tool {
  public:
    Tool(PoolOptions options, std::vector<std::string> names)
        : pool_(io_, std::move(options)), tables_(pool_, std::move(names)), calendars_(io_, pool_, tables_),
          sets_(pool_, tables_), bookings_(pool_) {
        pool_.start();
    }

    void obey(const Words& words) {
        const std::string& command = words[0];
        done_ = false;
        if (command == "read")
            read(words);
        else if (command == "book")
            book(words);
        else if (command == "query")
            query(words);
        else if (command == "burst")
            burst(words);
        else if (command == "search")
            search(words);
        else if (command == "wait")
            wait(words);
        else if (command == "state")
            state();
        else if (command == "drain")
            pool_.drain([this] { say("drained"); });
        while (!done_) {
            io_.run_one_for(std::chrono::milliseconds(100));
            if (io_.stopped())
                io_.restart();
        }
        std::cout << "." << std::endl;
    }

  private:
    void say(const std::string& line) {
        std::cout << line << "\n";
        done_ = true;
    }
    static Clock::time_point deadline(const std::string& milliseconds) {
        return Clock::now() + std::chrono::milliseconds(std::atoi(milliseconds.c_str()));
    }

    void read(const Words& words) {
        std::vector<reader::OwnedListing> listings;
        for (std::size_t i = 2; i < words.size(); i++)
            listings.push_back(listing_of(words[i]));
        bool returned = false;
        calendars_.read(listings, deadline(words[1]), [this, &returned](std::vector<reader::TierAnswer> answers) {
            if (!returned)
                std::cout << "answered from within the call\n";
            for (const auto& answer : answers) {
                switch (answer.kind) {
                case reader::TierAnswer::Kind::kFound:
                    say("found " + std::to_string(answer.version) + " " + std::to_string(answer.as_of) + " " +
                        hex(answer.booked));
                    break;
                case reader::TierAnswer::Kind::kNoListing:
                    say("none " + std::to_string(answer.as_of));
                    break;
                default:
                    say("failed " + answer.reason);
                }
            }
            done_ = true;
        });
        returned = true;
        while (!done_) {
            io_.run_one_for(std::chrono::milliseconds(100));
            if (io_.stopped())
                io_.restart();
        }
    }

    void book(const Words& words) {
        const std::map<std::string, BookingRequest::Action> actions = {
            {"book", BookingRequest::Action::kBook},       {"move", BookingRequest::Action::kMove},
            {"cancel", BookingRequest::Action::kCancel},   {"hold", BookingRequest::Action::kHold},
            {"confirm", BookingRequest::Action::kConfirm}, {"release", BookingRequest::Action::kRelease}};
        BookingRequest request;
        request.action = actions.at(words[1]);
        request.deadline = deadline(words[2]);
        for (std::size_t i = 3; i < words.size(); i++) {
            const std::size_t equals = words[i].find('=');
            const std::string name = words[i].substr(0, equals), value = words[i].substr(equals + 1);
            if (name == "reservations")
                request.reservations = value;
            else if (name == "listing")
                request.listing = value;
            else if (name == "listing_hex")
                read_hex(value, &request.listing);
            else if (name == "reservation")
                request.reservation = value;
            else if (name == "hold")
                request.hold = value;
            else if (name == "check_in")
                request.check_in = value;
            else if (name == "check_out")
                request.check_out = value;
            else if (name == "key")
                request.idempotency_key = value;
            else if (name == "attributes")
                request.attributes = value;
            else if (name == "ttl")
                request.ttl = value;
            else if (name == "traceparent")
                request.traceparent = value;
        }
        bookings_.submit(std::move(request), [this](BookingAnswer answer) {
            say(answer.error
                    ? error_line(answer.error)
                    : "ok " + answer.reservation + " " + answer.hold + " " + std::to_string(answer.version) +
                          (answer.replayed ? " replayed" : " new") + (answer.released ? " released" : " kept"));
        });
    }

    void query(const Words& words) {
        Query query;
        query.deadline = deadline(words[1]);
        query.name = words[2];
        query.text = words[3];
        pool_.submit(std::move(query), [this](QueryResult result) {
            if (result.error)
                return say(error_line(result.error));
            for (const auto& row : result.rows) {
                std::string line;
                for (const auto& field : row)
                    line += (line.empty() ? "" : "|") + field.value_or("NULL");
                say(line);
            }
            done_ = true;
        });
    }

    void burst(const Words& words) {
        const auto begin = Clock::now();
        int left = std::atoi(words[1].c_str());
        std::map<std::string, int> kinds;
        Clock::duration longest{}, still{};
        auto last = begin;
        boost::asio::steady_timer ticker(io_);
        std::function<void()> tick = [&] {
            ticker.expires_after(std::chrono::milliseconds(2));
            ticker.async_wait([&](const boost::system::error_code& error) {
                if (error)
                    return;
                still = std::max(still, Clock::now() - last);
                last = Clock::now();
                tick();
            });
        };
        tick();
        for (int i = left; i > 0; i--) {
            Query query;
            query.deadline = deadline(words[2]);
            query.text = words[3];
            pool_.submit(std::move(query), [&](QueryResult result) {
                kinds[word_of(result.error.kind)]++;
                longest = std::max(longest, Clock::now() - begin);
                left--;
            });
        }
        while (left > 0)
            io_.run_one_for(std::chrono::milliseconds(100));
        ticker.cancel();
        io_.poll();
        for (const auto& [kind, count] : kinds)
            say(kind + " " + std::to_string(count));
        const auto ms = [](Clock::duration time) {
            return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
        };
        say("longest " + ms(longest));
        say("still " + ms(still));
    }

    void search(const Words& words) {
        reader::SetQuery query;
        std::vector<reader::OwnedListing> keys;
        query.table = static_cast<std::uint16_t>(std::atoi(words[2].c_str()));
        query.from = std::atoi(words[3].c_str());
        query.to = std::atoi(words[4].c_str());
        query.nights = std::atoi(words[5].c_str());
        query.limit = static_cast<std::size_t>(std::atoi(words[6].c_str()));
        const reader::OwnedListing after = words[7].empty() ? reader::OwnedListing() : listing_of(words[7]);
        if (!words[7].empty())
            query.after = after.view().key;
        for (std::size_t i = 8; i < words.size(); i++)
            keys.push_back(listing_of(words[i]));
        for (const auto& key : keys)
            query.among.push_back(key.view().key);
        sets_.search(std::move(query), deadline(words[1]), [this](reader::SetAnswer answer) {
            if (!answer.available)
                return say("failed " + std::string(answer.reason));
            say(std::to_string(answer.count) + (answer.more ? " more " : " all ") + std::to_string(answer.as_of));
            for (const std::string& listing : answer.listings)
                say(listing);
        });
    }

    void wait(const Words& words) {
        const auto end = deadline(words[1]);
        while (Clock::now() < end) {
            io_.run_one_for(std::chrono::milliseconds(10));
            if (io_.stopped())
                io_.restart();
        }
        done_ = true;
    }

    void state() {
        const Pool::State state = pool_.state();
        say("connections=" + std::to_string(state.connections) + " busy=" + std::to_string(state.busy) +
            " queued=" + std::to_string(state.queued) + " breaker=" + std::to_string(state.breaker) +
            " prepares=" + std::to_string(state.prepares) + " connects=" + std::to_string(state.connects) +
            " losses=" + std::to_string(state.losses) + " trips=" + std::to_string(state.trips) +
            " usable=" + std::to_string(pool_.usable()) + " trouble=" + state.last_trouble);
    }

    boost::asio::io_context io_;
    Pool pool_;
    Tables tables_;
    Calendars calendars_;
    Sets sets_;
    Bookings bookings_;
    bool done_ = false;
};

} // namespace

int main(int count, char** arguments) {
    if (count < 4)
        return 2;
    spdlog::set_level(std::getenv("SERVICE_TEST_LOG") != nullptr ? spdlog::level::debug : spdlog::level::off);
    PoolOptions options;
    options.conninfo = arguments[1];
    options.connections = static_cast<std::size_t>(std::atoi(arguments[2]));
    options.max_queue = static_cast<std::size_t>(std::atoi(arguments[3]));
    options.connect_timeout = std::chrono::milliseconds(1000);
    Tool tool(options, std::vector<std::string>(arguments + 4, arguments + count));
    for (std::string line; std::getline(std::cin, line);)
        tool.obey(split(line));
    return 0;
}

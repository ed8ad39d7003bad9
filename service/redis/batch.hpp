// A read of many listings while it is under way.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "service/database/breaker.hpp"
#include "service/redis/entries.hpp"

namespace availability::shared_cache {

// The listings of a batch that one master has, and one relay writes.
struct Group {
    std::string node;
    std::string record_prefix;
    std::vector<std::size_t> places;
    database::Breaker::Ticket ticket;
    std::size_t unanswered = 0;
    bool failed = false;
    Epoch epoch = 0; // of the record; 0: there is none
    std::int64_t as_of = 0;
};

struct Batch {
    explicit Batch(boost::asio::io_context& io) : timer(io) {}

    std::vector<reader::OwnedListing> listings;
    std::vector<std::string> keys;
    std::vector<reader::TierAnswer> answers;
    std::vector<Verdict> verdicts;
    std::vector<Group> groups;
    bool lease = false;
    reader::Clock::time_point deadline;
    reader::TierAnswered done;
    boost::asio::steady_timer timer;
    std::size_t left = 0; // answers that are still to come, in this round trip
    bool finished = false;
};
using BatchPtr = std::shared_ptr<Batch>;

} // namespace availability::shared_cache

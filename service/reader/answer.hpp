// What is asked of the reader, and what it answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "extension/core/dayset_view.hpp"
#include "relay/event.hpp"

namespace availability::reader {

using Clock = std::chrono::steady_clock;
using relay::Epoch;
using relay::Key;

// A listing of one of the tables that the reader was given, by their numbers in that order. The key is a view of the
// caller's.
struct Listing {
    std::uint16_t table = 0;
    Key key;
};

// Where an answer comes from.
enum class Source : std::uint8_t { kReplica, kL1, kL2, kDatabase };
// "replica", "l1", "l2", "database".
std::string_view word_of(Source source);

// Versions are positive: every calendar has one that is no older than this.
inline constexpr std::int64_t kAnyVersion = 0;

struct ReadOptions {
    // The calendar must be of this version or a newer one: a caller who has just booked reads what it wrote.
    std::int64_t min_version = kAnyVersion;
    // No answer by then is kUnavailable.
    Clock::time_point deadline = Clock::time_point::max();
};

struct Answer {
    enum class Outcome : std::uint8_t {
        kFound,
        kNoListing,   // there is no such listing, as far as is known as of `as_of`
        kUnavailable, // no tier could tell
    };

    Outcome outcome = Outcome::kUnavailable;
    Source source = Source::kDatabase;
    // Older than the bound that the reader keeps (ReaderOptions::max_age), and every fresher tier failed.
    bool stale = false;
    // A listing that many ask for: what is kept of it ends sooner and is renewed before.
    bool hot = false;
    Epoch epoch = 0; // of the relay that wrote it; 0 from the database
    std::int64_t version = kAnyVersion;
    // Everything that committed up to here is in it: microseconds since 1970 by the database's clock. The age of the
    // answer counts from it.
    std::int64_t as_of = 0;
    std::string_view
        booked;          // kFound: the stored bytes of a valid day set; valid during the call that brings the answer
    DaysetView calendar; // kFound: the same, to be asked
    std::string_view reason; // kUnavailable: for people
};

using Answered = std::function<void(const Answer&)>;
// One answer for each listing that was asked for, in their order.
using AllAnswered = std::function<void(const std::vector<Answer>&)>;

// --- sets of listings ------------------------------------------------------------------------------------------------

// Which listings are free: for a stay [from, to), or, with `nights`, for any stay of so many nights within [from, to).
struct SetQuery {
    std::uint16_t table = 0;
    Day from = 0;
    Day to = 0;
    int nights = 0; // 0: for all of [from, to)
    // Among these; all of the table if there are none.
    std::vector<Key> among;
    std::size_t limit = 100;
    // Only listings after this one, in the order of the answer: numbers by value, texts by their bytes. None: from the
    // first.
    Key after;
};

struct SetAnswer {
    bool available = false; // else no tier could tell
    Source source = Source::kDatabase;
    bool stale = false;
    std::int64_t as_of = 0;
    std::vector<std::string> listings; // in their text form, at most `limit`
    std::uint64_t count = 0;           // of all that are free, beyond limit and `after`
    bool more = false;
    // Listings that were left out, since nothing is known of their calendars: another tier may know.
    std::uint64_t unknown = 0;
    std::string_view reason;
};

} // namespace availability::reader

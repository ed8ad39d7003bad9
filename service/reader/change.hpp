// What the stream of a relay brings, and how that went.
#pragma once

#include <cstdint>
#include <string_view>

#include "relay/event.hpp"
#include "service/reader/answer.hpp"

namespace availability::reader {

// One change that the stream brought. Views are valid during the call.
struct Change {
    relay::EventKind kind = relay::EventKind::kUpdated;
    Listing listing;                    // key.empty(): nothing is known of which (kUnreadable)
    std::int64_t version = kAnyVersion; // 0 of kUnreadable
    std::string_view booked;            // empty of kUnreadable
    relay::Position position;
    std::int64_t at = 0; // of the commit
};

struct FeedCounters {
    std::uint64_t snapshots = 0; // taken whole
    std::uint64_t streams = 0;   // begun
    std::uint64_t losses = 0;    // of a stream that had begun
    std::uint64_t failures = 0;  // attempts that came to nothing
    std::uint64_t events = 0;
    std::uint64_t unreadable = 0;    // among them
    std::uint64_t broken_frames = 0; // what could not be read, or broke the order
};

} // namespace availability::reader

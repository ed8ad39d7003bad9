// The listings that are refreshed before they expire: those of a file, and those that readers ask for most.
//
// Readers count by themselves and add what they counted, from time to time, to a sorted set beside the records: ZINCRBY
// R"hot" n P{LISTING}. The relay takes the first N, halves all scores and forgets the rest, so that it is always about
// the last few minutes.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "relay/redis/client.hpp"
#include "relay/sink.hpp"

namespace availability::relay::redis {

struct HotOptions {
    std::size_t count = 0; // N; 0 for none
    std::string
        file; // one listing a line: a key P{LISTING}, or a listing of the first table; counted by readers if empty
    // Less than the shortest life of a key.
    std::chrono::milliseconds interval{240000};
};

// "avail:v3:relay:hot"
inline constexpr const char* kHotSuffix = "hot";

class HotListings {
  public:
    HotListings(Client& client, HotOptions options, std::string key, std::vector<std::string> prefixes)
        : client_(client), options_(std::move(options)), key_(std::move(key)), prefixes_(std::move(prefixes)),
          is_number_(prefixes_.size(), Guess::kUnknown) {
        reload(options_.file);
    }

    // Of what kind the listings of a table are, as its events show.
    void learn(const Event& event) {
        if (event.table < is_number_.size() && !event.listing.empty())
            is_number_[event.table] = event.listing.kind == Key::Kind::kNumber ? Guess::kNumber : Guess::kText;
    }
    bool is_on() const { return options_.count > 0; }
    bool is_due(Clock::time_point now) const { return is_on() && now - refreshed_ >= options_.interval; }
    void reload(const std::string& file);
    // Asks the feed for the newest calendars of all.
    void refresh(Feed* feed);

    // Reads a line of the file or a member of the sorted set; false if it is none.
    bool read_member(const std::string& member, ListingName* name) const;

  private:
    enum class Guess : std::uint8_t { kUnknown, kNumber, kText };

    Client& client_;
    HotOptions options_;
    std::string key_;
    std::vector<std::string> prefixes_;
    std::vector<Guess> is_number_;
    std::vector<std::string> lines_;
    Clock::time_point refreshed_{};
};

} // namespace availability::relay::redis

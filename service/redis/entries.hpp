// What Redis answers as what the reader asks for, and fills as commands; no connection, no time but what is given.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "relay/layout.hpp"
#include "relay/redis/reply.hpp"
#include "service/reader/tier.hpp"
#include "service/redis/table.hpp"

namespace availability::shared_cache {

using reader::Epoch;

// The months that are kept: from the one before the current one on.
struct Window {
    layout::Month first = 0;
    int count = 0;

    static Window at(Day today, int months);
    DaySpan days() const;
};

// What an entry is to a reader of an epoch.
enum class Verdict : std::uint8_t {
    kFound, // *answer has it
    kTombstone,
    kNothing,    // nobody has written it
    kLease,      // somebody reads it already
    kIncomplete, // months that are asked for are missing; in the epoch all the same
    kOtherEpoch,
    kBroken,
};

// `bytes` of P{LISTING} in the layout of calendars.
Verdict read_calendar(std::string_view bytes, Epoch epoch, reader::TierAnswer* answer);
// Of an MGET of P{LISTING}:version and all months of the window.
Verdict read_months(const relay::redis::Reply* values, std::size_t count, Window window, Epoch epoch,
                    reader::TierAnswer* answer);

// Appends P{LISTING} of a listing; false if it can have none.
bool append_key(const Table& table, const reader::OwnedListing& listing, std::string* key);
// All keys that are read of a listing, as arguments: P{LISTING}, or the version and the months.
void append_read_keys(layout::Layout layout, Window window, const std::string& key, std::vector<std::string>* keys);
// Where the entry stands.
std::string entry_key(layout::Layout layout, const std::string& key);
std::string token_bytes(std::uint64_t token);

struct Lives {
    std::int64_t entry = 0, months = 0; // in milliseconds; 0: no end
};
std::string fill_command(layout::Layout layout, Window window, const std::string& key, const reader::Fill& fill,
                         Lives lives);
std::string lease_command(layout::Layout layout, const std::string& key, Epoch epoch, std::uint64_t token,
                          std::int64_t life);

} // namespace availability::shared_cache

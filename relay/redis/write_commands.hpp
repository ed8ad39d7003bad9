// Events as the commands that write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "relay/event.hpp"
#include "relay/layout.hpp"

namespace availability::relay::redis {

struct KeyOptions {
    layout::Layout layout = layout::Layout::kCalendar;
    std::vector<std::string> prefixes; // by table
    std::chrono::milliseconds ttl{600000};
    double ttl_spread = 0.2; // 0 … 1, exclusive
    int months = 18;         // from the current one on, kept by kMonths; 1 … kMaxMonths - 1
};

class WriteCommands {
  public:
    explicit WriteCommands(KeyOptions options) : options_(std::move(options)) {}

    void set_epoch(Epoch epoch) { epoch_ = epoch; }
    // The current month and day, of which kMonths keeps the months: those from the last one on.
    void set_today(Day day);

    // What to do about an event: `full` writes all months even if the one before is known. Appends to *wire and tells
    // the slot. False if the listing has no keys, since its name is too long. Nothing is appended where nothing is to
    // do: an event without a listing.
    bool append(const Event& event, bool full, std::string* wire, std::uint16_t* slot);
    // Deletes what a listing has, to a miss.
    bool append_delete(const Event& event, std::string* wire, std::uint16_t* slot);

    // Whether append_group() may take it: a calendar in its layout.
    bool is_groupable(const Event& event) const;
    // One command for many calendars, to a server that is no cluster. False if the listing of one has no keys.
    bool append_group(const Event* const* events, std::size_t count, std::string* wire);

  private:
    bool append_listing(const Event& event);
    bool append_calendar(const Event& event, std::string* wire);
    bool append_months(const Event& event, bool full, std::string* wire);
    bool append_drop(const Event& event, std::string* wire);
    std::string_view entry_key();
    std::uint32_t all_months() const;
    std::int64_t life(); // of a key, by chance within the spread; 0 for no end
    std::int64_t longest_life() const;
    std::int64_t tombstone_life() const;
    std::int64_t months_life(layout::Month last);

    KeyOptions options_;
    Epoch epoch_ = 0;
    Day today_ = 0;
    layout::Month first_month_ = 0;
    std::uint64_t random_ = 0x9E3779B97F4A7C15U;
    // Kept for their memory.
    std::string listing_;
    std::string key_;
    std::string value_;
    std::string group_;
    std::string text_;
};

} // namespace availability::relay::redis

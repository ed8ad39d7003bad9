// The door for the decoder's messages: everything that an Event promises is checked here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "relay/event.hpp"

namespace availability::relay {

// Reads messages of decoder/event.proto. A field that it doesn't know is skipped, as the format allows.
class EventReader {
  public:
    // The configured calendar companions, as schema.table.
    explicit EventReader(const std::vector<std::string>& tables);

    // Reads one message; the event's views point into it. What cannot be read, or breaks a promise of the format,
    // becomes kUnreadable with a reason, and with its listing and its position as far as they are known: a message that
    // is malformed has no position.
    Event read(std::string_view message);

    // Whether the last message read was of a table that is none of the configured ones.
    bool is_of_other_table() const { return other_table_; }
    // Of the last message read, if it was kMessage.
    std::string_view prefix() const { return prefix_; }
    std::string_view content() const { return content_; }
    // Of the last message read, whatever it was: whether its transaction sends no other, and how many changes before it
    // the filter kept back.
    bool last() const { return last_; }
    std::uint64_t skipped() const { return skipped_; }

  private:
    const char* parse(std::string_view message, Event* event);
    const char* check(Event* event);

    std::vector<std::string> tables_; // quoted
    std::string last_name_;           // as messages write it, of last_table_
    std::uint16_t last_table_ = 0;
    std::string_view table_;
    bool other_table_ = false;
    std::string_view prefix_;
    std::string_view content_;
    bool last_ = false;
    std::uint64_t skipped_ = 0;
};

} // namespace availability::relay

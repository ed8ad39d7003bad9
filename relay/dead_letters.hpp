// Where events go that can't be delivered: a file of JSON lines, or the log.
#pragma once

#include <string>
#include <string_view>

#include "relay/event.hpp"

namespace availability::relay {

class DeadLetters {
  public:
    // `path` may be empty: then letters go to the log.
    explicit DeadLetters(std::string path) : path_(std::move(path)) {}
    ~DeadLetters();
    DeadLetters(const DeadLetters&) = delete;
    DeadLetters& operator=(const DeadLetters&) = delete;

    // Opens the file for appending; an error, empty if there is none. Again after it was rotated away.
    std::string open();
    void add(std::string_view sink, const std::string& table, const Event& event, std::string_view reason);

  private:
    std::string path_;
    int fd_ = -1;
};

// One line of JSON without its end: what the event says, and `raw`, its message in base64.
std::string format_dead_letter(std::string_view sink, const std::string& table, const Event& event,
                               std::string_view reason);
// The text as a JSON string, quotes included; bytes that are no UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

} // namespace availability::relay

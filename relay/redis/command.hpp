// Commands as Redis takes them: arrays of bulk strings.
//
// Written straight into the buffer that goes out, where hiredis's formatter would allocate each command and copy it
// twice: at a hundred thousand events a second this is the relay's warmest path but one.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace availability::relay::redis {

class Command {
  public:
    // Appends to *wire, which outlives it; as many arguments must follow.
    Command(std::string* wire, std::size_t arguments) : wire_(wire) { append_size('*', arguments); }
    // More arguments of one that has been begun.
    explicit Command(std::string* wire) : wire_(wire) {}

    Command& add(std::string_view argument) {
        append_size('$', argument.size());
        wire_->append(argument);
        wire_->append("\r\n", 2);
        return *this;
    }
    template <typename Integer, typename = std::enable_if_t<std::is_integral_v<Integer>>>
    Command& add(Integer number) {
        char text[20];
        const auto end = std::to_chars(text, text + sizeof text, number).ptr;
        return add(std::string_view(text, static_cast<std::size_t>(end - text)));
    }

  private:
    void append_size(char kind, std::size_t size) {
        char text[24];
        text[0] = kind;
        char* end = std::to_chars(text + 1, text + 21, size).ptr;
        *end++ = '\r';
        *end++ = '\n';
        wire_->append(text, static_cast<std::size_t>(end - text));
    }

    std::string* wire_;
};

// A whole command.
template <typename... Arguments>
std::string command(const Arguments&... arguments) {
    std::string wire;
    Command made(&wire, sizeof...(arguments));
    (made.add(arguments), ...);
    return wire;
}

} // namespace availability::relay::redis

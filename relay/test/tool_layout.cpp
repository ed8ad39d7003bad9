// For tests in other languages, which read and fill Redis as docs/redis.md tells:
//
//   tool_layout script NAME    the source of a script: lease, fill_calendar or fill_months
//   tool_layout tags           a line a slot: the tag of the record that a master has whose lowest slot it is

#include <cstdio>
#include <string>

#include "relay/layout.hpp"
#include "relay/redis/hash_slot.hpp"

namespace {

int script(const std::string& name) {
    using availability::layout::Script;
    const Script which = name == "lease"           ? Script::kLease
                         : name == "fill_calendar" ? Script::kFillCalendar
                                                   : Script::kFillMonths;
    const std::string_view source = availability::layout::source_of(which);
    std::fwrite(source.data(), 1, source.size(), stdout);
    return 0;
}

int tags() {
    for (unsigned slot = 0; slot < availability::relay::redis::kSlots; slot++)
        std::printf("%s\n", availability::relay::redis::tag_of_slot(static_cast<std::uint16_t>(slot)).c_str());
    return 0;
}

} // namespace

int main(int count, char** arguments) {
    const std::string command = count > 1 ? arguments[1] : "";
    if (command == "script" && count == 3)
        return script(arguments[2]);
    if (command == "tags" && count == 2)
        return tags();
    std::fprintf(stderr, "usage: tool_layout script NAME | tags\n");
    return 2;
}

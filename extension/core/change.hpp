// What happened to a calendar, as its row and its event say it.
#pragma once

namespace availability {

enum class Change { kCreated, kUpdated, kCancelled, kReset, kDropped };

inline constexpr const char* kChangeWords[] = {"created", "updated", "cancelled", "reset", "dropped"};

constexpr const char* change_word(Change change) {
    return kChangeWords[static_cast<int>(change)];
}

} // namespace availability

#include "relay/event.hpp"

#include <algorithm>
#include <cstring>

namespace availability::relay {

std::string_view word_of(EventKind kind) {
    switch (kind) {
    case EventKind::kCreated:
        return "created";
    case EventKind::kUpdated:
        return "updated";
    case EventKind::kCancelled:
        return "cancelled";
    case EventKind::kReset:
        return "reset";
    case EventKind::kDropped:
        return "dropped";
    case EventKind::kUnreadable:
        return "unreadable";
    case EventKind::kBegin:
        return "begin";
    case EventKind::kCommit:
        return "commit";
    case EventKind::kMessage:
        return "message";
    case EventKind::kCalendar:
        return "calendar";
    }
    return "unknown";
}

std::string_view Arena::copy(std::string_view bytes) {
    if (bytes.empty())
        return {};
    if (bytes.size() > left_) {
        const std::size_t chunk = std::max(bytes.size(), size_ == 0 ? std::size_t{4096} : kChunk);
        chunks_.emplace_back(new char[chunk]);
        next_ = chunks_.back().get();
        left_ = chunk;
        size_ += chunk;
    }
    char* place = next_;
    std::memcpy(place, bytes.data(), bytes.size());
    next_ += bytes.size();
    left_ -= bytes.size();
    return {place, bytes.size()};
}

} // namespace availability::relay

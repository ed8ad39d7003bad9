#include "service/reader/alarms.hpp"

#include <algorithm>
#include <utility>

namespace availability::reader {

bool Alarms::alive(Id id) const {
    const Slot& slot = slots_[(id & UINT32_MAX)];
    return slot.used && slot.turn == id >> 32;
}

void Alarms::release(std::size_t slot) {
    slots_[slot].used = false;
    slots_[slot].then = nullptr;
    ++slots_[slot].turn;
    free_.push_back(slot);
}

Alarms::Id Alarms::set(Clock::time_point when, std::function<void()> then) {
    std::size_t slot = slots_.size();
    if (free_.empty()) {
        slots_.emplace_back();
    } else {
        slot = free_.back();
        free_.pop_back();
    }
    slots_[slot].used = true;
    slots_[slot].then = std::move(then);
    const Id id = std::uint64_t{slots_[slot].turn} << 32 | slot;
    sweep();
    heap_.push_back({when, id});
    std::push_heap(heap_.begin(), heap_.end(), later);
    if (when < set_for_) {
        set_for_ = when;
        timing_.ring_at(when);
    }
    return id;
}

void Alarms::cancel(Id id) {
    if (id != 0 && alive(id))
        release(id & UINT32_MAX);
}

void Alarms::pop() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.pop_back();
}

// Most alarms are cancelled long before they are due.
void Alarms::sweep() {
    if (heap_.size() < 1024 || heap_.size() < size() * 2)
        return;
    heap_.erase(std::remove_if(heap_.begin(), heap_.end(), [this](const Due& due) { return !alive(due.id); }),
                heap_.end());
    std::make_heap(heap_.begin(), heap_.end(), later);
}

void Alarms::ring() {
    const Clock::time_point now = timing_.now();
    set_for_ = Clock::time_point::min(); // whatever is set meanwhile, the timer is set below
    while (!heap_.empty() && (heap_.front().when <= now || !alive(heap_.front().id))) {
        const Id id = heap_.front().id;
        pop();
        if (!alive(id))
            continue;
        const std::function<void()> then = std::move(slots_[id & UINT32_MAX].then);
        release(id & UINT32_MAX);
        then();
    }
    set_for_ = heap_.empty() ? Clock::time_point::max() : heap_.front().when;
    if (!heap_.empty())
        timing_.ring_at(set_for_);
}

void Alarms::clear() {
    for (std::size_t slot = 0; slot < slots_.size(); ++slot)
        if (slots_[slot].used)
            release(slot);
    heap_.clear();
}

} // namespace availability::reader

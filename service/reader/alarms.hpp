// Many alarms on one timer.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "service/reader/timing.hpp"

namespace availability::reader {

class Alarms {
  public:
    // 0 is none.
    using Id = std::uint64_t;

    explicit Alarms(Timing& timing) : timing_(timing) {}

    // Calls `then` once, later, at `when` or soon after.
    Id set(Clock::time_point when, std::function<void()> then);
    // Nothing happens if it has rung.
    void cancel(Id id);
    // Rings what is due; the timer calls it.
    void ring();
    void clear();
    std::size_t size() const { return slots_.size() - free_.size(); }

  private:
    struct Slot {
        std::uint32_t turn = 1; // so that the id of an alarm that rang is not that of the next in its slot
        bool used = false;
        std::function<void()> then;
    };
    struct Due {
        Clock::time_point when;
        Id id;
    };
    // Of std::push_heap: the earliest first.
    static bool later(const Due& a, const Due& b) { return a.when != b.when ? a.when > b.when : a.id > b.id; }

    bool alive(Id id) const;
    void release(std::size_t slot);
    void pop();
    void sweep();

    Timing& timing_;
    std::vector<Slot> slots_;
    std::vector<std::size_t> free_;
    std::vector<Due> heap_; // some are cancelled
    Clock::time_point set_for_ = Clock::time_point::max();
};

} // namespace availability::reader

// The queue before one sink: its Feed.
//
// Normal: batches in their order, taken by the sink, acknowledged in any order; `confirmed()` is the end of those
// acknowledged without a gap.
//
// When the queue is full and the sink stands still, it lags alone:
//   - a sink to which the newest calendars are enough keeps a bit a listing of what it missed, and gets these calendars
//   when it
//     works again (catching up);
//   - one that needs every event keeps what it has, and misses the rest; once it has taken what it had, it asks for a
//     replay from the slot (wants_replay).
// Meanwhile `confirmed()` stands, and with it the slot.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "relay/sink.hpp"
#include "relay/store.hpp"

namespace availability::relay {

// What a queue asks of the relay. All calls come from within calls of the sink or of the queue: they must not call back
// at once.
class QueueOwner {
  public:
    virtual ~QueueOwner() = default;
    virtual void on_progress() = 0; // something was taken or applied: room, positions or health may be others
    virtual void on_applied(const char* sink, const Batch& batch, std::int64_t taken_at) = 0;
    virtual void on_dead_letter(const char* sink, const Event& event, std::string_view reason) = 0;
    virtual void on_epoch_demanded(const char* sink, std::string_view reason) = 0;
};

class SinkQueue : public Feed {
  public:
    SinkQueue(const char* name, bool needs_every_event, std::size_t bound_bytes, const Store& store, QueueOwner& owner,
              std::function<void()> wake, std::function<std::int64_t()> now);

    // --- the relay's side ---

    // Drops everything. `all_calendars`: every calendar is given, and the position stands at `from` until that is done.
    void begin_epoch(Epoch epoch, std::uint64_t from, bool all_calendars);
    // A batch whose events come after those of all pushed before, or come again.
    void push(const BatchPtr& batch);
    // All up to there, a commit's end, has been pushed; `at` is the time of a heartbeat's commit, or 0.
    void pushed_up_to(std::uint64_t lsn, std::int64_t at);
    // A listing's calendar is to be given.
    void want(Slot slot);
    // The store has every calendar, and where the epoch began with all_calendars, all of them have been wanted.
    void end_load();

    bool full() const { return bytes_ >= bound_; }
    // Whether it has been full and still since before `since`, or the sink has told a problem.
    bool stalled(std::int64_t since) const { return full() && (!problem_.empty() || last_progress_ < since); }
    // It can't wait for the sink any longer: misses events from now on.
    void lag_alone();
    bool lags_alone() const { return missing_; }
    bool wants_replay() const { return missing_ && needs_every_event_ && entries_.empty(); }
    // The stream begins anew at `confirmed()`.
    void begin_replay();
    // No calendar is still to be given or under way, and nothing missed.
    bool complete() const { return !catching_up_ && !missing_; }
    bool idle() const { return complete() && entries_.empty() && wanted_count_ == 0 && calendars_taken_.empty(); }

    std::uint64_t confirmed() const { return frozen() ? frozen_at_lsn_ : confirmed_; }
    // Everything that anybody saw by this time, microseconds since 1970 by the database's clock, is applied; 0 if
    // unknown. The commit time of the last heartbeat (source/assembler.hpp says why that), which stands still for as
    // long as that clock is set back.
    std::int64_t as_of() const { return as_of_; }
    // Time of the oldest commit that is not applied; 0 if all are.
    std::int64_t oldest_at() const;
    std::size_t bytes() const { return bytes_; }
    std::size_t wanted() const { return wanted_count_; }
    std::uint64_t events_applied() const { return events_applied_; }
    const std::string& problem() const { return problem_; }
    const char* name() const { return name_; }

    // --- the sink's side ---

    BatchPtr next() override;
    void applied(const BatchPtr& batch) override;
    void rewind() override;
    void dead_letter(const Event& event, std::string_view reason) override;
    void demand_epoch(std::string_view reason) override;
    void set_problem(std::string_view problem) override;
    void request_calendars(const std::vector<ListingName>& listings) override;

  private:
    struct Entry {
        BatchPtr batch; // none: a position alone
        std::uint64_t lsn;
        std::int64_t at;    // of its first commit
        std::int64_t as_of; // of a heartbeat; 0 without
        std::int64_t taken_at;
        bool taken;
        bool applied;
    };

    bool frozen() const { return catching_up_ || missing_; }
    void freeze();
    void drop_untaken();
    void advance();
    void settle();
    BatchPtr next_calendars();

    const char* name_;
    bool needs_every_event_;
    std::size_t bound_;
    const Store& store_;
    QueueOwner& owner_;
    std::function<void()> wake_;
    std::function<std::int64_t()> now_;

    Epoch epoch_ = 0;
    std::deque<Entry> entries_;
    std::size_t next_ = 0; // the first that is not taken
    std::size_t bytes_ = 0;
    std::uint64_t confirmed_ = 0;
    std::int64_t as_of_ = 0;
    Position pushed_;

    bool missing_ = false;     // needs every event, and some were not kept
    bool catching_up_ = false; // the position waits for calendars
    bool loading_ = true;      // the store does not have every calendar yet
    std::uint64_t frozen_at_lsn_ = 0;
    std::int64_t frozen_at_ = 0; // time of the oldest commit of what was not kept

    std::vector<std::uint64_t> wanted_; // a bit a slot
    std::size_t wanted_count_ = 0;
    Slot cursor_ = 0;
    std::deque<ListingName> unknown_;
    std::vector<ListingName> asked_; // while the store is being loaded
    std::deque<BatchPtr> again_;
    std::vector<BatchPtr> calendars_taken_;

    std::int64_t last_progress_ = 0;
    std::uint64_t events_applied_ = 0;
    std::string problem_;
};

} // namespace availability::relay

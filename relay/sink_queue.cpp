#include "relay/sink_queue.hpp"

#include <algorithm>
#include <utility>

namespace availability::relay {

namespace {

constexpr std::size_t kCalendarsOfABatch = 256;

} // namespace

SinkQueue::SinkQueue(const char* name, bool needs_every_event, std::size_t bound_bytes, const Store& store,
                     QueueOwner& owner, std::function<void()> wake, std::function<std::int64_t()> now)
    : name_(name), needs_every_event_(needs_every_event), bound_(bound_bytes), store_(store), owner_(owner),
      wake_(std::move(wake)), now_(std::move(now)) {}

void SinkQueue::begin_epoch(Epoch epoch, std::uint64_t from, bool all_calendars) {
    epoch_ = epoch;
    entries_.clear();
    next_ = 0;
    bytes_ = 0;
    confirmed_ = from;
    as_of_ = 0;
    pushed_ = {};
    missing_ = false;
    frozen_at_lsn_ = from;
    frozen_at_ = all_calendars ? now_() : 0;
    catching_up_ = all_calendars;
    loading_ = true;
    asked_.clear();
    std::fill(wanted_.begin(), wanted_.end(), 0);
    wanted_count_ = 0;
    unknown_.clear();
    again_.clear();
    calendars_taken_.clear();
    last_progress_ = now_();
}

void SinkQueue::push(const BatchPtr& batch) {
    if (batch->events.empty())
        return;
    const Position last = batch->events.back().position;
    if (last <= pushed_ || batch->epoch != epoch_)
        return; // comes again for the sake of another sink
    if (missing_) {
        if (frozen_at_ == 0)
            frozen_at_ = batch->first_at;
        return;
    }
    pushed_ = last;
    entries_.push_back({batch, batch->lsn, batch->first_at, 0, 0, false, false});
    bytes_ += batch->bytes();
    wake_();
}

void SinkQueue::pushed_up_to(std::uint64_t lsn, std::int64_t at) {
    if (missing_)
        return;
    // Without a batch before it, a position is reached at once; after a position that waits, it takes its place.
    if (at == 0 && !entries_.empty() && entries_.back().batch == nullptr && entries_.back().at == 0)
        entries_.back().lsn = std::max(entries_.back().lsn, lsn);
    else
        entries_.push_back({nullptr, lsn, at, at, 0, true, true});
    if (entries_.size() - next_ == 1)
        ++next_;
    advance();
}

void SinkQueue::want(Slot slot) {
    const std::size_t word = slot / 64;
    if (word >= wanted_.size())
        wanted_.resize(std::max(word + 1, wanted_.size() * 2), 0);
    const std::uint64_t bit = std::uint64_t{1} << slot % 64;
    if ((wanted_[word] & bit) != 0)
        return;
    wanted_[word] |= bit;
    ++wanted_count_;
    cursor_ = std::min(cursor_, slot);
    if (wanted_count_ == 1)
        wake_();
}

void SinkQueue::end_load() {
    loading_ = false;
    request_calendars(std::exchange(asked_, {}));
    settle();
}

void SinkQueue::freeze() {
    if (frozen())
        return;
    frozen_at_lsn_ = confirmed_;
}

void SinkQueue::lag_alone() {
    freeze();
    if (needs_every_event_) {
        missing_ = true;
        frozen_at_ = 0;
        return;
    }
    if (frozen_at_ == 0 || !catching_up_)
        frozen_at_ = oldest_at();
    drop_untaken();
    catching_up_ = true;
}

// What was not taken becomes bits: the newest calendar of each listing will do.
void SinkQueue::drop_untaken() {
    while (entries_.size() > next_) {
        const Entry& entry = entries_.back();
        if (entry.batch != nullptr) {
            bytes_ -= entry.batch->bytes();
            for (const Event& event : entry.batch->events)
                if (const Slot slot = event.listing.empty() ? kNoSlot : store_.find(event.table, event.listing);
                    slot != kNoSlot)
                    want(slot);
            confirmed_ = std::max(confirmed_, entry.lsn); // as soon as the calendars are applied
        }
        entries_.pop_back();
    }
}

void SinkQueue::begin_replay() {
    missing_ = false;
    frozen_at_ = 0;
    last_progress_ = now_();
}

std::int64_t SinkQueue::oldest_at() const {
    if (frozen() && frozen_at_ != 0)
        return frozen_at_;
    for (const Entry& entry : entries_)
        if (!entry.applied && entry.at != 0)
            return entry.at;
    return 0;
}

BatchPtr SinkQueue::next() {
    while (next_ < entries_.size() && entries_[next_].taken)
        ++next_;
    if (next_ < entries_.size()) {
        Entry& entry = entries_[next_++];
        entry.taken = true;
        entry.taken_at = now_();
        return entry.batch;
    }
    BatchPtr batch;
    if (!again_.empty()) {
        batch = again_.front();
        again_.pop_front();
    } else {
        batch = next_calendars();
    }
    if (batch != nullptr)
        calendars_taken_.push_back(batch);
    return batch;
}

BatchPtr SinkQueue::next_calendars() {
    if (wanted_count_ == 0 && unknown_.empty())
        return nullptr;
    auto batch = std::make_shared<Batch>();
    batch->epoch = epoch_;
    for (std::size_t word = cursor_ / 64;
         word < wanted_.size() && wanted_count_ > 0 && batch->events.size() < kCalendarsOfABatch; ++word) {
        cursor_ = static_cast<Slot>(word * 64);
        while (wanted_[word] != 0 && batch->events.size() < kCalendarsOfABatch) {
            const auto slot = static_cast<Slot>(word * 64 + static_cast<std::size_t>(__builtin_ctzll(wanted_[word])));
            wanted_[word] &= wanted_[word] - 1;
            --wanted_count_;
            if (!store_.used(slot))
                continue;
            const Calendar calendar = store_.get(slot);
            Event& event = batch->events.emplace_back();
            // A tombstone would say that there is no such listing.
            event.kind = calendar.unknown   ? EventKind::kUnreadable
                         : calendar.dropped ? EventKind::kDropped
                                            : EventKind::kCalendar;
            event.table = calendar.table;
            event.listing = calendar.listing;
            event.listing.text = batch->arena.copy(calendar.listing.text);
            event.version = calendar.version;
            event.booked = batch->arena.copy(calendar.booked);
        }
    }
    if (wanted_count_ == 0)
        cursor_ = 0;
    for (; !unknown_.empty() && batch->events.size() < kCalendarsOfABatch; unknown_.pop_front()) {
        const ListingName& name = unknown_.front();
        Event& event = batch->events.emplace_back();
        event.kind = EventKind::kDropped;
        event.table = name.table;
        event.listing = name.key();
        event.listing.text = batch->arena.copy(name.text);
        event.version = kUnknownVersion;
    }
    if (batch->events.empty()) {
        settle();
        return nullptr;
    }
    return batch;
}

void SinkQueue::applied(const BatchPtr& batch) {
    if (batch == nullptr || batch->epoch != epoch_)
        return;
    const auto calendars = std::find(calendars_taken_.begin(), calendars_taken_.end(), batch);
    std::int64_t taken_at = 0;
    if (calendars != calendars_taken_.end()) {
        calendars_taken_.erase(calendars);
    } else {
        const auto entry =
            std::find_if(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(next_),
                         [&](const Entry& taken) { return taken.batch == batch && taken.taken && !taken.applied; });
        if (entry == entries_.begin() + static_cast<std::ptrdiff_t>(next_))
            return;
        entry->applied = true;
        taken_at = entry->taken_at;
        events_applied_ += batch->events.size();
    }
    last_progress_ = now_();
    if (taken_at != 0)
        owner_.on_applied(name_, *batch, taken_at);
    advance();
    settle();
    owner_.on_progress();
}

void SinkQueue::advance() {
    while (!entries_.empty() && entries_.front().applied) {
        const Entry& entry = entries_.front();
        confirmed_ = std::max(confirmed_, entry.lsn);
        if (!catching_up_) {
            frozen_at_lsn_ = confirmed_;
            // Heartbeats may come again.
            as_of_ = std::max(as_of_, entry.as_of);
        }
        if (entry.batch != nullptr)
            bytes_ -= entry.batch->bytes();
        entries_.pop_front();
        next_ -= next_ > 0;
    }
}

// Catching up ends when the last calendar is applied, and every batch before those that became calendars, though it may
// have to be taken once more.
void SinkQueue::settle() {
    if (!catching_up_ || loading_ || wanted_count_ > 0 || !calendars_taken_.empty() || !again_.empty())
        return;
    for (const Entry& entry : entries_)
        if (entry.batch != nullptr && !entry.applied && entry.lsn <= confirmed_)
            return;
    catching_up_ = false;
    frozen_at_ = 0;
    owner_.on_progress();
}

void SinkQueue::rewind() {
    for (Entry& entry : entries_)
        if (entry.batch != nullptr && !entry.applied)
            entry.taken = false;
    next_ = 0;
    for (BatchPtr& batch : calendars_taken_)
        again_.push_back(std::move(batch));
    calendars_taken_.clear();
}

void SinkQueue::dead_letter(const Event& event, std::string_view reason) {
    owner_.on_dead_letter(name_, event, reason);
}

void SinkQueue::demand_epoch(std::string_view reason) {
    owner_.on_epoch_demanded(name_, reason);
}

void SinkQueue::set_problem(std::string_view problem) {
    if (problem_ == problem)
        return;
    problem_ = std::string(problem);
    owner_.on_progress();
}

void SinkQueue::request_calendars(const std::vector<ListingName>& listings) {
    if (loading_) { // what the store doesn't have may be there, and what it has be of before
        asked_.insert(asked_.end(), listings.begin(), listings.end());
        return;
    }
    for (const ListingName& name : listings) {
        const Slot slot = store_.find(name.table, name.key());
        if (slot != kNoSlot)
            want(slot);
        else
            unknown_.push_back(name);
    }
    if (!unknown_.empty())
        wake_();
}

} // namespace availability::relay

#include "relay/fanout/ring.hpp"

#include <algorithm>

namespace availability::relay {

namespace {

// What an entry costs beside its bytes.
constexpr std::size_t kOverhead = 128;

} // namespace

void Ring::begin_epoch(Epoch epoch, std::uint64_t lsn) {
    first_number_ += entries_.size() + 1; // no number comes again
    entries_.clear();
    bytes_ = 0;
    epoch_ = epoch;
    last_ = {lsn, wire::kWholeCommit};
    lsn_ = lsn;
}

void Ring::push(std::string bytes, Position last) {
    bytes_ += bytes.size() + kOverhead;
    entries_.push_back({std::make_shared<const std::string>(std::move(bytes)), last_, last});
    last_ = last;
    while (bytes_ > bound_ && entries_.size() > 1) {
        bytes_ -= entries_.front().bytes->size() + kOverhead;
        entries_.pop_front();
        ++first_number_;
    }
}

void Ring::add(const Batch& batch) {
    std::string bytes;
    Position last = last_;
    for (const Event& event : batch.events) {
        if (event.position <= last)
            continue;
        wire::append_event(event.raw, &bytes);
        last = event.position;
    }
    if (bytes.empty())
        return;
    if (batch.lsn > lsn_) {
        lsn_ = batch.lsn;
        // Whether its last commit is whole.
        if (last.lsn <= lsn_) {
            wire::append_progress(lsn_, 0, &bytes);
            last = {lsn_, wire::kWholeCommit};
        }
    }
    push(std::move(bytes), last);
}

void Ring::add_progress(std::uint64_t lsn, std::int64_t as_of) {
    const Position whole{lsn, wire::kWholeCommit};
    // A time is news though the position is none: the events before a heartbeat have brought it.
    if (lsn < lsn_ || whole < last_ || (as_of == 0 && (lsn == lsn_ || whole == last_)))
        return;
    lsn_ = lsn;
    std::string bytes;
    wire::append_progress(lsn, as_of, &bytes);
    push(std::move(bytes), whole);
}

bool Ring::find(Position position, std::uint64_t* number) const {
    *number = first_number_ + entries_.size();
    if (last_ <= position)
        return true;
    // The last block before which the reader has everything.
    const auto after = std::upper_bound(entries_.begin(), entries_.end(), position,
                                        [](Position at, const Entry& entry) { return at < entry.before; });
    if (after == entries_.begin())
        return false;
    *number = first_number_ + static_cast<std::uint64_t>(after - entries_.begin()) - 1;
    return true;
}

Ring::Block Ring::get(std::uint64_t number, bool* gone) const {
    *gone = number < first_number_;
    if (*gone || number - first_number_ >= entries_.size())
        return nullptr;
    return entries_[number - first_number_].bytes;
}

} // namespace availability::relay

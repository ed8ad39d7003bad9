// The heartbeats of a stream that have not come back: how long it has been behind at least.
//
// They come back by their place in the WAL, not by what they say: when the stream has passed the place of one, it has
// brought all that was visible when that one was sent. A message with the relay's prefix may be another relay's, or an
// earlier one of this relay that was on its way for an hour, and says nothing of those after it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace availability::relay {

class Heartbeats {
  public:
    static constexpr std::size_t kMost = 1000;

    // One was sent, microseconds since 1970; the one before has been told or given up. Of many, every second, fourth, …
    // is kept, and the last one: a lag that is that long is told about as well by them.
    void sent(std::int64_t at) {
        if (waiting_.size() >= kMost)
            thin_out();
        if (last_is_extra_ && !waiting_.empty())
            waiting_.pop_back();
        waiting_.push_back({at, 0});
        last_is_extra_ = ++since_kept_ < stride_;
        if (!last_is_extra_)
            since_kept_ = 0;
    }
    // The server has told the place of the one sent last.
    void told(std::uint64_t lsn) {
        waiting_.back().lsn = lsn;
        heard(received_);
    }
    // It has not, and nobody knows whether that one is on its way.
    void given_up() { waiting_.pop_back(); }
    // The stream has brought all up to there.
    void heard(std::uint64_t lsn) {
        received_ = lsn > received_ ? lsn : received_;
        while (!waiting_.empty() && waiting_.front().lsn != 0 && waiting_.front().lsn < received_)
            waiting_.pop_front();
        if (waiting_.size() < kMost / 4)
            stride_ = 1;
    }
    // Another stream begins.
    void clear() {
        waiting_.clear();
        received_ = 0;
    }

    // When the oldest that has not come back was sent; 0 if all have.
    std::int64_t oldest_at() const { return waiting_.empty() ? 0 : waiting_.front().sent_at; }

  private:
    struct Heartbeat {
        std::int64_t sent_at;
        std::uint64_t lsn; // of its message; 0 until told
    };
    void thin_out() {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < waiting_.size(); i += 2)
            waiting_[kept++] = waiting_[i];
        waiting_.resize(kept);
        stride_ *= 2;
    }

    std::deque<Heartbeat> waiting_; // in their order
    std::uint64_t received_ = 0;
    std::uint64_t stride_ = 1;
    std::uint64_t since_kept_ = 0;
    bool last_is_extra_ = false;
};

} // namespace availability::relay

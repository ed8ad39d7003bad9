// The last events, as frames of relay/wire.hpp: a ring bounded in bytes that all subscribers read from.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "relay/event.hpp"
#include "relay/wire.hpp"

namespace availability::relay {

class Ring {
  public:
    using Block = std::shared_ptr<const std::string>;

    explicit Ring(std::size_t bound_bytes) : bound_(bound_bytes) {}

    // Empties it. What comes follows `lsn`.
    void begin_epoch(Epoch epoch, std::uint64_t lsn);
    // Adds the events that are new; those that come again are left out.
    void add(const Batch& batch);
    // All up to there has been added; `as_of` as in frame 03.
    void add_progress(std::uint64_t lsn, std::int64_t as_of);

    Epoch epoch() const { return epoch_; }
    std::uint64_t lsn() const { return lsn_; } // all up to there has been added
    Position last() const { return last_; }    // where it ends
    std::size_t bytes() const { return bytes_; }

    // The number of the first block for who has seen all up to a position; false if too old. The block may begin before
    // the position.
    bool find(Position position, std::uint64_t* number) const;
    // A block by its number: null if it has not come yet; *gone if it is no longer there.
    Block get(std::uint64_t number, bool* gone) const;

  private:
    struct Entry {
        Block bytes;
        Position before; // all up to there came earlier
        Position last;   // of its last event
    };
    void push(std::string bytes, Position last);

    std::size_t bound_;
    std::deque<Entry> entries_;
    std::uint64_t first_number_ = 0;
    std::size_t bytes_ = 0;
    Epoch epoch_ = 0;
    Position last_;
    std::uint64_t lsn_ = 0;
};

} // namespace availability::relay

// Follows a relay: takes the bytes of its snapshot and of its stream as they come, brings a replica up to them, and
// keeps watch that they hold what relay/wire.hpp promises. It knows nothing of connections.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "relay/source/event_reader.hpp"
#include "relay/wire.hpp"
#include "service/reader/change.hpp"

namespace availability::reader {

class Replica;

class Follower {
  public:
    class Events {
      public:
        virtual ~Events() = default;
        // The replica was begun to be loaded.
        virtual void loading() = 0;
        // The replica, or the position alone where there is none, holds good from here on, and did not before.
        virtual void replaced() = 0;
        virtual void changed(const Change& change) = 0;
        virtual void progress(std::int64_t as_of) = 0;
    };
    enum class Next : std::uint8_t {
        kMore,   // of the same
        kStream, // the snapshot is whole: the stream comes next
        kEnd,    // the relay has ended the stream
        kBroken, // what came is not to be believed: begin anew
    };

    // `replica` may be null.
    Follower(const std::vector<std::string>& tables, Replica* replica, Events& events);

    // Where to go on: the snapshot if there is no position and a replica to load; else the stream from the position, or
    // from now.
    bool wants_snapshot() const { return replica_ != nullptr && !has_position_; }
    bool has_position() const { return has_position_; }
    wire::StreamFrom from() const { return {epoch_, position_}; }
    // The relay does not have what follows the position.
    void lose_position() { has_position_ = false; }

    void begin_snapshot();
    Next take_snapshot(std::string_view bytes);
    void begin_stream();
    Next take_stream(std::string_view bytes);
    // Why it was kEnd or kBroken.
    const std::string& reason() const { return reason_; }

    // Whether the stream that was begun has said that it goes on from the position, and has brought the replica to
    // where its snapshot ended.
    bool streams() const { return greeted_ && caught_up_; }
    Epoch epoch() const { return epoch_; }
    relay::Position position() const { return position_; }
    const FeedCounters& counters() const { return counters_; }

  private:
    Next broken(std::string reason);
    Next header();
    bool hello();
    const char* event();
    const char* take(const relay::Event& event);
    const char* progress();

    const std::vector<std::string>& tables_;
    Replica* replica_;
    Events& events_;
    relay::EventReader event_reader_;
    wire::SnapshotReader snapshot_;
    wire::FrameReader frames_;
    std::vector<int> table_of_;      // by the relay's numbers; -1: none of ours
    std::uint64_t snapshot_lsn_ = 0; // where the last snapshot ended
    Epoch epoch_ = 0;
    relay::Position position_;
    bool has_position_ = false;
    bool caught_up_ = false;
    bool greeted_ = false; // by the stream that was begun
    bool went_on_ = false; // it has brought what is past the position that it was begun at
    std::string reason_;
    FeedCounters counters_;
};

} // namespace availability::reader

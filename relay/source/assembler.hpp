// From messages of the decoder to batches.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "relay/event.hpp"
#include "relay/source/event_reader.hpp"

namespace availability::relay {

// The prefix of the relay's heartbeats.
//
// They carry the one time that the relay tells as `as of`: the commit time of a heartbeat H. All that was visible to
// anybody at that time has come before H:
//   - The server takes a transaction's commit time before it writes the commit record. What was visible when it took
//     that of H had its commit record written by then, since a transaction becomes visible after that; so its record
//     lies before that of H, whatever its own commit time says.
//   - The decoder sends transactions in the order of their commit records.
// One with an earlier commit time may well come after H: it took the clock, then H took it and wrote, then it wrote.
// Nobody saw it before that, so it was not visible at the commit time of H.
//
// Other transactions don't do: one that a subscription applies has the commit time that its publisher says
// (pg_replication_origin_xact_setup), by another clock. Nor does a time taken after the heartbeat was sent, or the time
// of its coming back.
inline constexpr char kHeartbeatPrefix[] = "availability-relay";
// Position::seq of what is behind the last event of a transaction.
inline constexpr std::uint64_t kAtEnd = UINT64_MAX;

class BatchHandler {
  public:
    virtual ~BatchHandler() = default;
    // An event that has just been read, of a batch that on_batch() will bring: what the relay holds of the listing goes
    // into `previous`, whose bytes `arena` keeps. Called once an event, in their order.
    virtual void on_event(Event* event, Arena* arena) = 0;
    virtual void on_batch(BatchPtr batch) = 0;
    // Changes of a transaction did not come, or came in a message that nobody can read, before the event at the
    // position, or at its end where seq is kAtEnd. `lost`: how many, 0 where that is not known. The event's own
    // on_event() follows.
    virtual void on_loss(Position before, std::uint64_t lost) {
        static_cast<void>(before);
        static_cast<void>(lost);
    }
    // All up to there has come; `heartbeat_at` is the commit time of a heartbeat, else 0.
    virtual void on_position(std::uint64_t lsn, std::int64_t heartbeat_at) = 0;
};

class Assembler {
  public:
    Assembler(const std::vector<std::string>& tables, BatchHandler& handler);

    // The stream begins, anew perhaps; what was not flushed is forgotten.
    void begin(Epoch epoch);
    void take(std::string_view message);
    void take_keepalive(std::uint64_t lsn);
    // Hands over what has been gathered.
    void flush();
    bool pending() const { return batch_ != nullptr; }

  private:
    static constexpr std::size_t kMaxEvents = 256;
    static constexpr std::size_t kMaxBytes = 64 * 1024;

    void add(std::string_view message);
    void commit(const Event& frame);
    void check_sequence(const Event& event);
    void check_end();
    void check_placed(std::uint64_t lsn);

    EventReader reader_;
    BatchHandler& handler_;
    Epoch epoch_ = 0;
    std::shared_ptr<Batch> batch_;
    std::uint64_t lsn_ = 0; // end of the last transaction that is complete
    Position last_;         // of the last event
    bool in_transaction_ = false;
    std::int64_t heartbeat_at_ = 0;

    // Of the transaction that comes, to notice what does not come.
    std::uint64_t seq_ = 0;  // of its last event
    bool seq_known_ = true;  // not after an event that can't be placed
    bool open_end_ = false;  // something of it has come, and not its last message
    std::uint64_t open_ = 0; // its lsn
    bool unplaced_ = false;  // an event of it has no place
};

} // namespace availability::relay

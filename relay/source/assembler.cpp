#include "relay/source/assembler.hpp"

#include <algorithm>
#include <utility>

namespace availability::relay {

Assembler::Assembler(const std::vector<std::string>& tables, BatchHandler& handler)
    : reader_(tables), handler_(handler) {}

void Assembler::begin(Epoch epoch) {
    epoch_ = epoch;
    batch_ = nullptr;
    lsn_ = 0;
    last_ = {};
    in_transaction_ = false;
    heartbeat_at_ = 0;
    seq_ = 0;
    seq_known_ = true;
    open_end_ = false;
    unplaced_ = false;
}

void Assembler::take(std::string_view message) {
    // The kind is the first field. Frames and heartbeats are read where they are, events where they will stay.
    const bool is_frame = message.size() >= 2 && message[0] == 0x08 &&
                          message[1] >= static_cast<char>(EventKind::kBegin) &&
                          message[1] <= static_cast<char>(EventKind::kMessage);
    if (!is_frame)
        return add(message);
    const Event frame = reader_.read(message);
    switch (frame.kind) {
    case EventKind::kBegin:
        check_end();
        check_placed(std::max(last_.lsn, last_.lsn + 1)); // its commit did not come, either
        in_transaction_ = true;
        seq_ = 0;
        seq_known_ = true;
        break;
    case EventKind::kCommit:
        commit(frame);
        break;
    case EventKind::kMessage:
        open_end_ = !reader_.last();
        open_ = frame.position.lsn;
        if (reader_.prefix() == kHeartbeatPrefix)
            heartbeat_at_ = frame.at;
        break;
    default:
        add(message); // a frame that can't be read
    }
}

void Assembler::add(std::string_view message) {
    if (batch_ == nullptr) {
        batch_ = std::make_shared<Batch>();
        batch_->epoch = epoch_;
    }
    Event event = reader_.read(batch_->arena.copy(message));
    const bool is_frame =
        event.kind == EventKind::kBegin || event.kind == EventKind::kCommit || event.kind == EventKind::kMessage;
    if (is_frame || (event.position.lsn != 0 && event.position.seq != 0 && event.position <= last_)) {
        event.kind = EventKind::kUnreadable;
        event.reason = "out of order";
        event.position = {};
    }
    // Which listing has changed, or when, nobody can say.
    unplaced_ = unplaced_ || event.position.lsn == 0;
    check_sequence(event);
    // One whose position can't be read, or breaks the order, takes that of the event before it.
    if (event.position < last_)
        event.position = last_;
    last_ = event.position;
    handler_.on_event(&event, &batch_->arena);
    if (batch_->first_at == 0)
        batch_->first_at = event.at;
    batch_->events.push_back(event);
    if (batch_->events.size() >= kMaxEvents || batch_->arena.size() >= kMaxBytes)
        flush();
}

// The changes of a transaction count from 1, and `skipped` says which of them the filter kept back: what is lost
// beyond that was sent and did not come, or never was.
void Assembler::check_sequence(const Event& event) {
    const bool placed = event.position.lsn != 0;
    open_end_ = placed && !reader_.last();
    open_ = event.position.lsn;
    if (!placed) {
        seq_known_ = false;
        return;
    }
    const std::uint64_t seq = event.position.seq;
    if (seq == 0) // of a logical message
        return;
    // Subtractions alone, since nothing keeps the numbers from being as large as can be.
    const std::uint64_t step = seq - seq_;
    if (seq_known_ && seq > seq_ && step - 1 > reader_.skipped())
        handler_.on_loss(event.position, step - 1 - reader_.skipped());
    seq_ = seq;
    seq_known_ = true;
}

void Assembler::check_end() {
    if (open_end_)
        handler_.on_loss({open_, kAtEnd}, 0);
    open_end_ = false;
}

// What could not be placed is a change that did not come, known by the end of its transaction.
void Assembler::check_placed(std::uint64_t lsn) {
    if (unplaced_)
        handler_.on_loss({lsn, kAtEnd}, 0);
    unplaced_ = false;
}

void Assembler::commit(const Event& frame) {
    check_end();
    check_placed(frame.position.lsn);
    in_transaction_ = false;
    lsn_ = std::max(lsn_, frame.position.lsn);
    if (batch_ == nullptr || heartbeat_at_ != 0) {
        flush();
        handler_.on_position(lsn_, heartbeat_at_);
    }
    heartbeat_at_ = 0;
}

// Amid a transaction a keepalive says nothing of its events.
void Assembler::take_keepalive(std::uint64_t lsn) {
    if (in_transaction_ || lsn <= lsn_)
        return;
    lsn_ = lsn;
    flush();
    handler_.on_position(lsn_, 0);
}

void Assembler::flush() {
    if (batch_ == nullptr)
        return;
    batch_->lsn = lsn_;
    handler_.on_batch(std::exchange(batch_, nullptr));
}

} // namespace availability::relay

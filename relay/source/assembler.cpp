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
        in_transaction_ = true;
        break;
    case EventKind::kCommit:
        commit(frame);
        break;
    case EventKind::kMessage:
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
    if (is_frame || (event.kind != EventKind::kUnreadable && event.position <= last_)) {
        event.kind = EventKind::kUnreadable;
        event.reason = "out of order";
    }
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

void Assembler::commit(const Event& frame) {
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

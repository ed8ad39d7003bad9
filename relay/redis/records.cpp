#include "relay/redis/records.hpp"

#include <algorithm>

#include "relay/redis/command.hpp"
#include "relay/redis/scripts.hpp"

namespace availability::relay::redis {

void Records::begin(Epoch epoch, bool known) {
    round_++;
    epoch_ = epoch;
    ledger_.begin(epoch);
    done_.clear();
    under_way_.clear();
    due_.clear();
    masters_.clear();
    for (const Master& master : client_.masters())
        masters_[master.name] = master.lowest_slot;
    state_ = known ? State::kReading : State::kAnnouncing;
    client_.identify_masters();
    proceed();
}

std::string Records::key_of(const Master& master) const {
    std::string key;
    layout::append_record_key(prefix_, tag_of_slot(master.lowest_slot), &key);
    return key;
}

void Records::judge(const std::string& reason) {
    if (reason.empty() || state_ == State::kIdle || state_ == State::kDoubted)
        return;
    state_ = State::kDoubted;
    hooks_.doubt(reason);
}

void Records::identified(const std::string& node, const Identity& identity) {
    if (state_ == State::kIdle || state_ == State::kDoubted)
        return;
    judge(ledger_.identified(node, identity));
    if (state_ == State::kAnnounced && due_.erase(node) != 0 && under_way_.count(node) == 0)
        for (const Master& master : client_.masters())
            if (master.name == node)
                write(master);
    proceed();
}

void Records::map_changed() {
    std::map<std::string, std::uint16_t> masters;
    for (const Master& master : client_.masters())
        masters[master.name] = master.lowest_slot;
    masters.swap(masters_);
    for (const auto& [name, slot] : masters)
        if (masters_.count(name) == 0 && !client_.is_connected_to(name))
            judge(ledger_.vanished(name));
    proceed();
}

void Records::tick() {
    if (state_ != State::kAnnounced)
        return proceed();
    due_.clear();
    for (const Master& master : client_.masters())
        if (ledger_.knows(master.name))
            due_.insert(master.name);
    client_.identify_masters();
}

// Brings each master that has said who it is to the end of the state.
void Records::proceed() {
    if (state_ != State::kReading && state_ != State::kAnnouncing)
        return;
    const std::vector<Master> masters = client_.masters();
    bool complete = !masters.empty();
    for (const Master& master : masters) {
        if (done_.count(master.name) != 0)
            continue;
        complete = false;
        if (!ledger_.knows(master.name) || !client_.is_connected_to(master.name) || under_way_.count(master.name) != 0)
            continue;
        if (state_ == State::kReading)
            read(master);
        else
            write(master);
    }
    if (!complete)
        return;
    done_.clear();
    if (state_ == State::kReading) {
        state_ = State::kAnnouncing;
        return proceed();
    }
    state_ = State::kAnnounced;
    ledger_.settle();
    hooks_.announced();
}

void Records::read(const Master& master) {
    under_way_.insert(master.name);
    client_.submit_to(master.name, call(command("GET", key_of(master)), [this, round = round_, node = master.name](
                                                                            const Reply* reply, std::string_view) {
                          if (round == round_)
                              was_read(node, reply);
                      }));
}

void Records::was_read(const std::string& node, const Reply* reply) {
    under_way_.erase(node);
    if (state_ != State::kReading || reply == nullptr || reply->is_error())
        return; // once more with the next tick
    done_.insert(node);
    judge(ledger_.found(node, reply->text));
    proceed();
}

void Records::write(const Master& master) {
    const AppliedPosition position = hooks_.position();
    layout::Record record;
    record.epoch = epoch_;
    record.lsn = position.lsn;
    record.as_of = position.as_of;
    record.written = hooks_.now();
    record.run_id = ledger_.run_id(master.name);
    std::string bytes;
    layout::append_record(record, &bytes);
    under_way_.insert(master.name);
    // Before the answer it is unknown which record is there.
    client_.submit_to(master.name, call(command("EVALSHA", name_of(layout::Script::kRecord), 1, key_of(master), bytes),
                                        [this, round = round_, master, written = record.written](const Reply* reply,
                                                                                                 std::string_view) {
                                            if (round == round_)
                                                was_written(master, written, reply);
                                        }));
}

void Records::was_written(const Master& master, std::int64_t written, const Reply* reply) {
    under_way_.erase(master.name);
    if (reply == nullptr || reply->is_error())
        return; // once more with the next tick
    judge(ledger_.replaced(master.name, master.lowest_slot,
                           reply->type == Reply::Type::kString ? &reply->text : nullptr));
    if (state_ == State::kDoubted)
        return;
    ledger_.recorded(master.name, master.lowest_slot, written);
    if (state_ == State::kAnnouncing) {
        done_.insert(master.name);
        proceed();
    }
}

} // namespace availability::relay::redis

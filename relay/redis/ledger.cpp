#include "relay/redis/ledger.hpp"

namespace availability::relay::redis {

void Ledger::begin(std::uint64_t epoch) {
    epoch_ = epoch;
    settled_ = false;
    nodes_.clear();
}

std::string Ledger::identified(const std::string& name, const Identity& identity) {
    if (!identity.is_master)
        return {}; // what is asked of it goes to its master
    const auto found = nodes_.find(name);
    if (found == nodes_.end()) {
        nodes_[name].identity = identity;
        // A master that joins takes over slots by migration, unless it got them by a promotion.
        return settled_ && identity.was_replica ? name + " was promoted to a master" : std::string();
    }
    const Identity before = found->second.identity;
    found->second.identity = identity;
    if (before.run_id != identity.run_id)
        return name + " was started anew";
    // Of its own, a master takes a new history when its last replica has long gone, and has no old one then.
    if (before.replication_id != identity.replication_id && identity.was_replica)
        return name + " was a replica and promoted again";
    return {};
}

std::string Ledger::found(const std::string& name, std::string_view bytes) {
    layout::Record record;
    if (bytes.empty())
        return name + " has no record of this relay: it was emptied or replaced";
    if (layout::read_record(bytes, &record) != nullptr)
        return name + " has a record that can't be read";
    if (record.epoch != epoch_)
        return name + " has a record of another epoch";
    if (record.run_id != run_id(name))
        return name + " is not the process that the calendars were written to";
    return {};
}

std::string Ledger::replaced(const std::string& name, std::uint16_t slot, const std::string* bytes) {
    const auto found = nodes_.find(name);
    layout::Record record;
    const bool readable = bytes != nullptr && layout::read_record(*bytes, &record) == nullptr;
    if (readable && record.epoch > epoch_)
        return name + " has a record of a later epoch";
    if (found == nodes_.end() || !found->second.has_record || found->second.slot != slot)
        return {};
    if (bytes == nullptr)
        return name + " was emptied";
    if (!readable || record.epoch != epoch_ || record.written < found->second.written)
        return name + " was set back";
    return {};
}

void Ledger::recorded(const std::string& name, std::uint16_t slot, std::int64_t written) {
    Node& node = nodes_[name];
    node.has_record = true;
    node.slot = slot;
    node.written = written;
}

void Ledger::forget_record(const std::string& name) {
    if (const auto found = nodes_.find(name); found != nodes_.end())
        found->second.has_record = false;
}

std::string Ledger::vanished(const std::string& name) const {
    return settled_ && knows(name) ? name + " is gone" : std::string();
}

const std::string& Ledger::run_id(const std::string& name) const {
    static const std::string kNone;
    const auto found = nodes_.find(name);
    return found == nodes_.end() ? kNone : found->second.identity.run_id;
}

} // namespace availability::relay::redis

// Which masters the calendars of an epoch were written to: the judge of whether what Redis acknowledged is still there.
//
// Redis replicates behind its acknowledgements and writes to disk behind them, so that a process that was started anew,
// a replica that was promoted and a database that was emptied may all lack writes that were answered. None of them can
// say what is missing: a new epoch has to begin. A slot that migrates between masters loses nothing.
#pragma once

#include <map>
#include <string>

#include "relay/layout.hpp"
#include "relay/redis/identity.hpp"

namespace availability::relay::redis {

class Ledger {
  public:
    // A new epoch: nothing has been written in it anywhere.
    void begin(std::uint64_t epoch);

    // Each of the following returns an empty string, or why a new epoch must begin.

    // A node has said who it is. Those that are known once `settle` was called are the masters that the epoch was
    // written to.
    std::string identified(const std::string& node, const Identity& identity);
    void settle() { settled_ = true; }
    bool knows(const std::string& node) const { return nodes_.count(node) != 0; }

    // The record that a master has from before, read when the relay goes on with the epoch that it had when it ended.
    std::string found(const std::string& node, std::string_view record);
    // What had been there where a record was written, as the server says: `record` is null if nothing.
    std::string replaced(const std::string& node, std::uint16_t slot, const std::string* record);
    // A record was acknowledged.
    void recorded(const std::string& node, std::uint16_t slot, std::int64_t written);
    // Nothing can be said any more of what the record of this node was.
    void forget_record(const std::string& node);
    // A node has no slots any more, and no connection to it that would show that it lives.
    std::string vanished(const std::string& node) const;

    const std::string& run_id(const std::string& node) const;

  private:
    struct Node {
        Identity identity;
        bool has_record = false;
        std::uint16_t slot = 0;
        std::int64_t written = 0;
    };

    std::uint64_t epoch_ = 0;
    bool settled_ = false;
    std::map<std::string, Node> nodes_;
};

} // namespace availability::relay::redis

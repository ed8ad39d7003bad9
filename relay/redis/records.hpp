// Keeps the relay's record on every master, and by it and by who answers notices when an epoch has lost its ground.
//
//   begin(known) → [read the records: is it still the Redis of this epoch?] → write a record to each master →
//   announced() → a record to each, again and again
//
// doubt() is called at most once an epoch; after it nothing more happens until begin().
#pragma once

#include <functional>
#include <set>
#include <string>

#include "relay/event.hpp"
#include "relay/layout.hpp"
#include "relay/redis/client.hpp"
#include "relay/redis/ledger.hpp"

namespace availability::relay::redis {

// How far the sink is.
struct AppliedPosition {
    std::uint64_t lsn = 0;
    std::int64_t as_of = 0; // microseconds since 1970: everything that anybody saw by then is applied; 0: unknown
};

class Records {
  public:
    struct Hooks {
        std::function<void()> announced;               // every master has the record of this epoch
        std::function<void(const std::string&)> doubt; // a new epoch must begin
        std::function<AppliedPosition()> position;
        std::function<std::int64_t()> now; // microseconds since 1970
    };

    Records(Client& client, std::string prefix, Hooks hooks)
        : client_(client), prefix_(std::move(prefix)), hooks_(std::move(hooks)) {}

    void begin(Epoch epoch, bool known);
    // Of the client's listener.
    void identified(const std::string& node, const Identity& identity);
    void map_changed();
    // From time to time: asks who answers, and writes the record to each that does.
    void tick();

  private:
    enum class State : std::uint8_t { kIdle, kReading, kAnnouncing, kAnnounced, kDoubted };

    void proceed();
    void read(const Master& master);
    void write(const Master& master);
    void was_read(const std::string& node, const Reply* reply);
    void was_written(const Master& master, std::int64_t written, const Reply* reply);
    void judge(const std::string& reason);
    std::string key_of(const Master& master) const;

    Client& client_;
    std::string prefix_;
    Hooks hooks_;
    Ledger ledger_;
    State state_ = State::kIdle;
    Epoch epoch_ = 0;
    std::uint64_t round_ = 0; // answers of earlier epochs don't count
    std::map<std::string, std::uint16_t> masters_;
    std::set<std::string> done_; // in this state
    std::set<std::string> under_way_;
    // A record is to be written as soon as they have said who they are: one that was demoted and promoted again in
    // between must not be told to be fresh.
    std::set<std::string> due_;
};

} // namespace availability::relay::redis

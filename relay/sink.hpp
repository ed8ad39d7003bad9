// The interface between the relay and what it feeds.
//
// A sink pulls: it takes batches from its Feed as long as it has room in flight and tells the Feed when each of them is
// applied for good. The Feed is the sink's queue: bounded in bytes, kept by the relay, its own for each sink, so that a
// sink which stalls lags alone. All of it happens on the one event loop; no call blocks, no exception leaves one.
//
//   start(feed) → [begin_epoch(e) → { feed.next() … feed.applied(batch) }* ]* → stop(done)
//
// What a sink that stalled missed comes again: to one with needs_every_event() == false as the newest calendars of the
// listings that changed (kCalendar), to the other from the slot. Either way events may come more than once, and older
// ones after newer ones: a write never brings a listing back from a greater (epoch, version).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <prometheus/registry.h>

#include "relay/event.hpp"

namespace availability::relay {

// A listing of a configured table, with bytes of its own.
struct ListingName {
    std::uint16_t table = 0;
    bool is_number = false;
    std::int64_t number = 0;
    std::string text;

    Key key() const { return is_number ? Key::of(number) : Key::of(std::string_view(text)); }
    static ListingName of(std::uint16_t table, const Key& key) {
        return {table, key.kind == Key::Kind::kNumber, key.number, std::string(key.text)};
    }
};

// What a sink sees of the relay.
class Feed {
  public:
    virtual ~Feed() = default;

    // The next batch, or null if there is none now: Sink::wake() tells when there is one again. Batches taken but not
    // applied are the sink's to limit. After begin_epoch() come only batches of that epoch.
    virtual BatchPtr next() = 0;

    // The batch is applied for good: what it says will outlive the death of the relay and, as far as the sink's own
    // durability goes, its own. In any order; a batch of an epoch before is ignored.
    virtual void applied(const BatchPtr& batch) = 0;

    // The connection was lost, and what of the batches taken became is unknown: next() gives those that were not
    // applied once more, from the first on.
    virtual void rewind() = 0;

    // An event that the sink can never take, for example a value that is too large: it goes to the dead letters, and
    // counts as applied. The sink has deleted the listing's key if it can.
    virtual void dead_letter(const Event& event, std::string_view reason) = 0;

    // The sink may hold less than it acknowledged: another master answered, or an older copy of itself. A new epoch
    // begins, in which every calendar is given to it anew.
    virtual void demand_epoch(std::string_view reason) = 0;

    // Whether the sink works now; for health and metrics. `problem` is a static or short text for people, empty when it
    // works.
    virtual void set_problem(std::string_view problem) = 0;

    // Asks for the newest calendars of some listings (kCalendar); they come in batches by and by, once the relay has
    // every calendar. Listings that there aren't come as kDropped, with kUnknownVersion if there never were, and those
    // whose calendar nobody can read as kUnreadable.
    virtual void request_calendars(const std::vector<ListingName>& listings) = 0;
};

class Sink {
  public:
    virtual ~Sink() = default;

    // "redis", "kafka": the label of its metrics.
    virtual const char* name() const = 0;

    // Whether each event must arrive, or the newest calendar of each listing is enough.
    virtual bool needs_every_event() const = 0;

    // Once. The feed outlives the sink.
    virtual void start(Feed* feed) = 0;

    // A new epoch has begun: what was taken before is void and need not be acknowledged; the sink makes the epoch known
    // to its readers before it applies a batch of it. Batches follow: live events, and every calendar as kCalendar.
    // `known` says that the epoch is the one that the relay had before it was started anew: then no calendar is given
    // unasked.
    virtual void begin_epoch(Epoch epoch, bool known) = 0;

    // There may be something to take again.
    virtual void wake() = 0;

    // All that was taken has been applied or can't be now: lets connections go, then calls done once, within
    // `deadline_ms`.
    virtual void stop(std::function<void()> done) = 0;
};

// What a sink is made with: the event loop and where its metrics go. Logs go to spdlog's default logger.
struct SinkContext {
    boost::asio::io_context& io;
    prometheus::Registry& registry;
    // What the keys of each configured table begin with, such as "avail:v3:", by Event::table.
    std::vector<std::string> key_prefixes;
};

} // namespace availability::relay

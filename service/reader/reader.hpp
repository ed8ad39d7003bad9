// The reader: what a program asks for availability, whatever tier answers.
//
//   mode       tiers, in their order
//   replica    the replica → L2, if there is Redis → the database
//   near       L1, which the stream invalidates → L2 → the database
//   redis      L2 → the database
//   database   the database alone: the kill switch
//
// What holds in every mode:
//
//   - An answer that is not `stale` is not older than max_age: its as_of says so. A tier that can't promise that (the
//   stream is lost, or behind; Redis's record is
//     old) is passed over. If all fresher tiers fail, what memory has is given, marked `stale`, as long as it is
//     younger than max_stale.
//   - An answer is of min_version or newer; if no tier has it, the database tells.
//   - Concurrent misses of one listing are one query; misses within batch_delay go as one batch.
//
// Its loop's thread calls it; read_now() is for any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "service/reader/answer.hpp"
#include "service/reader/feed.hpp"
#include "service/reader/replica.hpp"
#include "service/reader/tier.hpp"
#include "service/reader/timing.hpp"

namespace availability::reader {

enum class Mode : std::uint8_t { kReplica, kNear, kRedis, kDatabase };
std::string_view word_of(Mode mode);
bool parse_mode(std::string_view word, Mode* mode);

// Which listings are read in which mode. A listing is in the canary's share by its hash: always the same ones.
struct Routing {
    Mode mode = Mode::kReplica;
    Mode canary = Mode::kReplica;
    double canary_share = 0;  // 0 … 1
    bool kill_switch = false; // all reads to the database
};

struct ReaderOptions {
    Routing routing;
    std::chrono::milliseconds max_age{500};
    std::chrono::milliseconds max_stale{60000};
    std::size_t l1_bytes = 64 << 20;
    std::chrono::milliseconds l1_ttl{60000};
    std::chrono::milliseconds l1_hot_ttl{30000};
    std::chrono::milliseconds unknown_ttl{1000}; // of listings that don't exist
    std::size_t hot_listings = 1000;
    // `near`: listings of table 0 that are read at the start, and refreshed before they expire. Those that look like
    // numbers are, unless the table's listings are texts.
    std::vector<std::string> warm;
    bool warm_is_text = false;
    std::chrono::microseconds batch_delay{1000};
    std::size_t max_batch = 256;
    std::chrono::milliseconds lease_wait{
        50};                         // how long to wait for another's fill before asking the database all the same
    std::size_t max_waiting = 10000; // reads that wait for a tier: more are refused
};

struct ReaderCounters {
    std::uint64_t by_source[4] = {}; // answers, by Source
    std::uint64_t stale = 0, unavailable = 0, coalesced = 0, batches = 0, refused = 0;
    std::uint64_t l1_hits = 0, l1_misses = 0, l1_evicted = 0, l1_rejected = 0, l1_invalidated = 0, refreshed = 0;
    std::uint64_t leases_granted = 0, leases_busy = 0, fills = 0, fills_dropped = 0;
    std::uint64_t min_version_misses = 0;
    // What is held now.
    std::uint64_t l1_entries = 0, l1_bytes = 0, waiting = 0;
};

class Reader {
  public:
    // What is null is not there. All outlive the reader. `replica` is fed by `feed`.
    struct Tiers {
        Replica* replica = nullptr;
        Feed* feed = nullptr;
        SharedCache* redis = nullptr;
        CalendarSource* database = nullptr;
        SetSource* sets = nullptr;
    };

    Reader(boost::asio::io_context& io, ReaderOptions options, Tiers tiers);
    // With a time of the caller's: tests move it.
    Reader(std::unique_ptr<Timing> timing, ReaderOptions options, Tiers tiers);
    // What waits is answered: it is unavailable.
    ~Reader();
    void start();
    void stop();

    // Calls `answered` once: before it returns if memory can tell, else later. It may call the reader again and stop
    // it, but not destroy it.
    void read(const Listing& listing, const ReadOptions& options, Answered answered);
    void read_many(const std::vector<Listing>& listings, const ReadOptions& options, AllAnswered answered);
    void search(SetQuery query, const ReadOptions& options, std::function<void(const SetAnswer&)> answered);

    // From the replica alone, uncounted, if the mode has it and it may tell; any thread. `look`: void(const Answer&).
    // False: ask read().
    template <typename Look>
    bool read_now(const Listing& listing, const ReadOptions& options, Look look) const {
        Answer answer;
        if (!begin_now(listing, &answer))
            return false;
        bool told = false;
        const Found found = replica_->read(listing, [&](const Replica::Held& held) {
            // What the replica held as of `as_of` it holds still, or newer, unless it is being loaded anew.
            if (held.version < options.min_version || !still_now())
                return;
            answer.version = held.version;
            answer.booked = held.booked;
            told = DaysetView::open(held.booked.data(), held.booked.size(), &answer.calendar);
            if (told)
                look(static_cast<const Answer&>(answer));
        });
        if (found == Found::kNoListing && options.min_version == kAnyVersion && still_now()) {
            answer.outcome = Answer::Outcome::kNoListing;
            look(static_cast<const Answer&>(answer));
            told = true;
        }
        return told;
    }

    void set_routing(const Routing& routing);
    Routing routing() const;

    // Whether the mode's first tier can tell: what /readyz says.
    bool ready() const;
    // How old what memory would tell is; negative: not known.
    std::chrono::microseconds age() const;
    const ReaderCounters& counters() const;

  private:
    struct Impl;

    // Whether the replica may tell of a listing; sets what is the same for all its answers.
    bool begin_now(const Listing& listing, Answer* answer) const;
    bool still_now() const;

    const Replica* replica_;
    std::shared_ptr<Impl> impl_;
};

} // namespace availability::reader

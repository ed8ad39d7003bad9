// Every calendar in memory, and for each day the set of listings that have it booked. One thread writes (the feed's),
// any thread reads.
//
// A read takes a shared lock, finds the listing, and lets the caller look at the bytes: no copy, no allocation. The
// lock lets a writer that waits go first: readers, however many, don't hold up the stream.
//
// A search judges 65,536 listings at a time and lets go of the lock in between. Each listing is judged by its calendar
// at some moment during the search, so none by one that is older than what the feed had told before: as_of() taken
// before the search holds for all of its answer.
//
// The sets of days are made from the calendars in slices, after a load, by work(); until then, and for days outside of
// them, searches look at the calendars themselves, which takes longer and gives the same answer.
#pragma once

#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string_view>

#include "service/reader/answer.hpp"
#include "service/reader/shared_lock.hpp"

namespace availability::reader {

struct ReplicaOptions {
    // Days, from yesterday on, that have a set of the listings that have them booked: at most 8 kB a day and 65,536
    // listings, whatever is booked.
    int set_days = 540;
};

// What a replica says of a listing.
enum class Found : std::uint8_t {
    kFound,
    kNoListing, // there is none
    kUnknown,   // nothing is known of it: its last event could not be read, or the load goes on. Ask another tier.
};

class Replica {
  public:
    explicit Replica(std::size_t tables, ReplicaOptions options = {});
    ~Replica();
    Replica(const Replica&) = delete;
    Replica& operator=(const Replica&) = delete;

    // --- readers: any thread -----------------------------------------------------------------------------------------

    // What is held of a listing. Views are valid while `look` runs, which must not call the replica.
    struct Held {
        std::int64_t version = kAnyVersion;
        std::string_view booked; // the stored bytes of a valid day set
    };
    // `look`: void(const Held&), called if the answer is kFound.
    template <typename Look>
    Found read(const Listing& listing, Look look) const {
        std::shared_lock<SharedLock> lock(lock_);
        Held held;
        const Found found = find(listing, &held);
        if (found == Found::kFound)
            look(static_cast<const Held&>(held));
        return found;
    }

    // `source` is kReplica; `as_of` and `stale` are for the reader to fill. Not available if the query makes no sense
    // (`reason`), or before the first load has ended. Listings of which nothing is known are left out and counted in
    // `unknown`. Allocates; throws std::bad_alloc.
    SetAnswer search(const SetQuery& query) const;

    std::size_t listings() const;   // that there are
    std::size_t tombstones() const; // that are gone or unknown, and remembered
    std::size_t bytes() const;      // of memory, about

    // --- the writer: listings are of one of the tables ---------------------------------------------------------------

    // Begins to take all calendars anew. Until end_load() the first that comes of a listing is taken over, whatever its
    // version, since what was known may be of another history; what has not come is as it was. A load that breaks off
    // is begun again.
    void begin_load();
    // All have come: listings of which nothing did are gone, as are the tombstones.
    void end_load();

    // False: what is held is as new, or newer; nothing done. `booked` is valid. A listing that is gone keeps its
    // version, so that an older state does not bring it back.
    bool apply(const Listing& listing, std::int64_t version, std::string_view booked);
    bool drop(const Listing& listing, std::int64_t version);
    // Nothing is known of it any more, until it is applied or dropped with whatever version: what comes after it in the
    // stream is newer than what could not be read.
    void forget(const Listing& listing);

    // Does a part of what can wait, a millisecond or two of it: sets of days. True: there is more to do. To be called
    // until it says no after a load, and when the day changes.
    bool work(Day today);

  private:
    struct Impl;
    Found find(const Listing& listing, Held* held) const;

    mutable SharedLock lock_;
    std::unique_ptr<Impl> impl_;
};

} // namespace availability::reader

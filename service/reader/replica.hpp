// Every calendar in memory, and for each day the set of listings that have it booked. One thread writes (the feed's),
// any thread reads.
//
// A read takes a shared lock, finds the listing, and lets the caller look at the bytes: no copy, no allocation.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "service/reader/answer.hpp"

namespace availability::reader {

class Replica {
  public:
    explicit Replica(std::size_t tables);
    ~Replica();

    // --- readers: any thread -----------------------------------------------------------------------------------------

    // What is held of a listing. Views are valid while `look` runs, which must not call the replica.
    struct Held {
        std::int64_t version = kAnyVersion;
        std::string_view booked;
    };
    // False if there is no such listing. `look`: void(const Held&).
    template <typename Look>
    bool read(const Listing& listing, Look look) const;

    SetAnswer search(const SetQuery& query)
        const; // available, unless the query can't be answered; source kReplica; as_of and stale are the reader's
    std::size_t listings() const;
    std::size_t bytes() const;

    // --- the writer --------------------------------------------------------------------------------------------------

    void begin_load();
    // False: an older version than what is held; nothing done.
    bool apply(const Listing& listing, std::int64_t version, std::string_view booked);
    bool drop(const Listing& listing, std::int64_t version);
    // Nothing is known of it any more: reads miss it until the next apply(), and `known` in between is false.
    void forget(const Listing& listing);
    void end_load();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace availability::reader

// The inside of the reader. A read that memory can't tell goes
//
//   read → memory (reader_impl.cpp) ─ miss → L2's batch → the database's batch → answers (reader_misses.cpp)
//
// and leaves at the first stage that has an answer for it: fresh enough, and of min_version. A `Miss` is a listing that
// is being asked for, one a stage; a `Wait` is a caller who waits for it. A caller who comes later joins, and is
// answered with the others: unless he demands a version which what was on its way can't have; then he has it asked for
// again.
//
// Callbacks of callers run when everything is in order: they may call the reader again, set its routing, stop it.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "service/reader/alarms.hpp"
#include "service/reader/l1.hpp"
#include "service/reader/listing_hash.hpp"
#include "service/reader/reader.hpp"
#include "service/reader/recent.hpp"
#include "service/reader/routing.hpp"

namespace availability::reader {

struct ListingHash {
    std::size_t operator()(const Listing& listing) const { return hash_of(listing); }
};
struct ListingSame {
    bool operator()(const Listing& a, const Listing& b) const { return same(a, b); }
};

struct Reader::Impl : FeedListener, std::enable_shared_from_this<Reader::Impl> {
    Impl(std::unique_ptr<Timing> the_timing, ReaderOptions the_options, Tiers the_tiers);
    ~Impl() override;
    void start();
    void stop();

    // --- what the stream tells
    void replaced() override;
    void changed(const Change& change) override;
    void progress(std::int64_t as_of) override { recent.progress(as_of); }

    // --- memory
    std::int64_t age_of(std::int64_t as_of) const;
    bool fresh(std::int64_t as_of) const;
    // What the replica may tell of, or 0.
    std::int64_t replica_as_of() const;
    // Whether it may tell without a mark.
    bool replica_ready() const {
        return tiers.replica != nullptr && tiers.feed != nullptr && tiers.feed->state() == Feed::State::kStreaming &&
               fresh(tiers.feed->as_of());
    }
    bool from_replica(const Listing& listing, std::int64_t min_version, const Answered& answered);
    bool from_l1(const Listing& listing, std::uint64_t hash, std::int64_t min_version, const Answered& answered);
    std::int64_t as_of(const L1::Entry& entry) const;
    bool renews(L1::Entry* entry, Clock::time_point now, std::int64_t age);
    void tell(Answer* answer, const Answered& answered);

    bool shared_usable() const { return tiers.redis != nullptr && tiers.redis->usable(); }
    bool database_usable() const { return tiers.database != nullptr && tiers.database->usable(); }

    // --- misses
    struct Miss;
    using MissPtr = std::shared_ptr<Miss>;
    struct Wait {
        std::uint32_t turn = 1;
        bool used = false;
        Mode mode = Mode::kDatabase;
        std::int64_t min_version = kAnyVersion;
        Clock::time_point deadline;
        Alarms::Id alarm = 0;
        MissPtr miss;
        Answered answered;
    };
    using WaitId = std::uint64_t; // its turn and its place in waits
    struct Miss {
        OwnedListing listing;
        std::uint64_t hash = 0;
        std::vector<WaitId> waits;
        Clock::time_point deadline; // of the one who waits longest
        bool near = false;          // what comes is for L1 too
        bool sent = false;          // to the database
        std::size_t early = 0;      // those of the waits that were there when it was sent
        Clock::time_point sent_at;  //
        std::uint64_t token = 0;    // of the lease; 0: none
        Epoch epoch = 0;            //
        Clock::time_point give_up;  // when another's lease is no longer waited for
        std::chrono::milliseconds step{0};
        std::shared_ptr<TierAnswer> old; // what L2 has, if it is not fresh
    };
    using Misses = std::unordered_map<Listing, MissPtr, ListingHash, ListingSame>; // the keys are views into the misses
    // What is gathered until it is sent.
    struct Gathered {
        std::vector<MissPtr> misses;
        Alarms::Id alarm = 0;
    };
    using Pass = void (Impl::*)(std::vector<MissPtr>, std::vector<TierAnswer>);

    void ask(const Listing& listing, std::uint64_t hash, Mode mode, const ReadOptions& options, Answered answered);
    // Asks for a listing that nobody waits for.
    void renew(const Listing& listing, std::uint64_t hash);
    void to_shared(const MissPtr& miss);
    void to_database(const MissPtr& miss);
    void gather(Gathered* gathered, const MissPtr& miss, void (Impl::*send)());
    std::vector<MissPtr> take(Gathered* gathered);
    void send_shared();
    void send_database();
    TierAnswered once(std::vector<MissPtr> misses, Clock::time_point deadline, Pass pass);
    void shared_answered(std::vector<MissPtr> misses, std::vector<TierAnswer> answers);
    void database_answered(std::vector<MissPtr> misses, std::vector<TierAnswer> answers);
    bool waits_for_lease(const MissPtr& miss);
    bool shared_serves(const MissPtr& miss, const TierAnswer& answer);
    void fill(const Miss& miss, const TierAnswer& answer, std::vector<Fill>* fills);
    void database_serves(const MissPtr& miss, const TierAnswer& answer);
    void database_failed(const MissPtr& miss, std::string_view reason);
    std::int64_t known_as_of(const Miss& miss, const TierAnswer& answer) const;
    void learn(const Miss& miss, const TierAnswer& answer);
    void settle(const Miss& miss);
    Clock::time_point deadline_of(const std::vector<MissPtr>& misses) const;

    // --- those who wait
    void add_wait(const MissPtr& miss, Mode mode, const ReadOptions& options, Answered answered);
    Wait* wait_of(WaitId id);
    // Frees the place; the caller then calls `answered`.
    Answered end_wait(WaitId id);
    void serve(WaitId id, const TierAnswer& answer, Source source, std::int64_t known_as_of);
    void expire(WaitId id);
    // Answers with the newest of what memory has, marked if it is old, or that nobody can tell.
    void fall_back(WaitId id, std::string_view reason);
    void fall_back(const Listing& listing, std::uint64_t hash, Mode mode, std::int64_t min_version,
                   const TierAnswer* old, std::string_view reason, const Answered& answered);
    bool acceptable(std::int64_t version, std::int64_t min_version, std::int64_t as_of) const;

    // --- sets, warm listings
    struct Search;
    void search(SetQuery query, const ReadOptions& options, std::function<void(const SetAnswer&)> answered);
    // From the replica, if what it has is not older.
    bool search_replica(const SetQuery& query, std::int64_t max_age, SetAnswer* answer) const;
    void search_answered(const std::shared_ptr<Search>& search, SetAnswer answer);
    void warm();

    const std::unique_ptr<Timing> timing;
    const ReaderOptions options;
    const Tiers tiers;
    const std::int64_t max_age_us, max_stale_us;
    Route route;
    Routing routing;
    Alarms alarms;
    L1 l1;
    Recent recent;
    ReaderCounters counters;

    std::vector<Wait> waits;
    std::vector<std::uint32_t> free_waits;
    std::size_t waiting = 0;
    Misses at_shared, at_database;
    Gathered for_shared, for_database;
    std::vector<std::shared_ptr<Search>> searches;
    std::vector<OwnedListing> warm_listings;
    bool started = false;
    bool stopped = false;
};

} // namespace availability::reader

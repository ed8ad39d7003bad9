#include "service/reader/reader_impl.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>
#include <utility>

namespace availability::reader {

namespace {

// How many listings' newest versions are remembered, at least: changes of some seconds on a busy site.
constexpr std::size_t kRecentListings = 16384;
// A hot listing past its time is told for so long yet, while it is asked for anew.
constexpr std::chrono::seconds kGrace{5};

L1Options l1_options(const ReaderOptions& options) {
    L1Options l1;
    l1.bytes = options.l1_bytes;
    l1.ttl = options.l1_ttl;
    l1.hot_ttl = options.l1_hot_ttl;
    l1.unknown_ttl = options.unknown_ttl;
    l1.hot_listings = options.hot_listings;
    l1.seed = std::random_device()();
    return l1;
}

} // namespace

Reader::Impl::Impl(std::unique_ptr<Timing> the_timing, ReaderOptions the_options, Tiers the_tiers)
    : timing(std::move(the_timing)), options(std::move(the_options)), tiers(the_tiers),
      max_age_us(std::chrono::microseconds(options.max_age).count()),
      max_stale_us(std::chrono::microseconds(options.max_stale).count()), routing(options.routing), alarms(*timing),
      l1(l1_options(options)), recent(kRecentListings) {
    route.set(routing);
}

Reader::Impl::~Impl() = default;

void Reader::Impl::start() {
    if (started || stopped)
        return;
    started = true;
    if (tiers.feed != nullptr)
        tiers.feed->add_listener(this);
    for (const std::string& text : options.warm) {
        OwnedListing listing;
        char* end = nullptr;
        listing.number = std::strtoll(text.c_str(), &end, 10);
        listing.is_text = options.warm_is_text || std::to_string(listing.number) != text;
        if (listing.is_text) {
            listing.number = 0;
            listing.text = text;
        }
        warm_listings.push_back(std::move(listing));
    }
    if (!warm_listings.empty())
        warm();
}

void Reader::Impl::stop() {
    if (stopped)
        return;
    stopped = true;
    const auto self = shared_from_this();
    if (started && tiers.feed != nullptr)
        tiers.feed->remove_listener(this);
    alarms.clear();
    at_shared.clear();
    at_database.clear();
    for_shared = Gathered();
    for_database = Gathered();
    for (std::size_t i = 0; i < waits.size(); ++i)
        if (waits[i].used)
            fall_back(std::uint64_t{waits[i].turn} << 32 | i, "the reader has stopped");
    for (const auto& search : std::exchange(searches, {}))
        search_answered(search, {});
}

// --- what the stream tells -------------------------------------------------------------------------------------------

void Reader::Impl::replaced() {
    recent.replaced();
}

void Reader::Impl::changed(const Change& change) {
    if (change.listing.key.empty())
        return replaced(); // any listing may have changed
    const std::uint64_t hash = hash_of(change.listing);
    if (change.kind == relay::EventKind::kUnreadable) {
        recent.unreadable(hash);
        l1.erase(change.listing, hash);
        return;
    }
    L1State state;
    state.no_listing = change.kind == relay::EventKind::kDropped;
    recent.changed(hash, change.version, state.no_listing);
    if (l1.find(change.listing, hash) == nullptr)
        return;
    state.version = change.version;
    // All that was visible as of the stream's progress had come before this change. Before the first progress it is not
    // known: the time of a commit may be another server's (relay/source/assembler.hpp).
    state.as_of = recent.as_of();
    state.stretch = recent.stretch();
    state.covered = true;
    state.event = true;
    if (!state.no_listing)
        state.booked = change.booked;
    counters.l1_invalidated += l1.put(change.listing, hash, state, timing->now());
}

// --- memory ----------------------------------------------------------------------------------------------------------

std::int64_t Reader::Impl::age_of(std::int64_t as_of) const {
    return std::max<std::int64_t>(timing->now_us() - as_of, 0);
}

bool Reader::Impl::fresh(std::int64_t as_of) const {
    return as_of != 0 && age_of(as_of) <= max_age_us;
}

// While it loads, the replica has calendars of which nothing is known: of any time, and not all.
std::int64_t Reader::Impl::replica_as_of() const {
    return tiers.replica != nullptr && tiers.feed != nullptr && tiers.feed->state() != Feed::State::kLoading
               ? tiers.feed->as_of()
               : 0;
}

void Reader::Impl::tell(Answer* answer, const Answered& answered) {
    if (answer->outcome == Answer::Outcome::kUnavailable) {
        ++counters.unavailable;
    } else {
        ++counters.by_source[static_cast<std::size_t>(answer->source)];
        answer->stale = !fresh(answer->as_of);
        counters.stale += answer->stale;
    }
    answered(*answer);
}

bool Reader::Impl::from_replica(const Listing& listing, std::int64_t min_version, const Answered& answered) {
    Answer answer;
    answer.source = Source::kReplica;
    answer.epoch = tiers.feed->epoch();
    answer.as_of = replica_as_of();
    // A copy: the caller's callback runs when the replica is not locked.
    char booked[kMaxStoredSize];
    bool whole = false;
    const Found found = tiers.replica->read(listing, [&](const Replica::Held& held) {
        whole = held.booked.size() <= sizeof(booked);
        if (!whole)
            return;
        std::memcpy(booked, held.booked.data(), held.booked.size());
        answer.version = held.version;
        answer.booked = {booked, held.booked.size()};
    });
    // A listing that is not there has no version to compare.
    if (found == Found::kUnknown || answer.version < min_version) {
        counters.min_version_misses += found != Found::kUnknown;
        return false;
    }
    answer.outcome = found == Found::kFound ? Answer::Outcome::kFound : Answer::Outcome::kNoListing;
    if (found == Found::kFound && !(whole && DaysetView::open(booked, answer.booked.size(), &answer.calendar)))
        return false;
    tell(&answer, answered);
    return true;
}

// The newest time as of which an entry is known to be right.
std::int64_t Reader::Impl::as_of(const L1::Entry& entry) const {
    return entry.covered ? std::max(entry.as_of, recent.as_of(entry.stretch)) : entry.as_of;
}

// Whether it is time to ask for an entry anew, before it ends.
bool Reader::Impl::renews(L1::Entry* entry, Clock::time_point now, std::int64_t age) {
    if (!entry->hot || entry->renewing || !(shared_usable() || database_usable()))
        return false;
    const bool ends_soon = entry->expires - now < (entry->expires - entry->filled) / 8;
    const bool old_soon = !entry->covered && age > max_age_us / 4 * 3;
    return ends_soon || old_soon;
}

bool Reader::Impl::from_l1(const Listing& listing, std::uint64_t hash, std::int64_t min_version,
                           const Answered& answered) {
    L1::Entry* entry = l1.read(listing, hash);
    const Clock::time_point now = timing->now();
    const std::int64_t known_as_of = entry != nullptr ? as_of(*entry) : 0;
    const bool older = entry != nullptr && entry->version < min_version;
    counters.min_version_misses += older;
    if (entry == nullptr || older || !fresh(known_as_of) ||
        now >= entry->expires + (entry->hot ? kGrace : kGrace * 0)) {
        ++counters.l1_misses;
        return false;
    }
    const bool renewed = renews(entry, now, age_of(known_as_of));
    entry->renewing = entry->renewing || renewed;
    ++counters.l1_hits;
    Answer answer;
    answer.outcome = entry->no_listing ? Answer::Outcome::kNoListing : Answer::Outcome::kFound;
    answer.source = Source::kL1;
    answer.hot = entry->hot;
    answer.epoch = entry->epoch;
    answer.version = entry->version;
    answer.as_of = known_as_of;
    answer.booked = entry->booked();
    if (!entry->no_listing)
        DaysetView::open(answer.booked.data(), answer.booked.size(), &answer.calendar);
    if (renewed) {
        ++counters.refreshed;
        renew(listing, hash);
    }
    tell(&answer, answered);
    return true;
}

} // namespace availability::reader

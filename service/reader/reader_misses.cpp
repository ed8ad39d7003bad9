// Reads that memory can't tell: coalesced, gathered to batches, asked of L2 and then of the database.
#include "service/reader/reader_impl.hpp"

#include <algorithm>
#include <utility>

namespace availability::reader {

namespace {

// Nobody waits longer, whatever he says, and nothing that is asked for in advance.
constexpr std::chrono::seconds kLongestWait{10};
// What a tier takes beyond the deadline that it was given until it counts as failed.
constexpr std::chrono::milliseconds kTierGrace{100};
// Between two looks whether another's lease has become a calendar: the first, then twice as long each time.
constexpr std::chrono::milliseconds kFirstStep{2};
// A fill that took longer is not given any more.
constexpr std::chrono::seconds kOldestFill{30};

} // namespace

// --- the way in ------------------------------------------------------------------------------------------------------

void Reader::Impl::ask(const Listing& listing, std::uint64_t hash, Mode mode, const ReadOptions& read_options,
                       Answered answered) {
    if (stopped)
        return fall_back(listing, hash, mode, read_options.min_version, nullptr, "the reader has stopped", answered);
    if (waiting >= options.max_waiting) {
        ++counters.refused;
        return fall_back(listing, hash, mode, read_options.min_version, nullptr, "overloaded", answered);
    }
    if (read_options.deadline <= timing->now())
        return fall_back(listing, hash, mode, read_options.min_version, nullptr, "the deadline is over", answered);
    const bool shared = mode != Mode::kDatabase && shared_usable();
    Misses& misses = shared ? at_shared : at_database;
    const auto found = misses.find(listing);
    MissPtr miss;
    if (found != misses.end()) {
        miss = found->second;
        ++counters.coalesced;
    } else {
        miss = std::make_shared<Miss>();
        miss->listing = OwnedListing(listing);
        miss->hash = hash;
    }
    miss->near |= mode == Mode::kNear;
    add_wait(miss, mode, read_options, std::move(answered));
    if (found == misses.end())
        shared ? to_shared(miss) : to_database(miss);
}

void Reader::Impl::renew(const Listing& listing, std::uint64_t hash) {
    if (stopped || at_shared.count(listing) != 0 || at_database.count(listing) != 0)
        return;
    auto miss = std::make_shared<Miss>();
    miss->listing = OwnedListing(listing);
    miss->hash = hash;
    miss->near = true;
    miss->deadline = timing->now() + kLongestWait;
    shared_usable() ? to_shared(miss) : to_database(miss);
}

void Reader::Impl::gather(Gathered* gathered, const MissPtr& miss, void (Impl::*send)()) {
    if (stopped)
        return;
    gathered->misses.push_back(miss);
    if (gathered->misses.size() >= options.max_batch)
        (this->*send)();
    else if (gathered->alarm == 0)
        gathered->alarm = alarms.set(timing->now() + options.batch_delay, [this, send] { (this->*send)(); });
}

std::vector<Reader::Impl::MissPtr> Reader::Impl::take(Gathered* gathered) {
    alarms.cancel(std::exchange(gathered->alarm, 0));
    return std::exchange(gathered->misses, {});
}

// What a tier is to call: passes on what comes first, its answers or that it failed to give any in time.
TierAnswered Reader::Impl::once(std::vector<MissPtr> misses, Clock::time_point deadline, Pass pass) {
    struct Batch {
        std::vector<MissPtr> misses;
        Alarms::Id alarm = 0;
        bool answered = false;
    };
    auto batch = std::make_shared<Batch>();
    batch->misses = std::move(misses);
    const auto answer = [weak = weak_from_this(), batch, pass](std::vector<TierAnswer> answers) {
        const auto self = weak.lock();
        if (!self || self->stopped || std::exchange(batch->answered, true))
            return;
        self->alarms.cancel(batch->alarm);
        answers.resize(batch->misses.size()); // what is not there is kFailed
        ((*self).*pass)(std::move(batch->misses), std::move(answers));
    };
    batch->alarm = alarms.set(deadline + kTierGrace, [answer] { answer({}); });
    ++counters.batches;
    return answer;
}

Clock::time_point Reader::Impl::deadline_of(const std::vector<MissPtr>& misses) const {
    Clock::time_point deadline = timing->now();
    for (const MissPtr& miss : misses)
        deadline = std::max(deadline, miss->deadline);
    return deadline;
}

// --- L2 --------------------------------------------------------------------------------------------------------------

void Reader::Impl::to_shared(const MissPtr& miss) {
    at_shared.emplace(miss->listing.view(), miss);
    gather(&for_shared, miss, &Impl::send_shared);
}

void Reader::Impl::send_shared() {
    std::vector<MissPtr> misses = take(&for_shared);
    if (misses.empty())
        return;
    if (!tiers.redis->usable()) {
        std::vector<TierAnswer> failed(misses.size());
        return shared_answered(std::move(misses), std::move(failed));
    }
    std::vector<OwnedListing> listings;
    listings.reserve(misses.size());
    for (const MissPtr& miss : misses)
        listings.push_back(miss->listing);
    // Who can't fill takes no lease: others would wait for him.
    const bool lease = database_usable();
    const Clock::time_point deadline = deadline_of(misses);
    tiers.redis->read(std::move(listings), lease, deadline, once(std::move(misses), deadline, &Impl::shared_answered));
}

// Whether another's lease is waited for; the miss then stays where it is.
bool Reader::Impl::waits_for_lease(const MissPtr& miss) {
    ++counters.leases_busy;
    const Clock::time_point now = timing->now();
    if (miss->step.count() == 0) {
        miss->step = kFirstStep;
        miss->give_up = now + options.lease_wait;
    }
    if (now >= miss->give_up)
        return false;
    const Clock::time_point next = std::min(now + miss->step, miss->give_up);
    miss->step *= 2;
    alarms.set(next, [this, weak = std::weak_ptr<Miss>(miss)] {
        if (const auto waiting_miss = weak.lock())
            gather(&for_shared, waiting_miss, &Impl::send_shared);
    });
    return true;
}

void Reader::Impl::shared_answered(std::vector<MissPtr> misses, std::vector<TierAnswer> answers) {
    std::vector<std::size_t> told;
    for (std::size_t i = 0; i < misses.size(); ++i) {
        const MissPtr& miss = misses[i];
        TierAnswer& answer = answers[i];
        if (answer.kind == TierAnswer::Kind::kBusy && waits_for_lease(miss))
            continue;
        at_shared.erase(miss->listing.view());
        if (answer.kind == TierAnswer::Kind::kGranted) {
            ++counters.leases_granted;
            miss->token = answer.token;
            miss->epoch = answer.epoch;
        }
        if (answer.kind == TierAnswer::Kind::kFound || answer.kind == TierAnswer::Kind::kNoListing)
            told.push_back(i);
        else
            to_database(miss);
    }
    for (const std::size_t i : told)
        if (!shared_serves(misses[i], answers[i]))
            to_database(misses[i]);
    // They come together, and have waited once.
    send_database();
}

// Whether L2's answer does for all who wait. For whom it doesn't, the miss goes on.
bool Reader::Impl::shared_serves(const MissPtr& miss, const TierAnswer& answer) {
    const bool none = answer.kind == TierAnswer::Kind::kNoListing;
    const std::int64_t known = known_as_of(*miss, answer);
    DaysetView calendar;
    const bool whole = none || DaysetView::open(answer.booked.data(), answer.booked.size(), &calendar);
    if (!whole)
        return false;
    const bool outdated = miss->near && recent.outdated(miss->hash, answer.version, none);
    if (outdated || !fresh(known)) {
        miss->old = std::make_shared<TierAnswer>(answer);
        return false;
    }
    learn(*miss, answer);
    std::vector<WaitId> left;
    std::vector<WaitId> served;
    for (const WaitId id : miss->waits)
        if (const Wait* wait = wait_of(id))
            (answer.version >= wait->min_version ? served : left).push_back(id);
    counters.min_version_misses += left.size();
    miss->waits = std::move(left);
    const bool all = miss->waits.empty();
    for (const WaitId id : served)
        serve(id, answer, Source::kL2, known);
    return all;
}

// --- the database ----------------------------------------------------------------------------------------------------

void Reader::Impl::to_database(const MissPtr& miss) {
    if (!database_usable())
        return database_failed(miss,
                               tiers.database == nullptr ? "there is no database" : "the database is not to be had");
    const auto found = at_database.find(miss->listing.view());
    if (found == at_database.end()) {
        at_database.emplace(miss->listing.view(), miss);
        return gather(&for_database, miss, &Impl::send_database);
    }
    // Who asks for it already asks for these too.
    const MissPtr& other = found->second;
    for (const WaitId id : miss->waits)
        if (Wait* wait = wait_of(id)) {
            wait->miss = other;
            other->waits.push_back(id);
        }
    other->near |= miss->near;
    other->deadline = std::max(other->deadline, miss->deadline);
    if (other->old == nullptr)
        other->old = miss->old;
    if (miss->token == 0)
        return;
    // A fill has to be read after its lease was taken.
    if (other->sent || other->token != 0) {
        ++counters.fills_dropped;
    } else {
        other->token = miss->token;
        other->epoch = miss->epoch;
    }
}

void Reader::Impl::send_database() {
    std::vector<MissPtr> misses = take(&for_database);
    if (misses.empty())
        return;
    std::vector<OwnedListing> listings;
    listings.reserve(misses.size());
    for (const MissPtr& miss : misses) {
        listings.push_back(miss->listing);
        miss->sent = true;
        miss->early = miss->waits.size();
        miss->sent_at = timing->now();
    }
    const Clock::time_point deadline = deadline_of(misses);
    tiers.database->read(std::move(listings), deadline, once(std::move(misses), deadline, &Impl::database_answered));
}

void Reader::Impl::database_answered(std::vector<MissPtr> misses, std::vector<TierAnswer> answers) {
    std::vector<Fill> fills;
    for (std::size_t i = 0; i < misses.size(); ++i) {
        at_database.erase(misses[i]->listing.view());
        TierAnswer& answer = answers[i];
        DaysetView calendar;
        if (answer.kind == TierAnswer::Kind::kFound &&
            !DaysetView::open(answer.booked.data(), answer.booked.size(), &calendar))
            answer = TierAnswer();
        if (answer.kind != TierAnswer::Kind::kFound && answer.kind != TierAnswer::Kind::kNoListing)
            continue;
        learn(*misses[i], answer);
        fill(*misses[i], answer, &fills);
    }
    if (!fills.empty())
        tiers.redis->fill(std::move(fills));
    for (std::size_t i = 0; i < misses.size(); ++i) {
        if (answers[i].kind == TierAnswer::Kind::kFound || answers[i].kind == TierAnswer::Kind::kNoListing)
            database_serves(misses[i], answers[i]);
        else
            database_failed(misses[i], answers[i].reason.empty() ? "the database did not answer" : answers[i].reason);
    }
}

void Reader::Impl::fill(const Miss& miss, const TierAnswer& answer, std::vector<Fill>* fills) {
    if (miss.token == 0)
        return;
    if (timing->now() - miss.sent_at > kOldestFill) {
        ++counters.fills_dropped;
        return;
    }
    Fill& fill = fills->emplace_back();
    fill.listing = miss.listing;
    fill.version = answer.version;
    fill.booked = answer.booked;
    fill.no_listing = answer.kind == TierAnswer::Kind::kNoListing;
    fill.token = miss.token;
    fill.epoch = miss.epoch;
    fill.read_at = miss.sent_at;
    ++counters.fills;
}

void Reader::Impl::database_serves(const MissPtr& miss, const TierAnswer& answer) {
    const std::int64_t known = known_as_of(*miss, answer);
    MissPtr again;
    std::vector<WaitId> served;
    for (std::size_t i = 0; i < miss->waits.size(); ++i) {
        Wait* wait = wait_of(miss->waits[i]);
        if (wait == nullptr)
            continue;
        // Who came after it was sent may have written after it was read.
        if (answer.version >= wait->min_version || i < miss->early) {
            served.push_back(miss->waits[i]);
            continue;
        }
        if (again == nullptr) {
            again = std::make_shared<Miss>();
            again->listing = miss->listing;
            again->hash = miss->hash;
            again->near = miss->near;
        }
        again->deadline = std::max(again->deadline, wait->deadline);
        again->waits.push_back(miss->waits[i]);
        wait->miss = again;
    }
    if (again != nullptr)
        to_database(again);
    for (const WaitId id : served)
        serve(id, answer, Source::kDatabase, known);
}

void Reader::Impl::database_failed(const MissPtr& miss, std::string_view reason) {
    settle(*miss);
    for (const WaitId id : std::exchange(miss->waits, {}))
        fall_back(id, reason);
}

// --- what came -------------------------------------------------------------------------------------------------------

// As of when an answer is known to be right: if the stream would have told of a change since, as of the stream.
std::int64_t Reader::Impl::known_as_of(const Miss& miss, const TierAnswer& answer) const {
    const bool none = answer.kind == TierAnswer::Kind::kNoListing;
    return miss.near && recent.covers(miss.hash, answer.version, none, answer.as_of)
               ? std::max(answer.as_of, recent.as_of())
               : answer.as_of;
}

void Reader::Impl::learn(const Miss& miss, const TierAnswer& answer) {
    if (!miss.near)
        return;
    L1State state;
    state.no_listing = answer.kind == TierAnswer::Kind::kNoListing;
    // The stale fill: its event came first.
    if (recent.outdated(miss.hash, answer.version, state.no_listing)) {
        ++counters.fills_dropped;
        return settle(miss);
    }
    state.version = answer.version;
    state.as_of = answer.as_of;
    state.epoch = answer.epoch;
    state.stretch = recent.stretch();
    state.covered = recent.covers(miss.hash, answer.version, state.no_listing, answer.as_of);
    if (!state.no_listing)
        state.booked = answer.booked;
    if (!l1.put(miss.listing.view(), miss.hash, state, timing->now()))
        settle(miss);
}

// It was asked for anew, and nothing came: somebody may ask again.
void Reader::Impl::settle(const Miss& miss) {
    if (!miss.near)
        return;
    if (L1::Entry* entry = l1.find(miss.listing.view(), miss.hash))
        entry->renewing = false;
}

// --- those who wait --------------------------------------------------------------------------------------------------

void Reader::Impl::add_wait(const MissPtr& miss, Mode mode, const ReadOptions& read_options, Answered answered) {
    std::size_t place = waits.size();
    if (free_waits.empty()) {
        waits.emplace_back();
    } else {
        place = free_waits.back();
        free_waits.pop_back();
    }
    Wait& wait = waits[place];
    const WaitId id = std::uint64_t{wait.turn} << 32 | place;
    wait.used = true;
    wait.mode = mode;
    wait.min_version = read_options.min_version;
    wait.deadline = std::min(read_options.deadline, timing->now() + kLongestWait);
    wait.alarm = alarms.set(wait.deadline, [this, id] { expire(id); });
    wait.miss = miss;
    wait.answered = std::move(answered);
    miss->waits.push_back(id);
    miss->deadline = std::max(miss->deadline, wait.deadline);
    ++waiting;
}

Reader::Impl::Wait* Reader::Impl::wait_of(WaitId id) {
    Wait& wait = waits[id & UINT32_MAX];
    return wait.used && wait.turn == id >> 32 ? &wait : nullptr;
}

Answered Reader::Impl::end_wait(WaitId id) {
    Wait& wait = waits[id & UINT32_MAX];
    alarms.cancel(std::exchange(wait.alarm, 0));
    wait.used = false;
    ++wait.turn;
    wait.miss = nullptr;
    free_waits.push_back(static_cast<std::uint32_t>(id & UINT32_MAX));
    --waiting;
    return std::exchange(wait.answered, nullptr);
}

void Reader::Impl::serve(WaitId id, const TierAnswer& tier, Source source, std::int64_t known_as_of) {
    const Wait* wait = wait_of(id);
    if (wait == nullptr)
        return;
    const bool none = tier.kind == TierAnswer::Kind::kNoListing;
    // The database's word is the last one: a listing that it doesn't have is gone, a version that it doesn't have is
    // nobody's.
    if ((!none && tier.version < wait->min_version) || age_of(known_as_of) > max_stale_us)
        return fall_back(id, none || tier.version >= wait->min_version ? "the answer came too late"
                                                                       : "nobody has this version");
    Answer answer;
    answer.outcome = none ? Answer::Outcome::kNoListing : Answer::Outcome::kFound;
    answer.source = source;
    answer.epoch = tier.epoch;
    answer.version = tier.version;
    answer.as_of = known_as_of;
    if (!none) {
        answer.booked = tier.booked;
        DaysetView::open(tier.booked.data(), tier.booked.size(), &answer.calendar);
    }
    tell(&answer, end_wait(id));
}

void Reader::Impl::expire(WaitId id) {
    fall_back(id, "no answer by the deadline");
}

bool Reader::Impl::acceptable(std::int64_t version, std::int64_t min_version, std::int64_t as_of) const {
    return version >= min_version && as_of != 0 && age_of(as_of) <= max_stale_us;
}

void Reader::Impl::fall_back(WaitId id, std::string_view reason) {
    const Wait* wait = wait_of(id);
    if (wait == nullptr)
        return;
    const MissPtr miss = wait->miss; // outlives the wait
    const Mode mode = wait->mode;
    const std::int64_t min_version = wait->min_version;
    fall_back(miss->listing.view(), miss->hash, mode, min_version, miss->old.get(), reason, end_wait(id));
}

void Reader::Impl::fall_back(const Listing& listing, std::uint64_t hash, Mode mode, std::int64_t min_version,
                             const TierAnswer* old, std::string_view reason, const Answered& answered) {
    const L1::Entry* entry = mode == Mode::kNear ? l1.find(listing, hash) : nullptr;
    const std::int64_t in_l1 = entry != nullptr ? as_of(*entry) : 0;
    const std::int64_t in_replica = mode == Mode::kReplica ? replica_as_of() : 0;
    const std::int64_t in_shared = old != nullptr && mode != Mode::kDatabase ? old->as_of : 0;
    if (in_replica >= in_shared && acceptable(min_version, min_version, in_replica) &&
        from_replica(listing, min_version, answered))
        return;
    Answer answer;
    if (in_l1 >= in_shared && entry != nullptr && acceptable(entry->version, min_version, in_l1)) {
        answer.outcome = entry->no_listing ? Answer::Outcome::kNoListing : Answer::Outcome::kFound;
        answer.source = Source::kL1;
        answer.hot = entry->hot;
        answer.epoch = entry->epoch;
        answer.version = entry->version;
        answer.as_of = in_l1;
        answer.booked = entry->no_listing ? std::string_view() : entry->booked();
    } else if (in_shared != 0 && acceptable(old->version, min_version, in_shared)) {
        answer.outcome =
            old->kind == TierAnswer::Kind::kNoListing ? Answer::Outcome::kNoListing : Answer::Outcome::kFound;
        answer.source = Source::kL2;
        answer.epoch = old->epoch;
        answer.version = old->version;
        answer.as_of = in_shared;
        answer.booked = old->kind == TierAnswer::Kind::kFound ? std::string_view(old->booked) : std::string_view();
    }
    if (answer.outcome == Answer::Outcome::kFound)
        DaysetView::open(answer.booked.data(), answer.booked.size(), &answer.calendar);
    if (answer.outcome == Answer::Outcome::kUnavailable)
        answer.reason = reason;
    tell(&answer, answered);
}

} // namespace availability::reader

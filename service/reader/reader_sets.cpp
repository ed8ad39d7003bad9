// What the reader asks for more than one listing, and for listings that nobody asks for just now.
#include "service/reader/reader_impl.hpp"

#include <algorithm>
#include <utility>

namespace availability::reader {

namespace {

constexpr std::chrono::seconds kLongestSearch{30};
constexpr std::chrono::seconds kWarmEach{1};
// Before an entry ends it is asked for anew by so much.
constexpr std::chrono::seconds kWarmBefore{3};

} // namespace

struct Reader::Impl::Search {
    SetQuery query;
    Mode mode = Mode::kDatabase;
    Alarms::Id alarm = 0;
    std::function<void(const SetAnswer&)> answered;
};

bool Reader::Impl::search_replica(const SetQuery& query, std::int64_t max_age, SetAnswer* answer) const {
    const std::int64_t known = replica_as_of();
    if (known == 0 || age_of(known) > max_age)
        return false;
    *answer = tiers.replica->search(query);
    answer->source = Source::kReplica;
    answer->as_of = known;
    answer->stale = !fresh(known);
    return answer->available;
}

void Reader::Impl::search(SetQuery query, const ReadOptions& read_options,
                          std::function<void(const SetAnswer&)> answered) {
    const Mode mode = route.of_all();
    SetAnswer answer;
    if (mode == Mode::kReplica && replica_ready() && search_replica(query, max_age_us, &answer)) {
        ++counters.by_source[static_cast<std::size_t>(Source::kReplica)];
        return answered(answer);
    }
    auto search = std::make_shared<Search>();
    search->query = std::move(query);
    search->mode = mode;
    search->answered = std::move(answered);
    const Clock::time_point deadline = std::min(read_options.deadline, timing->now() + kLongestSearch);
    if (stopped || tiers.sets == nullptr || deadline <= timing->now() || searches.size() >= options.max_waiting) {
        counters.refused += searches.size() >= options.max_waiting;
        return search_answered(search, {});
    }
    searches.push_back(search);
    const auto finish = [weak = weak_from_this(), search](SetAnswer found) {
        const auto self = weak.lock();
        if (self == nullptr)
            return;
        auto& all = self->searches;
        const auto place = std::find(all.begin(), all.end(), search);
        if (place == all.end())
            return; // it was answered already
        *place = std::move(all.back());
        all.pop_back();
        self->alarms.cancel(search->alarm);
        self->search_answered(search, std::move(found));
    };
    search->alarm = alarms.set(deadline, [finish] { finish({}); });
    tiers.sets->search(search->query, deadline, finish);
}

// What the database said; if it could not tell, the replica as it was, marked if it is old.
void Reader::Impl::search_answered(const std::shared_ptr<Search>& search, SetAnswer answer) {
    if (answer.available)
        answer.stale = !fresh(answer.as_of);
    else if (search->mode == Mode::kReplica)
        search_replica(search->query, max_stale_us, &answer);
    if (answer.available) {
        ++counters.by_source[static_cast<std::size_t>(answer.source)];
        counters.stale += answer.stale;
    } else {
        ++counters.unavailable;
        if (answer.reason.empty())
            answer.reason = "nobody can search just now";
    }
    search->answered(answer);
}

void Reader::Impl::warm() {
    const Clock::time_point now = timing->now();
    for (const OwnedListing& listing : warm_listings) {
        const std::uint64_t hash = hash_of(listing.view());
        if (route.of(hash) != Mode::kNear || at_shared.size() + at_database.size() >= options.max_waiting)
            continue;
        const L1::Entry* entry = l1.find(listing.view(), hash);
        if (entry != nullptr && (entry->no_listing || entry->expires - now > kWarmBefore))
            continue;
        counters.refreshed += entry != nullptr;
        renew(listing.view(), hash);
    }
    alarms.set(now + kWarmEach, [this] { warm(); });
}

// --- the reader ------------------------------------------------------------------------------------------------------

namespace {

// Gathers the answers for many listings, and what they are views of.
struct Many {
    std::vector<Answer> answers;
    relay::Arena arena;
    std::size_t left;
    AllAnswered answered;

    void take(std::size_t place, const Answer& answer) {
        Answer& mine = answers[place] = answer;
        mine.booked = arena.copy(answer.booked);
        mine.reason = arena.copy(answer.reason);
        if (mine.outcome == Answer::Outcome::kFound)
            DaysetView::open(mine.booked.data(), mine.booked.size(), &mine.calendar);
        one_less();
    }
    void one_less() {
        if (--left != 0)
            return;
        answered(answers);
        delete this;
    }
};

} // namespace

Reader::Reader(boost::asio::io_context& io, ReaderOptions options, Tiers tiers)
    : Reader(timing_of(io), std::move(options), tiers) {}

Reader::Reader(std::unique_ptr<Timing> timing, ReaderOptions options, Tiers tiers)
    : replica_(tiers.replica), impl_(std::make_shared<Impl>(std::move(timing), std::move(options), tiers)) {
    impl_->timing->ring = [weak = std::weak_ptr<Impl>(impl_)] {
        if (const auto self = weak.lock())
            self->alarms.ring();
    };
}

Reader::~Reader() {
    impl_->stop();
}
void Reader::start() {
    impl_->start();
}
void Reader::stop() {
    impl_->stop();
}

void Reader::read(const Listing& listing, const ReadOptions& options, Answered answered) {
    Impl& impl = *impl_;
    const std::uint64_t hash = hash_of(listing);
    const Mode mode = impl.route.of(hash);
    if (mode == Mode::kReplica && impl.replica_ready() && impl.from_replica(listing, options.min_version, answered))
        return;
    if (mode == Mode::kNear && impl.from_l1(listing, hash, options.min_version, answered))
        return;
    impl.ask(listing, hash, mode, options, std::move(answered));
}

void Reader::read_many(const std::vector<Listing>& listings, const ReadOptions& options, AllAnswered answered) {
    auto* many = new Many{std::vector<Answer>(listings.size()), {}, listings.size() + 1, std::move(answered)};
    // Each answer comes once, whatever happens: the last one frees it.
    for (std::size_t i = 0; i < listings.size(); ++i)
        read(listings[i], options, [many, i](const Answer& answer) { many->take(i, answer); });
    many->one_less();
}

void Reader::search(SetQuery query, const ReadOptions& options, std::function<void(const SetAnswer&)> answered) {
    impl_->search(std::move(query), options, std::move(answered));
}

bool Reader::begin_now(const Listing& listing, Answer* answer) const {
    if (impl_->route.of(hash_of(listing)) != Mode::kReplica || !impl_->replica_ready())
        return false;
    answer->outcome = Answer::Outcome::kFound;
    answer->source = Source::kReplica;
    answer->epoch = impl_->tiers.feed->epoch();
    answer->as_of = impl_->replica_as_of();
    return true;
}

bool Reader::still_now() const {
    return impl_->replica_as_of() != 0;
}

void Reader::set_routing(const Routing& routing) {
    impl_->routing = routing;
    impl_->route.set(routing);
}
Routing Reader::routing() const {
    return impl_->routing;
}

bool Reader::ready() const {
    const Impl& impl = *impl_;
    switch (impl.route.of_all()) {
    case Mode::kReplica:
        return impl.replica_ready();
    case Mode::kNear:
        // L1 lives by the stream; without one, by what is behind it.
        return impl.tiers.feed != nullptr ? impl.fresh(impl.recent.as_of())
                                          : impl.shared_usable() || impl.database_usable();
    case Mode::kRedis:
        return impl.shared_usable();
    case Mode::kDatabase:
        break;
    }
    return impl.database_usable();
}

std::chrono::microseconds Reader::age() const {
    const Mode mode = impl_->route.of_all();
    const std::int64_t as_of = mode == Mode::kReplica ? impl_->replica_as_of()
                               : mode == Mode::kNear  ? impl_->recent.as_of()
                                                      : 0;
    return std::chrono::microseconds(as_of != 0 ? impl_->age_of(as_of) : -1);
}

const ReaderCounters& Reader::counters() const {
    ReaderCounters& counters = impl_->counters;
    counters.l1_evicted = impl_->l1.counters().evicted;
    counters.l1_rejected = impl_->l1.counters().rejected;
    counters.l1_entries = impl_->l1.entries();
    counters.l1_bytes = impl_->l1.bytes();
    counters.waiting = impl_->waiting;
    return counters;
}

} // namespace availability::reader

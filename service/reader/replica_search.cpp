// Searches of a replica: which listings are free.

#include <algorithm>
#include <mutex>

#include "service/reader/replica_state.hpp"

namespace availability::reader {

using relay::Calendar;
using relay::kNoSlot;
using relay::Slot;

namespace {

// Between two holds of the lock: a millisecond or so.
constexpr Slot kScannedAtOnce = 16384;
constexpr std::size_t kWalkedAtOnce = 16384;
constexpr std::size_t kFoundAtOnce = 4096;
// So few are put in order by themselves; more are met soon in the order of all.
constexpr std::uint64_t kFew = 4096;
constexpr int kAttempts = 3;

// A key that outlives the lock.
struct OwnedKey {
    relay::Key::Kind kind = relay::Key::Kind::kNone;
    std::int64_t number = 0;
    std::string text;

    explicit OwnedKey(const Key& key) : kind(key.kind), number(key.number), text(key.text) {}
    Key view() const { return {kind, number, text}; }
};

const char* problem_of(const SetQuery& query, std::size_t tables) {
    if (query.table >= tables)
        return "no such table";
    if (query.from < kFirstDay || query.to > kEndDay || query.from >= query.to)
        return "no span of supported days";
    if (query.nights < 0 || query.nights > query.to - query.from)
        return "more nights than days";
    return nullptr;
}

} // namespace

struct Replica::Impl::Search {
    const Impl& replica;
    SharedLock& lock;
    const SetQuery& query;
    SetAnswer* answer;
    DaySpan span;
    Day nights;
    std::uint64_t generation = 0;
    std::vector<OrdinalBits> found;     // of each block
    std::vector<OrdinalBits> days = {}; // of one block, to work with

    Search(const Impl& impl, SharedLock& replica_lock, const SetQuery& set_query, SetAnswer* set_answer)
        : replica(impl), lock(replica_lock), query(set_query), answer(set_answer), span{set_query.from, set_query.to},
          nights(set_query.nights == 0 ? span.days() : set_query.nights) {}

    // False: a slot may have become another listing's.
    bool same() const { return generation == replica.generation; }

    bool is_free(std::string_view booked) const {
        DaysetView view;
        if (!DaysetView::open(booked.data(), booked.size(), &view))
            return false;
        return nights == span.days() ? !view.overlaps(span) : !view.next_gap(span, nights).empty();
    }

    bool of_all();
    bool search_block(std::size_t number);
    void by_sets(const DaySets& sets, const OrdinalBits& live, OrdinalBits* free);
    bool by_calendars(std::size_t number, OrdinalBits* free);
    bool give();
    bool give_by_order();
    bool give_sorted();
    void add(Slot slot) { answer->listings.push_back(replica.store.get(slot).listing.str()); }
    void among();
};

// The union of each window of so many days are those that it is not open to; in all of them: not free.
void Replica::Impl::Search::by_sets(const DaySets& sets, const OrdinalBits& live, OrdinalBits* free) {
    OrdinalBits taken;
    taken.clear();
    if (nights == span.days()) {
        for (Day day = span.first_day; day < span.end_day; ++day)
            sets.of(day).add_to(&taken);
    } else {
        const auto count = static_cast<std::uint32_t>(span.days());
        for (std::uint32_t i = 0; i < count; ++i) {
            days[i].clear();
            sets.of(span.first_day + static_cast<Day>(i)).add_to(&days[i]);
        }
        unite_windows(days.data(), count, static_cast<std::uint32_t>(nights));
        taken.unite(days[0]);
        for (std::uint32_t i = 1; i + static_cast<std::uint32_t>(nights) <= count; ++i)
            taken.intersect(days[i]);
    }
    *free = live;
    free->subtract(taken);
}

// The lock is not held. False: begin anew.
bool Replica::Impl::Search::by_calendars(std::size_t number, OrdinalBits* free) {
    free->clear();
    const Slot begin = static_cast<Slot>(number) * kBlockSlots;
    for (Slot from = begin; from < begin + kBlockSlots; from += kScannedAtOnce) {
        std::shared_lock<SharedLock> guard(lock);
        if (!same())
            return false;
        const Block& block = replica.blocks[number];
        const OrdinalBits* live = block.live.empty() ? nullptr : block.live[query.table].get();
        if (live == nullptr)
            return true;
        for (std::uint32_t place = live->next(from - begin); place < from - begin + kScannedAtOnce;
             place = live->next(place + 1)) {
            if (is_free(replica.store.get(begin + place).booked))
                free->add(place);
            if (place + 1 >= kBlockSlots)
                break;
        }
    }
    return true;
}

bool Replica::Impl::Search::search_block(std::size_t number) {
    {
        std::shared_lock<SharedLock> guard(lock);
        if (!same())
            return false;
        const Block& block = replica.blocks[number];
        const OrdinalBits* live = block.live.empty() ? nullptr : block.live[query.table].get();
        if (live == nullptr) {
            found[number].clear();
            return true;
        }
        if (block.days != nullptr && block.days->window().first_day <= span.first_day &&
            block.days->window().end_day >= span.end_day) {
            by_sets(*block.days, *live, &found[number]);
            return true;
        }
    }
    return by_calendars(number, &found[number]);
}

bool Replica::Impl::Search::of_all() {
    {
        std::shared_lock<SharedLock> guard(lock);
        generation = replica.generation;
        found.resize(replica.blocks.size());
        answer->unknown = replica.unknown[query.table].size();
    }
    if (nights != span.days() && span.days() <= replica.options.set_days)
        days.resize(static_cast<std::size_t>(span.days()));
    answer->count = 0;
    answer->listings.clear();
    for (std::size_t number = 0; number < found.size(); ++number) {
        if (!search_block(number))
            return false;
        answer->count += found[number].count();
    }
    return give();
}

bool Replica::Impl::Search::give() {
    if (query.limit == 0 || answer->count == 0) {
        answer->more = answer->count > 0;
        return true;
    }
    bool ordered = false;
    {
        std::shared_lock<SharedLock> guard(lock);
        ordered = replica.ordered >= replica.store.end();
    }
    return ordered && answer->count > kFew ? give_by_order() : give_sorted();
}

bool Replica::Impl::Search::give_by_order() {
    OwnedKey last(query.after);
    for (bool ended = false; !ended;) {
        std::shared_lock<SharedLock> guard(lock);
        if (!same())
            return false;
        Slot walked = kNoSlot;
        std::size_t steps = 0;
        ended = true;
        replica.orders[query.table].walk(last.view(), [&](Slot slot) {
            walked = slot;
            const bool free =
                slot / kBlockSlots < found.size() && found[slot / kBlockSlots].contains(slot % kBlockSlots);
            if (free && answer->listings.size() == query.limit) {
                answer->more = true;
                return false;
            }
            if (free)
                add(slot);
            ended = ++steps < kWalkedAtOnce;
            return ended;
        });
        if (!ended)
            last = OwnedKey(replica.store.get(walked).listing);
    }
    return true;
}

bool Replica::Impl::Search::give_sorted() {
    std::shared_lock<SharedLock> guard(lock);
    if (!same())
        return false;
    std::vector<Slot> slots;
    for (std::size_t number = 0; number < found.size(); ++number)
        for (std::uint32_t place = found[number].next(0); place < kBlockSlots;
             place = place + 1 < kBlockSlots ? found[number].next(place + 1) : kBlockSlots) {
            const Slot slot = static_cast<Slot>(number) * kBlockSlots + place;
            if (comes_before(query.after, replica.store.get(slot).listing))
                slots.push_back(slot);
        }
    const std::size_t count = std::min(slots.size(), query.limit);
    std::partial_sort(
        slots.begin(), slots.begin() + static_cast<std::ptrdiff_t>(count), slots.end(),
        [&](Slot a, Slot b) { return comes_before(replica.store.get(a).listing, replica.store.get(b).listing); });
    for (std::size_t i = 0; i < count; ++i)
        add(slots[i]);
    answer->more = slots.size() > count;
    return true;
}

void Replica::Impl::Search::among() {
    std::vector<Key> keys = query.among;
    std::sort(keys.begin(), keys.end(), comes_before);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    for (std::size_t i = 0; i < keys.size();) {
        std::shared_lock<SharedLock> guard(lock);
        for (const std::size_t end = std::min(keys.size(), i + kFoundAtOnce); i < end; ++i) {
            const Slot slot = replica.store.find(query.table, keys[i]);
            if (slot == kNoSlot)
                continue;
            const Calendar calendar = replica.store.get(slot);
            answer->unknown += calendar.unknown;
            if (calendar.dropped || !is_free(calendar.booked))
                continue;
            ++answer->count;
            if (!comes_before(query.after, keys[i]))
                continue;
            if (answer->listings.size() < query.limit)
                answer->listings.push_back(keys[i].str());
            else
                answer->more = true;
        }
    }
}

SetAnswer Replica::search(const SetQuery& query) const {
    SetAnswer answer;
    answer.source = Source::kReplica;
    if (const char* problem = problem_of(query, impl_->tables)) {
        answer.reason = problem;
        return answer;
    }
    {
        std::shared_lock<SharedLock> guard(lock_);
        if (impl_->loading || !impl_->loaded) {
            answer.reason = "the calendars are being loaded";
            return answer;
        }
    }
    Impl::Search search(*impl_, lock_, query, &answer);
    if (!query.among.empty()) {
        search.among();
        answer.available = true;
        return answer;
    }
    for (int attempt = 0; attempt < kAttempts && !answer.available; ++attempt) {
        answer.more = false;
        answer.available = search.of_all();
    }
    if (!answer.available)
        answer.reason = "listings were being replaced";
    return answer;
}

} // namespace availability::reader

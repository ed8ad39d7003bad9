#include "service/reader/l1.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "service/reader/listing_hash.hpp"

namespace availability::reader {

namespace {

// An entry with its calendar, about: what the index and the sketch are made for.
constexpr std::size_t kTypicalEntry = 256;
// What the allocator adds to a block, and rounds it up to.
constexpr std::size_t kBlockOverhead = 16;
// One read of so many is counted for what is hot: the counts' order is all that matters.
constexpr std::uint64_t kHotSample = 8;

std::size_t round_up(std::size_t size) {
    return (size + 15) / 16 * 16;
}
std::size_t bytes_of(const L1::Entry* entry) {
    return kBlockOverhead + round_up(sizeof(L1::Entry) + entry->room);
}

std::size_t power_of_two(std::size_t least) {
    std::size_t power = 8;
    while (power * 2 <= least)
        power *= 2;
    return power;
}

} // namespace

L1::L1(const L1Options& options)
    : options_(options), random_(options.seed), sketch_(power_of_two(options.bytes / kTypicalEntry)),
      popular_(options.hot_listings), index_(power_of_two(options.bytes / kTypicalEntry)),
      sample_(mix(options.seed + 1)) {
    fixed_bytes_ = sketch_.bytes() + index_.size() * sizeof(Entry*);
    const std::size_t left = options.bytes > fixed_bytes_ ? options.bytes - fixed_bytes_ : 0;
    window_bound_ = left / 100;
    main_bound_ = left - window_bound_;
    protected_bound_ = main_bound_ / 5 * 4;
}

L1::~L1() {
    clear();
}

void L1::clear() {
    for (List* list : {&window_, &probation_, &protected_})
        while (list->last != nullptr)
            remove(list->last);
}

L1::Entry** L1::place_of(const Entry* entry) {
    Entry** place = &index_[entry->hash & (index_.size() - 1)];
    while (*place != entry)
        place = &(*place)->chain;
    return place;
}

L1::Entry* L1::find(const Listing& listing, std::uint64_t hash) const {
    Entry* entry = index_[hash & (index_.size() - 1)];
    while (entry != nullptr && (entry->hash != hash || !same(entry->listing(), listing)))
        entry = entry->chain;
    return entry;
}

void L1::link(Entry* entry, Segment segment) {
    List& list = list_of(segment);
    entry->segment = segment;
    entry->previous = nullptr;
    entry->next = list.first;
    (list.first != nullptr ? list.first->previous : list.last) = entry;
    list.first = entry;
    list.bytes += bytes_of(entry);
}

void L1::unlink(Entry* entry) {
    List& list = list_of(entry->segment);
    (entry->previous != nullptr ? entry->previous->next : list.first) = entry->next;
    (entry->next != nullptr ? entry->next->previous : list.last) = entry->previous;
    list.bytes -= bytes_of(entry);
}

void L1::remove(Entry* entry) {
    unlink(entry);
    *place_of(entry) = entry->chain;
    --entries_;
    std::free(entry);
}

void L1::erase(const Listing& listing, std::uint64_t hash) {
    if (Entry* entry = find(listing, hash))
        remove(entry);
}

void L1::touch(Entry* entry) {
    const auto segment = static_cast<Segment>(entry->segment);
    if (list_of(segment).first == entry && segment != kProbation)
        return;
    unlink(entry);
    link(entry, segment == kWindow ? kWindow : kProtected);
    while (protected_.bytes > protected_bound_) {
        Entry* last = protected_.last;
        unlink(last);
        link(last, kProbation);
    }
}

L1::Entry* L1::read(const Listing& listing, std::uint64_t hash) {
    sketch_.add(hash);
    Entry* entry = find(listing, hash);
    // xorshift64 (Marsaglia 2003).
    sample_ ^= sample_ << 13;
    sample_ ^= sample_ >> 7;
    sample_ ^= sample_ << 17;
    if (sample_ % kHotSample == 0) {
        popular_.add(hash);
        if (entry != nullptr && !entry->no_listing && entry->hot != popular_.has(hash)) {
            entry->hot = !entry->hot;
            if (entry->hot)
                set_expiry(entry);
        }
    }
    if (entry != nullptr)
        touch(entry);
    return entry;
}

// From the time that it was filled on, never later than it was said before.
void L1::set_expiry(Entry* entry) {
    using std::chrono::duration_cast;
    const std::chrono::milliseconds ttl = entry->no_listing ? options_.unknown_ttl
                                          : entry->hot      ? std::min(options_.hot_ttl, options_.ttl)
                                                            : options_.ttl;
    const std::chrono::duration<double, std::milli> jittered =
        std::uniform_real_distribution<double>(0.8, 1.2)(random_) * ttl;
    entry->expires = std::min(entry->expires, entry->filled + duration_cast<Clock::duration>(jittered));
}

L1::Entry* L1::make(const Listing& listing, std::uint64_t hash, std::size_t booked_size) {
    const std::string_view text = listing.key.text;
    const std::size_t room = round_up(sizeof(Entry) + text.size() + booked_size) - sizeof(Entry);
    void* memory = std::malloc(sizeof(Entry) + room);
    if (memory == nullptr)
        throw std::bad_alloc();
    auto* entry = new (memory) Entry();
    entry->hash = hash;
    entry->table = listing.table;
    entry->is_text = listing.key.kind == Key::Kind::kText;
    entry->number = entry->is_text ? 0 : listing.key.number;
    entry->text_size = entry->is_text ? static_cast<std::uint32_t>(text.size()) : 0;
    entry->room = static_cast<std::uint32_t>(room);
    if (!text.empty())
        std::memcpy(entry->data(), text.data(), text.size());
    return entry;
}

void L1::fill(Entry* entry, const L1State& state, Clock::time_point now) {
    entry->no_listing = state.no_listing;
    entry->version = state.version;
    entry->as_of = state.as_of;
    entry->epoch = state.epoch;
    entry->stretch = state.stretch;
    entry->covered = state.covered;
    entry->booked_size = static_cast<std::uint32_t>(state.booked.size());
    if (!state.booked.empty())
        std::memcpy(entry->data() + entry->text_size, state.booked.data(), state.booked.size());
    entry->filled = now;
    entry->expires = Clock::time_point::max();
    entry->renewing = false;
    set_expiry(entry);
}

// Whether a state takes the place of an entry.
namespace {

bool newer(const L1State& state, const L1::Entry& entry) {
    // Of another stretch, which may be of another history, or one of them has no version: what was read later is newer.
    // What the stream brings holds from then on, whenever the other was read: what follows comes as well.
    if (entry.stretch != state.stretch || entry.version == kAnyVersion || state.version == kAnyVersion)
        return state.event || state.as_of >= entry.as_of;
    if (state.version != entry.version)
        return state.version > entry.version;
    return entry.covered ? state.covered : state.covered || state.as_of >= entry.as_of;
}

} // namespace

bool L1::put(const Listing& listing, std::uint64_t hash, const L1State& state, Clock::time_point now) {
    Entry* old = find(listing, hash);
    if (old != nullptr) {
        if (!newer(state, *old))
            return false;
        if (old->text_size + state.booked.size() <= old->room &&
            old->room < state.booked.size() + old->text_size + 256) {
            fill(old, state, now);
            return true;
        }
    }
    if (main_bound_ == 0)
        return false;
    Entry* entry = make(listing, hash, state.booked.size());
    if (old != nullptr) {
        entry->hot = old->hot;
        const auto segment = static_cast<Segment>(old->segment);
        remove(old);
        link(entry, segment);
    } else {
        link(entry, kWindow);
    }
    fill(entry, state, now);
    Entry*& head = index_[hash & (index_.size() - 1)];
    entry->chain = head;
    head = entry;
    ++entries_;
    admit();
    return true;
}

// Lets go of what is over the bounds: the window's last ones by the contest, the rest by age.
void L1::admit() {
    while (window_.bytes > window_bound_ && window_.last != nullptr) {
        Entry* candidate = window_.last;
        unlink(candidate);
        link(candidate, kProbation);
        while (probation_.bytes + protected_.bytes > main_bound_) {
            Entry* victim = probation_.last != candidate ? probation_.last : protected_.last;
            if (victim != nullptr && sketch_.count(candidate->hash) > sketch_.count(victim->hash)) {
                remove(victim);
                ++counters_.evicted;
                continue;
            }
            remove(candidate);
            ++counters_.rejected;
            break;
        }
    }
    drop_over_bound();
}

// A calendar that grew in its place.
void L1::drop_over_bound() {
    while (probation_.bytes + protected_.bytes > main_bound_) {
        remove(probation_.last != nullptr ? probation_.last : protected_.last);
        ++counters_.evicted;
    }
}

} // namespace availability::reader

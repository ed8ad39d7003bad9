#include "service/reader/replica.hpp"

#include <algorithm>
#include <mutex>

#include "extension/core/dayset_difference.hpp"
#include "service/reader/replica_state.hpp"

namespace availability::reader {

using relay::Calendar;
using relay::kNoSlot;
using relay::Slot;

namespace {

// What one call of work() does: about a millisecond.
constexpr Slot kSlotsAtOnce = 8192;
constexpr Slot kOrderedAtOnce = 2048;
constexpr Day kDaysAtOnce = 128;
// Tombstones are forgotten when there are more, and more than a quarter of the listings: the index is made anew then.
constexpr std::size_t kTombstones = 65536;

DaysetView view_of(std::string_view booked) {
    DaysetView view;
    return DaysetView::open(booked.data(), booked.size(), &view) ? view : DaysetView();
}

} // namespace

Replica::Replica(std::size_t tables, ReplicaOptions options)
    : impl_(std::make_unique<Impl>(
          tables, ReplicaOptions{std::clamp(options.set_days, 1, static_cast<int>(kMostDaysAtOnce))})) {}

Replica::~Replica() = default;

// --- readers ---------------------------------------------------------------------------------------------------------

Found Replica::find(const Listing& listing, Held* held) const {
    if (listing.table >= impl_->tables || listing.key.empty())
        return Found::kNoListing;
    const Slot slot = impl_->store.find(listing.table, listing.key);
    if (slot == kNoSlot)
        return impl_->loading || !impl_->loaded ? Found::kUnknown : Found::kNoListing;
    const Calendar calendar = impl_->store.get(slot);
    if (calendar.dropped)
        return calendar.unknown || impl_->loading || !impl_->loaded ? Found::kUnknown : Found::kNoListing;
    held->version = calendar.version;
    held->booked = calendar.booked;
    return Found::kFound;
}

std::size_t Replica::listings() const {
    std::shared_lock<SharedLock> lock(lock_);
    return impl_->store.listings();
}

std::size_t Replica::tombstones() const {
    std::shared_lock<SharedLock> lock(lock_);
    return impl_->store.tombstones() + impl_->store.unknown();
}

std::size_t Replica::bytes() const {
    std::shared_lock<SharedLock> lock(lock_);
    std::size_t bytes = sizeof(*this) + sizeof(Impl) + impl_->store.bytes();
    for (const Impl::Block& block : impl_->blocks) {
        for (const auto& live : block.live)
            bytes += live == nullptr ? 0 : sizeof(OrdinalBits);
        bytes += block.days == nullptr ? 0 : block.days->bytes();
    }
    for (const KeyOrder& order : impl_->orders)
        bytes += order.bytes();
    return bytes;
}

// --- the writer ------------------------------------------------------------------------------------------------------

void Replica::begin_load() {
    std::unique_lock<SharedLock> lock(lock_);
    impl_->store.begin_load();
    impl_->loading = true;
}

void Replica::end_load() {
    std::unique_lock<SharedLock> lock(lock_);
    Impl& impl = *impl_;
    impl.store.end_load([&](Slot slot) {
        impl.set_live(slot, impl.store.get(slot));
        // What its days were is no longer known.
        impl.block_of(slot).days.reset();
        if (impl.building != nullptr && impl.building->block == slot / kBlockSlots)
            impl.building.reset();
    });
    for (auto& unknown : impl.unknown)
        for (auto slot = unknown.begin(); slot != unknown.end();)
            slot = impl.store.get(*slot).unknown ? std::next(slot) : unknown.erase(slot);
    // Their versions may be of another history.
    impl.forget_tombstones();
    impl.loading = false;
    impl.loaded = true;
}

bool Replica::apply(const Listing& listing, std::int64_t version, std::string_view booked) {
    Impl& impl = *impl_;
    impl.remember(listing);
    std::unique_lock<SharedLock> lock(lock_);
    bool newer = false;
    const Slot slot = impl.store.apply(listing.table, listing.key, version, booked, false, &newer);
    if (newer)
        impl.changed(slot, impl.before);
    return newer;
}

bool Replica::drop(const Listing& listing, std::int64_t version) {
    Impl& impl = *impl_;
    impl.remember(listing);
    std::unique_lock<SharedLock> lock(lock_);
    bool newer = false;
    const Slot slot = impl.store.apply(listing.table, listing.key, version, {}, true, &newer);
    if (newer)
        impl.changed(slot, impl.before);
    if (!impl.loading && impl.store.tombstones() > std::max(kTombstones, impl.store.listings() / 4))
        impl.forget_tombstones();
    return newer;
}

void Replica::forget(const Listing& listing) {
    Impl& impl = *impl_;
    impl.remember(listing);
    std::unique_lock<SharedLock> lock(lock_);
    impl.changed(impl.store.forget(listing.table, listing.key, true), impl.before);
}

void Replica::Impl::remember(const Listing& listing) {
    const Slot slot = store.find(listing.table, listing.key);
    before.assign(slot == kNoSlot ? std::string_view() : store.get(slot).booked);
}

void Replica::Impl::set_live(Slot slot, const Calendar& calendar) {
    auto& live = block_of(slot).live;
    if (live.empty())
        live.resize(tables);
    auto& bits = live[calendar.table];
    if (bits == nullptr) {
        bits = std::make_unique<OrdinalBits>();
        bits->clear();
    }
    if (calendar.dropped)
        bits->remove(slot % kBlockSlots);
    else
        bits->add(slot % kBlockSlots);
}

void Replica::Impl::changed(Slot slot, std::string_view calendar_before) {
    const Calendar calendar = store.get(slot);
    set_live(slot, calendar);
    if (calendar.unknown)
        unknown[calendar.table].insert(slot);
    else if (!unknown[calendar.table].empty())
        unknown[calendar.table].erase(slot);

    const DaysetView before_view = view_of(calendar_before);
    const DaysetView after = view_of(calendar.booked);
    const std::uint32_t place = slot % kBlockSlots;
    if (DaySets* days = block_of(slot).days.get(); days != nullptr)
        days->change(place, before_view, after);
    if (building != nullptr && building->block == slot / kBlockSlots && building->days != nullptr)
        building->days->change(place, before_view, after);
    if (building != nullptr && building->block == slot / kBlockSlots && slot < building->next)
        each_difference(before_view, after, building->window, [&](DaySpan span, bool booked) {
            for (Day day = span.first_day; day < span.end_day; ++day) {
                OrdinalBits& bits = building->bits[static_cast<std::size_t>(day - building->window.first_day)];
                if (booked)
                    bits.add(place);
                else
                    bits.remove(place);
            }
        });

    // A slot that is new, and behind those that work() has yet to put in order; or is the next of them.
    if (calendar_before.empty() && (slot < ordered || (slot == ordered && !loading))) {
        orders[calendar.table].insert(slot);
        ordered = std::max(ordered, slot + 1);
    }
}

// The slots of listings that are gone are for others then. Their days are booked in no set: drop() has seen to it.
void Replica::Impl::forget_tombstones() {
    if (store.tombstones() == 0)
        return;
    const auto gone = [this](Slot slot) {
        const Calendar calendar = store.get(slot);
        return calendar.dropped && !calendar.unknown;
    };
    for (KeyOrder& order : orders)
        order.remove(gone);
    store.forget_dropped();
    ++generation;
}

// --- what can wait ---------------------------------------------------------------------------------------------------

bool Replica::work(Day today) {
    Impl& impl = *impl_;
    if (impl.loading || !impl.loaded)
        return false;
    const Day first_day = std::clamp(today - 1, kFirstDay, kEndDay - 1);
    const DaySpan window{first_day, std::min(kEndDay, first_day + impl.options.set_days)};
    return impl.order_some(lock_) || impl.build_some(lock_, window);
}

bool Replica::Impl::order_some(SharedLock& lock) {
    if (ordered >= store.end())
        return false;
    std::unique_lock<SharedLock> guard(lock);
    const Slot end = std::min(store.end(), ordered + kOrderedAtOnce);
    for (; ordered < end; ++ordered)
        if (store.used(ordered))
            orders[store.get(ordered).table].insert(ordered);
    return true;
}

bool Replica::Impl::build_some(SharedLock& lock, DaySpan window) {
    if (building == nullptr) {
        for (std::size_t number = 0; number < blocks.size(); ++number) {
            Block& block = blocks[number];
            if (block.days != nullptr && block.days->window() == window)
                continue;
            const DaySpan has = block.days == nullptr ? DaySpan{0, 0} : block.days->window();
            // A window that moves on by a few days takes the new ones in.
            if (has.days() == options.set_days && window.days() == options.set_days &&
                has.first_day < window.first_day && window.first_day - has.first_day <= options.set_days / 8) {
                advance(lock, block, number, has.end_day);
                return true;
            }
            building = std::make_unique<Building>();
            building->block = number;
            building->next = static_cast<Slot>(number) * kBlockSlots;
            building->window = window;
            building->bits.resize(static_cast<std::size_t>(window.days()));
            return true;
        }
        return false;
    }
    // Only the writer reads and writes here: no lock.
    const Slot end = end_of_block(building->block);
    std::vector<PlacedCalendar> calendars;
    calendars.reserve(kSlotsAtOnce);
    for (; building->next < end && calendars.size() < kSlotsAtOnce; ++building->next) {
        if (!store.used(building->next))
            continue;
        const DaysetView booked = view_of(store.get(building->next).booked);
        if (!booked.empty())
            calendars.push_back({building->next % kBlockSlots, booked});
    }
    add_booked(calendars.data(), calendars.size(), building->window, building->bits.data());
    if (!calendars.empty() || building->next < end)
        return true;
    if (building->days == nullptr) {
        building->days = std::make_unique<DaySets>(options.set_days);
        building->days->begin(building->window);
        building->next_day = building->window.first_day;
        return true;
    }
    const Day end_day = std::min(building->window.end_day, building->next_day + kDaysAtOnce);
    for (; building->next_day < end_day; ++building->next_day)
        building->days->assign(
            building->next_day,
            building->bits[static_cast<std::size_t>(building->next_day - building->window.first_day)]);
    if (end_day < building->window.end_day)
        return true;
    std::unique_lock<SharedLock> guard(lock);
    blocks[building->block].days = std::move(building->days);
    building.reset();
    return true;
}

void Replica::Impl::advance(SharedLock& lock, Block& block, std::size_t number, Day day) {
    OrdinalBits bits;
    bits.clear();
    const Slot end = end_of_block(number);
    for (Slot slot = static_cast<Slot>(number) * kBlockSlots; slot < end; ++slot)
        if (store.used(slot) && view_of(store.get(slot).booked).contains(day))
            bits.add(slot % kBlockSlots);
    std::unique_lock<SharedLock> guard(lock);
    block.days->advance(bits);
}

} // namespace availability::reader

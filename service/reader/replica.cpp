#include "service/reader/replica.hpp"

#include <mutex>
#include <shared_mutex>

#include "relay/store.hpp"

namespace availability::reader {

struct Replica::Impl {
    mutable std::shared_mutex mutex;
    relay::Store store;
};

Replica::Replica(std::size_t) : impl_(std::make_unique<Impl>()) {}
Replica::~Replica() = default;

bool Replica::find(const Listing& listing, void* context, void (*look)(void*, const Held&)) const {
    const std::shared_lock<std::shared_mutex> lock(impl_->mutex);
    const relay::Slot slot = impl_->store.find(listing.table, listing.key);
    if (slot == relay::kNoSlot)
        return false;
    const relay::Calendar calendar = impl_->store.get(slot);
    if (calendar.dropped)
        return false;
    look(context, {calendar.version, calendar.booked});
    return true;
}

SetAnswer Replica::search(const SetQuery&) const {
    SetAnswer answer;
    answer.available = true;
    answer.source = Source::kReplica;
    return answer;
}
std::size_t Replica::listings() const { return impl_->store.listings(); }
std::size_t Replica::bytes() const { return impl_->store.bytes(); }

void Replica::begin_load() { impl_->store.begin_load(); }
bool Replica::apply(const Listing& listing, std::int64_t version, std::string_view booked) {
    const std::unique_lock<std::shared_mutex> lock(impl_->mutex);
    bool newer = false;
    impl_->store.apply(listing.table, listing.key, version, booked, false, &newer);
    return newer;
}
bool Replica::drop(const Listing& listing, std::int64_t version) {
    const std::unique_lock<std::shared_mutex> lock(impl_->mutex);
    bool newer = false;
    impl_->store.apply(listing.table, listing.key, version, {"\x3A\x30\0\0\0\0\0\0", 8}, true, &newer);
    return newer;
}
void Replica::forget(const Listing&) {}
void Replica::end_load() {
    impl_->store.end_load([](relay::Slot) {});
}

} // namespace availability::reader

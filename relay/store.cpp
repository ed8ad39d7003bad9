#include "relay/store.hpp"

#include <cstring>

#include "extension/core/dayset_format.hpp"

namespace availability::relay {

namespace {

constexpr std::uint8_t kEmptySet[kEmptySize] = {0x3A, 0x30, 0, 0, 0, 0, 0, 0};

std::uint64_t mix(std::uint64_t x) {
    // The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

} // namespace

Store::~Store() {
    for (Slot slot = 0; slot < end_; ++slot) {
        Entry& entry = at(slot);
        if (!entry.used)
            continue;
        if (entry.size > kInline)
            delete[] entry.bytes;
        if (entry.is_text)
            delete[] entry.text;
    }
}

Key Store::key_of(const Entry& entry) {
    if (!entry.is_text)
        return Key::of(entry.number);
    std::uint32_t size = 0;
    std::memcpy(&size, entry.text, sizeof(size));
    return Key::of(std::string_view(entry.text + sizeof(size), size));
}

std::string_view Store::booked_of(const Entry& entry) {
    return {entry.size > kInline ? entry.bytes : entry.inline_bytes, entry.size};
}

std::uint64_t Store::hash(std::uint16_t table, const Key& listing) {
    const std::uint64_t key = listing.kind == Key::Kind::kNumber ? static_cast<std::uint64_t>(listing.number)
                                                                 : std::hash<std::string_view>()(listing.text);
    return mix(key + 0x9e3779b97f4a7c15 * (std::uint64_t{table} * 2 + (listing.kind == Key::Kind::kText) + 1));
}

bool Store::matches(const Entry& entry, std::uint16_t table, const Key& listing) const {
    return entry.table == table && entry.is_text == (listing.kind == Key::Kind::kText) && key_of(entry) == listing;
}

// The place in the index of a listing, or the empty one where it would be.
std::size_t Store::place_of(std::uint16_t table, const Key& listing) const {
    const std::size_t mask = index_.size() - 1;
    std::size_t place = hash(table, listing) & mask;
    while (index_[place] != kNoSlot && !matches(at(index_[place]), table, listing))
        place = (place + 1) & mask;
    return place;
}

Slot Store::find(std::uint16_t table, const Key& listing) const {
    return index_.empty() ? kNoSlot : index_[place_of(table, listing)];
}

void Store::rehash(std::size_t places) {
    std::vector<Slot> index(places, kNoSlot);
    for (Slot slot = 0; slot < end_; ++slot) {
        const Entry& entry = at(slot);
        if (!entry.used)
            continue;
        std::size_t place = hash(entry.table, key_of(entry)) & (places - 1);
        while (index[place] != kNoSlot)
            place = (place + 1) & (places - 1);
        index[place] = slot;
    }
    index_ = std::move(index);
}

Slot Store::add(std::uint16_t table, const Key& listing) {
    if (index_.empty() || (used_ + 1) * 4 > index_.size() * 3)
        rehash(index_.empty() ? 1024 : index_.size() * 2);
    char* text = nullptr;
    if (listing.kind == Key::Kind::kText) {
        const auto size = static_cast<std::uint32_t>(listing.text.size());
        text = new char[sizeof(size) + size];
        std::memcpy(text, &size, sizeof(size));
        std::memcpy(text + sizeof(size), listing.text.data(), size);
        heap_bytes_ += sizeof(size) + size;
    }
    Slot slot = end_;
    if (!free_.empty()) {
        slot = free_.back();
        free_.pop_back();
    } else {
        if (end_ == chunks_.size() * kChunk)
            chunks_.emplace_back(new Entry[kChunk]());
        ++end_;
    }
    Entry& entry = at(slot);
    entry = Entry();
    entry.is_text = text != nullptr;
    if (text != nullptr)
        entry.text = text;
    else
        entry.number = listing.number;
    entry.version = kUnknownVersion;
    entry.loaded = static_cast<std::uint8_t>(load_ - 1);
    entry.table = table;
    entry.used = true;
    entry.dropped = true;
    ++used_;
    index_[place_of(table, listing)] = slot;
    return slot;
}

void Store::set_booked(Entry* entry, std::string_view booked) {
    char* bytes = booked.size() > kInline ? new char[booked.size()] : nullptr;
    if (entry->size > kInline) {
        heap_bytes_ -= entry->size;
        delete[] entry->bytes;
    }
    if (bytes != nullptr) {
        entry->bytes = bytes;
        heap_bytes_ += booked.size();
    } else {
        bytes = entry->inline_bytes;
    }
    std::memcpy(bytes, booked.data(), booked.size());
    entry->size = static_cast<std::uint32_t>(booked.size());
}

void Store::drop(Entry* entry) {
    set_booked(entry, {reinterpret_cast<const char*>(kEmptySet), sizeof(kEmptySet)});
    listings_ -= !entry->dropped;
    entry->dropped = true;
}

Slot Store::apply(std::uint16_t table, const Key& listing, std::int64_t version, std::string_view booked, bool dropped,
                  bool* newer) {
    Slot slot = find(table, listing);
    if (slot == kNoSlot)
        slot = add(table, listing);
    Entry& entry = at(slot);
    *newer = entry.version == kUnknownVersion || entry.loaded != load_ || version > entry.version;
    if (!*newer)
        return slot;
    entry.loaded = load_;
    unknown_ -= entry.unknown;
    entry.unknown = false;
    if (dropped) {
        drop(&entry);
    } else {
        set_booked(&entry, booked);
        listings_ += entry.dropped;
        entry.dropped = false;
    }
    entry.version = version;
    return slot;
}

Slot Store::load(std::uint16_t table, const Key& listing, std::int64_t version, std::string_view booked, bool* newer) {
    const Slot slot = find(table, listing);
    if (slot != kNoSlot && at(slot).loaded == load_ && at(slot).unknown) {
        *newer = false;
        return slot;
    }
    return apply(table, listing, version, booked, false, newer);
}

void Store::load_unreadable(std::uint16_t table, const Key& listing) {
    const Slot slot = find(table, listing);
    if (slot == kNoSlot || at(slot).loaded != load_)
        forget(table, listing);
}

Slot Store::forget(std::uint16_t table, const Key& listing, bool whatever_comes) {
    Slot slot = find(table, listing);
    if (slot == kNoSlot)
        slot = add(table, listing);
    Entry& entry = at(slot);
    // Whatever comes first in this load is newer than what was known in another.
    if (whatever_comes || entry.loaded != load_)
        entry.version = kUnknownVersion;
    entry.loaded = load_;
    drop(&entry);
    unknown_ += !entry.unknown;
    entry.unknown = true;
    return slot;
}

void Store::begin_load() {
    // Of 255 loads ago, none is known: the mark would look new.
    if (++load_ == 0)
        for (Slot slot = 0; slot < end_; ++slot)
            at(slot).loaded = static_cast<std::uint8_t>(load_ - 1);
}

Calendar Store::get(Slot slot) const {
    const Entry& entry = at(slot);
    return {entry.table, key_of(entry), entry.version, booked_of(entry), entry.dropped, entry.unknown};
}

std::size_t Store::bytes() const {
    return chunks_.size() * kChunk * sizeof(Entry) + index_.capacity() * sizeof(Slot) +
           free_.capacity() * sizeof(Slot) + heap_bytes_;
}

void Store::forget_dropped() {
    for (Slot slot = 0; slot < end_; ++slot) {
        Entry& entry = at(slot);
        if (!entry.used || !entry.dropped || entry.unknown)
            continue;
        if (entry.size > kInline) {
            heap_bytes_ -= entry.size;
            delete[] entry.bytes;
        }
        if (entry.is_text) {
            heap_bytes_ -= sizeof(std::uint32_t) + key_of(entry).text.size();
            delete[] entry.text;
        }
        entry = Entry();
        free_.push_back(slot);
        --used_;
    }
    rehash(index_.size());
}

} // namespace availability::relay

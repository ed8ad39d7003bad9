// Every calendar in memory: what the fan-out gives to new subscribers, and what a sink that missed events catches up
// from.
//
// A listing takes a slot of 64 bytes, its calendar in it as long as it has at most 40 bytes (seven stays), and 4 bytes
// and a bit of an index: a million listings about 80 MB. Numbers of slots are dense and stay while the listing does, so
// that a set of listings is a bitmap.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "relay/event.hpp"

namespace availability::relay {

using Slot = std::uint32_t;
inline constexpr Slot kNoSlot = UINT32_MAX;

// What the store holds of a listing. Views are valid until its next change.
struct Calendar {
    std::uint16_t table = 0;
    Key listing;
    std::int64_t version = kUnknownVersion;
    std::string_view booked;
    bool dropped = false; // the listing is gone; the slot remembers its version
    bool unknown = false; // with `dropped`: it may be there, but nothing is known of its calendar
};

class Store {
  public:
    Store() = default;
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    Slot find(std::uint16_t table, const Key& listing) const;

    // Takes a calendar over unless a newer one, or the same, is there; returns the listing's slot, *newer whether it
    // did. Throws std::bad_alloc.
    Slot apply(std::uint16_t table, const Key& listing, std::int64_t version, std::string_view booked, bool dropped,
               bool* newer);

    // The same of a row that was read in a snapshot, at no known place among the events. Of a listing of which an event
    // of this load could not be read it says nothing: it may be what that event has changed. A later event tells.
    Slot load(std::uint16_t table, const Key& listing, std::int64_t version, std::string_view booked, bool* newer);
    // The row is there and can't be read: unknown, unless an event of this load has told of it.
    void load_unreadable(std::uint16_t table, const Key& listing);

    // What is known of a listing, if anything, is void until something newer comes: it counts as gone, but unknown.
    // With `whatever_comes`, until anything comes: for who gets all in order. Returns its slot. Throws std::bad_alloc.
    Slot forget(std::uint16_t table, const Key& listing, bool whatever_comes = false);

    // Begins to load all calendars anew. Until end_load() the first that comes of a listing is taken over, whatever its
    // version: what was known before may be of another history.
    void begin_load();
    // All have come: the listings of which none did are gone. Calls dropped(slot) for each.
    template <typename Dropped>
    void end_load(Dropped dropped) {
        for (Slot slot = 0; slot < end_; ++slot) {
            Entry& entry = at(slot);
            if (!entry.used || entry.loaded == load_)
                continue;
            entry.loaded = load_;
            unknown_ -= entry.unknown;
            entry.unknown = false;
            if (!entry.dropped) {
                drop(&entry);
                dropped(slot);
            }
        }
    }

    // Whether the slot holds a listing, gone or not.
    bool used(Slot slot) const { return slot < end_ && at(slot).used; }
    Calendar get(Slot slot) const;
    // One past the greatest slot in use.
    Slot end() const { return end_; }
    std::size_t listings() const { return listings_; }
    std::size_t tombstones() const { return used_ - listings_ - unknown_; }
    std::size_t unknown() const { return unknown_; }
    // Bytes of memory, about.
    std::size_t bytes() const;

    // Forgets the listings that are gone, but for those that are unknown: their slots are for others.
    void forget_dropped();

  private:
    static constexpr std::size_t kInline = 40;
    static constexpr Slot kChunk = 4096;

    struct Entry {
        union {
            std::int64_t number;
            char* text; // length in four bytes, then the text
        };
        std::int64_t version;
        std::uint32_t size : 24;  // of the calendar
        std::uint32_t loaded : 8; // the load that it was last seen in
        std::uint16_t table;
        bool is_text : 1;
        bool used : 1;
        bool dropped : 1;
        bool unknown : 1;
        union {
            char inline_bytes[kInline];
            char* bytes;
        };
    };
    static_assert(sizeof(Entry) == 64);

    Entry& at(Slot slot) { return chunks_[slot / kChunk][slot % kChunk]; }
    const Entry& at(Slot slot) const { return chunks_[slot / kChunk][slot % kChunk]; }
    static Key key_of(const Entry& entry);
    static std::string_view booked_of(const Entry& entry);
    static std::uint64_t hash(std::uint16_t table, const Key& listing);
    bool matches(const Entry& entry, std::uint16_t table, const Key& listing) const;
    std::size_t place_of(std::uint16_t table, const Key& listing) const;
    void set_booked(Entry* entry, std::string_view booked);
    void drop(Entry* entry);
    Slot add(std::uint16_t table, const Key& listing);
    void rehash(std::size_t places);

    std::vector<std::unique_ptr<Entry[]>> chunks_;
    std::vector<Slot> index_; // open addressing, a power of two
    std::vector<Slot> free_;
    Slot end_ = 0;
    std::size_t used_ = 0;
    std::size_t listings_ = 0;
    std::size_t unknown_ = 0;
    std::size_t heap_bytes_ = 0;
    std::uint8_t load_ = 0;
};

} // namespace availability::relay

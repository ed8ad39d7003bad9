// L1: calendars in the process's memory, bounded in bytes.
//
// Admission and eviction by W-TinyLFU (Einziger, Eytan, Friedman, Manes: "Adaptive Software Cache Management", 2018): a
// newcomer lives in a small window; when it leaves that, it is let in only if it was asked for more often of late than
// what would have to go for it. So a scan over all listings evicts nothing that is read often.
//
//   window (1 %, LRU) → contest by the sketch → probation (LRU) ⇄ protected (80 % of the rest, LRU)
//
// What is past its time is not thrown away but told as such: it may be all that is left when every tier fails. Of one
// stretch of the stream (recent.hpp) a listing's versions only go forward.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "service/reader/answer.hpp"
#include "service/reader/popular.hpp"
#include "service/reader/recent.hpp"
#include "service/reader/sketch.hpp"

namespace availability::reader {

struct L1Options {
    std::size_t bytes = 0; // of all that it holds; too few for its index: it keeps nothing
    std::chrono::milliseconds ttl{60000};
    std::chrono::milliseconds hot_ttl{30000};
    std::chrono::milliseconds unknown_ttl{1000}; // of listings that don't exist
    std::size_t hot_listings = 1000;
    std::uint64_t seed = 0; // of the jitter, ± 20 % of each time to live
};

// What is kept of a listing, or is to be.
struct L1State {
    bool no_listing = false;
    std::int64_t version = kAnyVersion;
    std::int64_t as_of = 0; // when it was read: true whatever the stream does
    Epoch epoch = 0;
    Stretch stretch = 0;  // of now
    bool covered = false; // the stream tells what follows (Recent::covers)
    bool event = false;   // the stream brought it
    std::string_view booked;
};

class L1 {
  public:
    // Its place in memory; the listing's text and the calendar follow it.
    struct Entry {
        Entry* chain;
        Entry* previous;
        Entry* next;
        std::uint64_t hash;
        std::int64_t number;
        std::int64_t version;
        std::int64_t as_of;
        Epoch epoch;
        Clock::time_point filled;
        Clock::time_point expires;
        Stretch stretch;
        std::uint32_t text_size;
        std::uint32_t booked_size;
        std::uint32_t room; // for both
        std::uint16_t table;
        std::uint8_t segment;
        bool is_text : 1;
        bool no_listing : 1;
        bool covered : 1;
        bool hot : 1;
        bool renewing : 1; // the reader's mark: somebody asks for it anew

        char* data() { return reinterpret_cast<char*>(this + 1); }
        const char* data() const { return reinterpret_cast<const char*>(this + 1); }
        std::string_view booked() const { return {data() + text_size, booked_size}; }
        Listing listing() const {
            return {table, is_text ? Key::of(std::string_view(data(), text_size)) : Key::of(number)};
        }
    };

    struct Counters {
        std::uint64_t evicted = 0, rejected = 0;
    };

    explicit L1(const L1Options& options);
    ~L1();
    L1(const L1&) = delete;
    L1& operator=(const L1&) = delete;

    // The entry, expired or not, or nullptr; counts as a read. Valid until the next put().
    Entry* read(const Listing& listing, std::uint64_t hash);
    // The same, and nothing counts.
    Entry* find(const Listing& listing, std::uint64_t hash) const;

    // False if what is there is newer, or there is no room.
    bool put(const Listing& listing, std::uint64_t hash, const L1State& state, Clock::time_point now);
    void erase(const Listing& listing, std::uint64_t hash);
    void clear();

    std::size_t entries() const { return entries_; }
    // Of entries, index and sketch.
    std::size_t bytes() const { return fixed_bytes_ + window_.bytes + probation_.bytes + protected_.bytes; }
    const Counters& counters() const { return counters_; }

  private:
    enum Segment : std::uint8_t { kWindow, kProbation, kProtected };
    struct List {
        Entry* first = nullptr; // the latest
        Entry* last = nullptr;
        std::size_t bytes = 0;
    };

    List& list_of(std::uint8_t segment) {
        return segment == kWindow ? window_ : segment == kProbation ? probation_ : protected_;
    }
    void link(Entry* entry, Segment segment);
    void unlink(Entry* entry);
    void remove(Entry* entry);
    void touch(Entry* entry);
    void admit();
    Entry* make(const Listing& listing, std::uint64_t hash, std::size_t booked_size);
    void fill(Entry* entry, const L1State& state, Clock::time_point now);
    void set_expiry(Entry* entry);
    Entry** place_of(const Entry* entry);
    void drop_over_bound();

    L1Options options_;
    std::mt19937_64 random_;
    FrequencySketch sketch_;
    Popular popular_;
    std::vector<Entry*> index_;
    List window_, probation_, protected_;
    std::size_t fixed_bytes_ = 0;
    std::size_t window_bound_ = 0, main_bound_ = 0, protected_bound_ = 0;
    std::size_t entries_ = 0;
    std::uint64_t sample_;
    Counters counters_;
};

} // namespace availability::reader

// What Redis holds, for those who write it (the relay) and those who read and fill it (the service).
//
// A listing has keys that begin with the prefix of its table ("avail:v3:"), then the listing in braces, which are a
// hash tag: all keys of a listing lie in one slot of a Redis Cluster. Integers are big-endian.
//
//   layout    key                   value                              what it is
//   calendar  P{LISTING}            <epoch:8> <version:8> <booked>     the calendar: stored bytes of a day set
//   months    P{LISTING}:yyyy-mm    4 bytes                            a month: day d is bit d-1 in GETBIT's order
//             P{LISTING}:version    <epoch:8> <version:8>              the months that hold good: bit i of the mask,
//                                   <month:2> <mask:4>                 from the lowest, is the month `month` + i
//                                                                      since 1970-01
//   both      P{LISTING}[:version]  <epoch:8> <version:8>              tombstone: there is no such listing
//             P{LISTING}[:version]  <epoch:8> <version:8>              lease: somebody reads it in the database
//                                   "L" <token:8>
//             R{TAG}                <epoch:8> <lsn:8> <as_of:8>        the record of a relay on one master: everything
//                                   <written:8> <run id>               that anybody saw up to as_of is in this master
//
// How each is kept from telling old days:
//
//   - (epoch, version) orders all states of a listing. No script replaces a greater stamp by a smaller one.
//   - An entry holds good only if its epoch is that of a record (of the reader's relay, or of one of several). What an
//     earlier epoch wrote is a miss, whatever it says; it is overwritten by whoever comes first.
//   - A reader's fill is accepted onto the lease that the reader took before it asked the database, or onto an older
//     entry; never onto nothing. So neither expiry, nor eviction, nor a reader that slept for an hour brings old days
//     back: whoever wrote in between has overwritten the lease.
//   - A dropped listing leaves a tombstone, which outlives the leases that were there before it.
//   - A month counts if the mask has it. One that is not written with a change stays in the mask only if the entry was
//     not older than the state that the change followed.
//   - Replication keeps the order of writes, and a record lies on the master that it speaks of: a replica that was
//     behind when it became master has a record as old as its calendars. Readers ask for the record first, then for
//     the key.
//   - Fills come from the primary: a standby may be behind the events.
//
// Measured with Redis 7.0 (docs/redis.md): 214 bytes a listing with eleven bookings (`calendar`), 2.9 kB (`months`, 18
// months).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "extension/core/dayset_view.hpp"

namespace availability::layout {

enum class Layout : std::uint8_t { kCalendar, kMonths };

// --- keys ----------------------------------------------------------------------------------------

// The longest listing, in bytes as escaped: longer ones have no keys.
inline constexpr std::size_t kMaxListingSize = 1024;

// Appends P{LISTING}. Control characters, braces and the percent sign of a listing are written as %XX, so that any
// bytes can be a listing and the tag is never cut short; an empty listing is "%". False, and nothing appended, if the
// listing is too long.
bool append_listing_key(std::string_view prefix, std::string_view listing, std::string* key);
// The reverse, of P{LISTING}, P{LISTING}:yyyy-mm or P{LISTING}:version; false if it is none of these.
bool listing_of_key(std::string_view key, std::string_view prefix, std::string* listing);

// Months are numbered from January 1970; those of the supported days are 0 … kLastMonth.
using Month = int;
inline constexpr Month kLastMonth = (2149 - 1970) * 12 + 5;
// Of a supported day.
Month month_number(Day day);
// The supported days of a month.
DaySpan days_of(Month month);
// Appends ":yyyy-mm"; a month of the supported days.
void append_month(Month month, std::string* key);
inline constexpr std::string_view kVersionSuffix = ":version";
// What lets one of many readers ask the database for months that an entry lacks: SET NX PX. Only load depends on it.
inline constexpr std::string_view kCoalesceSuffix = ":lease";

// --- entries -------------------------------------------------------------------------------------

struct Stamp {
    std::uint64_t epoch = 0;
    std::int64_t version = 0;

    friend bool operator==(Stamp a, Stamp b) { return a.epoch == b.epoch && a.version == b.version; }
    friend bool operator!=(Stamp a, Stamp b) { return !(a == b); }
    friend bool operator<(Stamp a, Stamp b) { return a.epoch != b.epoch ? a.epoch < b.epoch : a.version < b.version; }
};
inline constexpr std::size_t kStampSize = 16;

// The months that a writer keeps: the mask has as many bits.
inline constexpr int kMaxMonths = 32;

// What P{LISTING} or P{LISTING}:version says. Views are into the bytes that were read.
struct Entry {
    enum class Kind : std::uint8_t { kCalendar, kMonths, kTombstone, kLease };

    Kind kind = Kind::kTombstone;
    Stamp stamp;
    DaysetView calendar;     // kCalendar
    std::string_view booked; // kCalendar: its stored bytes
    Month first_month = 0;   // kMonths
    std::uint32_t mask = 0;  // kMonths
    std::uint64_t token = 0; // kLease

    bool has_month(Month month) const {
        return kind == Kind::kMonths && month >= first_month && month < first_month + kMaxMonths &&
               (mask >> (month - first_month) & 1U) != 0;
    }
};

// Reads bytes of which nothing is believed. Returns nullptr, or a static phrase that says what is wrong.
const char* read_entry(Layout layout, std::string_view bytes, Entry* entry);

void append_stamp(Stamp stamp, std::string* bytes);
// The bytes of a calendar; `booked` are the stored bytes of a valid day set.
void append_calendar(Stamp stamp, std::string_view booked, std::string* bytes);
void append_months(Stamp stamp, Month first_month, std::uint32_t mask, std::string* bytes);
void append_lease(Stamp stamp, std::uint64_t token, std::string* bytes);

// --- months --------------------------------------------------------------------------------------

// The days of a month as bits: that of the first is the greatest of the first byte, as GETBIT counts them. Bits past
// the month's end are 0.
using MonthBits = std::array<char, 4>;
MonthBits month_bits(const DaysetView& calendar, Month month);
// False unless it is four bytes without a bit past the month's end.
bool read_month(std::string_view bytes, Month month, MonthBits* bits);
// Whether a day of the month, 1 … 31, is booked.
inline bool month_has(const MonthBits& bits, int day) {
    return (static_cast<unsigned char>(bits[static_cast<std::size_t>(day - 1) / 8]) >> (7 - (day - 1) % 8) & 1) != 0;
}

// The months from `first` on, as many as `count` (1 … kMaxMonths), in which two calendars differ: bit i is the month
// first + i.
std::uint32_t changed_months(const DaysetView& a, const DaysetView& b, Month first, int count);

// --- records of relays ---------------------------------------------------------------------------

// One a relay and master; a reader takes the one that is on the master of the keys which it reads. R is the prefix of
// the relay ("avail:v3:relay:"), TAG that of the lowest slot of the master (tag_of_slot() of redis/hash_slot.hpp), of a
// single Redis that of slot 0.
struct Record {
    std::uint64_t epoch = 0;
    std::uint64_t lsn = 0; // all up to here is applied
    // Microseconds since 1970 by the database's clock: everything that anybody saw by then is applied.
    std::int64_t as_of = 0;
    std::int64_t written = 0; // microseconds since 1970, the relay's clock
    std::string_view run_id;  // of the Redis that it was written to
};
inline constexpr std::size_t kRecordSize = 32;
inline constexpr std::size_t kMaxRunIdSize = 64;

void append_record_key(std::string_view prefix, std::string_view tag, std::string* key);
void append_record(const Record& record, std::string* bytes);
const char* read_record(std::string_view bytes, Record* record);

// --- scripts -------------------------------------------------------------------------------------

// Each is called by EVALSHA with keys of one listing. What they take stands above each in layout_scripts.cpp.
enum class Script : std::uint8_t {
    kWriteCalendar,  // the relay's write
    kWriteCalendars, // the same of many listings; all keys in one slot, or no Cluster
    kWriteMonths,    // the relay's write of all months, or of those that changed
    kDrop,           // the relay's tombstone; the month keys that are given are deleted
    kLease,          // before a reader asks the database
    kFillCalendar,   // a reader's fill
    kFillMonths,
    kRecord, // the relay's record; the answer is the record that was there
};
inline constexpr int kScripts = 8;

std::string_view source_of(Script script);

// What writes and drops answer.
enum class Written : std::int64_t {
    kOlder = 0, // a greater stamp was there: nothing done
    kWritten = 1,
    kGap = 2, // kWriteMonths with changes alone, onto something older than what they follow: write all months
};

// kLease answers one of these, or the bytes of the entry that is there.
enum class Leased : std::int64_t { kBusy = 0, kGranted = 1 };

} // namespace availability::layout

#include "relay/redis/write_commands.hpp"

#include <algorithm>

#include "relay/redis/command.hpp"
#include "relay/redis/hash_slot.hpp"
#include "relay/redis/scripts.hpp"

namespace availability::relay::redis {

using layout::Month;
using layout::Script;

namespace {

constexpr std::int64_t kDayMilliseconds = 86400000;
// Tombstones outlive every lease by far.
constexpr std::int64_t kLeastTombstoneLife = 600000;

DaysetView view_of(std::string_view bytes) {
    DaysetView view;
    // Events are validated where they are read.
    return DaysetView::open(bytes.data(), bytes.size(), &view) ? view : DaysetView();
}

void append_version(std::int64_t version, std::string* bytes) {
    for (int shift = 56; shift >= 0; shift -= 8)
        bytes->push_back(static_cast<char>(static_cast<std::uint64_t>(version) >> shift));
}

} // namespace

void WriteCommands::set_today(Day day) {
    today_ = std::clamp(day, kFirstDay, kLastDay);
    // One back: somewhere it is still yesterday.
    first_month_ = std::max(0, layout::month_number(today_) - 1);
}

std::int64_t WriteCommands::life() {
    // xorshift64: lives need to differ, no more.
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    const auto ttl = static_cast<double>(options_.ttl.count());
    const double chance = static_cast<double>(random_ >> 11) * 0x1p-53 * 2 - 1;
    return ttl == 0 ? 0
                    : std::max<std::int64_t>(1, static_cast<std::int64_t>(ttl * (1 + options_.ttl_spread * chance)));
}

std::int64_t WriteCommands::longest_life() const {
    return static_cast<std::int64_t>(static_cast<double>(options_.ttl.count()) * (1 + options_.ttl_spread)) + 1;
}

std::int64_t WriteCommands::tombstone_life() const {
    return std::max(2 * longest_life(), kLeastTombstoneLife);
}

// Without a TTL months go when they are past for two.
std::int64_t WriteCommands::months_life(Month last) {
    return options_.ttl.count() != 0 ? life() : (layout::days_of(last).end_day - today_ + 62) * kDayMilliseconds;
}

std::uint32_t WriteCommands::all_months() const {
    const int count = std::min(options_.months + 1, layout::kLastMonth - first_month_ + 1);
    return count >= layout::kMaxMonths ? UINT32_MAX : (1U << count) - 1;
}

bool WriteCommands::append_listing(const Event& event) {
    listing_.clear();
    event.listing.append_to(&listing_);
    key_.clear();
    return event.table < options_.prefixes.size() &&
           layout::append_listing_key(options_.prefixes[event.table], listing_, &key_);
}

// Of the key that append_listing() left.
std::string_view WriteCommands::entry_key() {
    text_ = key_;
    if (options_.layout == layout::Layout::kMonths)
        text_ += layout::kVersionSuffix;
    return text_;
}

bool WriteCommands::append(const Event& event, bool full, std::string* wire, std::uint16_t* slot) {
    if (event.listing.empty())
        return true;
    if (event.kind == EventKind::kUnreadable)
        return append_delete(event, wire, slot);
    if (!append_listing(event))
        return false;
    *slot = slot_of(key_);
    if (event.kind == EventKind::kDropped)
        return append_drop(event, wire);
    return options_.layout == layout::Layout::kCalendar ? append_calendar(event, wire)
                                                        : append_months(event, full, wire);
}

bool WriteCommands::append_calendar(const Event& event, std::string* wire) {
    value_.clear();
    layout::append_calendar({epoch_, event.version}, event.booked, &value_);
    Command(wire, 6).add("EVALSHA").add(name_of(Script::kWriteCalendar)).add(1).add(key_).add(value_).add(life());
    return true;
}

bool WriteCommands::is_groupable(const Event& event) const {
    return options_.layout == layout::Layout::kCalendar && event.kind != EventKind::kDropped &&
           event.kind != EventKind::kUnreadable && !event.listing.empty();
}

bool WriteCommands::append_group(const Event* const* events, std::size_t count, std::string* wire) {
    Command head(wire, 3 + 3 * count);
    head.add("EVALSHA").add(name_of(Script::kWriteCalendars)).add(static_cast<std::int64_t>(count));
    group_.clear();
    for (std::size_t i = 0; i < count; i++) {
        if (!append_listing(*events[i]))
            return false;
        head.add(key_);
        value_.clear();
        layout::append_calendar({epoch_, events[i]->version}, events[i]->booked, &value_);
        Command(&group_).add(value_).add(life());
    }
    wire->append(group_);
    return true;
}

bool WriteCommands::append_months(const Event& event, bool full, std::string* wire) {
    const DaysetView calendar = view_of(event.booked);
    const bool partial = !full && event.previous_version != kUnknownVersion;
    std::uint32_t mask = all_months();
    if (partial)
        mask &= layout::changed_months(view_of(event.previous), calendar, first_month_, layout::kMaxMonths);
    value_.clear();
    layout::append_months({epoch_, event.version}, first_month_, mask, &value_);
    if (partial)
        append_version(event.previous_version, &value_);

    const auto count = static_cast<std::size_t>(__builtin_popcount(mask));
    const Month last = count == 0 ? first_month_ : first_month_ + 31 - __builtin_clz(mask);
    Command out(wire, 7 + 2 * count);
    out.add("EVALSHA").add(name_of(Script::kWriteMonths)).add(static_cast<std::int64_t>(1 + count)).add(entry_key());
    for (Month month = first_month_; month <= last; month++)
        if ((mask >> (month - first_month_) & 1U) != 0) {
            text_ = key_;
            layout::append_month(month, &text_);
            out.add(text_);
        }
    // The version outlives the months.
    out.add(value_).add(options_.ttl.count() == 0 ? 0 : 2 * longest_life()).add(months_life(last));
    for (Month month = first_month_; month <= last; month++)
        if ((mask >> (month - first_month_) & 1U) != 0) {
            const layout::MonthBits bits = layout::month_bits(calendar, month);
            out.add(std::string_view(bits.data(), bits.size()));
        }
    return true;
}

bool WriteCommands::append_drop(const Event& event, std::string* wire) {
    value_.clear();
    layout::append_stamp({epoch_, event.version}, &value_);
    const std::uint32_t mask = options_.layout == layout::Layout::kMonths ? all_months() : 0;
    const int count = __builtin_popcount(mask);
    Command out(wire, static_cast<std::size_t>(6 + count));
    out.add("EVALSHA").add(name_of(Script::kDrop)).add(1 + count).add(entry_key());
    for (int i = 0; i < count; i++) {
        text_ = key_;
        layout::append_month(first_month_ + i, &text_);
        out.add(text_);
    }
    out.add(value_).add(tombstone_life());
    return true;
}

bool WriteCommands::append_delete(const Event& event, std::string* wire, std::uint16_t* slot) {
    if (!append_listing(event))
        return false;
    *slot = slot_of(key_);
    const std::uint32_t mask = options_.layout == layout::Layout::kMonths ? all_months() : 0;
    const int count = __builtin_popcount(mask);
    Command out(wire, static_cast<std::size_t>(2 + count));
    out.add("DEL").add(entry_key());
    for (int i = 0; i < count; i++) {
        text_ = key_;
        layout::append_month(first_month_ + i, &text_);
        out.add(text_);
    }
    return true;
}

} // namespace availability::relay::redis

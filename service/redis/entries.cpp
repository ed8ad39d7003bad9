#include "service/redis/entries.hpp"

#include <algorithm>

#include "extension/core/dayset.hpp"
#include "relay/redis/command.hpp"
#include "relay/redis/scripts.hpp"

namespace availability::shared_cache {

using layout::Entry;
using layout::Layout;
using layout::Month;
using layout::Script;
using reader::Fill;
using reader::OwnedListing;
using reader::TierAnswer;
using relay::redis::Command;
using relay::redis::Reply;

namespace {

// What both layouts have: the verdict, unless the entry is a calendar or months of the epoch.
bool judge(Layout layout, std::string_view bytes, Epoch epoch, Entry* entry, Verdict* verdict) {
    if (layout::read_entry(layout, bytes, entry) != nullptr)
        *verdict = Verdict::kBroken;
    else if (entry->stamp.epoch != epoch)
        *verdict = Verdict::kOtherEpoch;
    else if (entry->kind == Entry::Kind::kLease)
        *verdict = Verdict::kLease;
    else if (entry->kind == Entry::Kind::kTombstone)
        *verdict = Verdict::kTombstone;
    else
        return false;
    return true;
}

void take_stamp(const Entry& entry, TierAnswer* answer) {
    answer->epoch = entry.stamp.epoch;
    answer->version = entry.stamp.version;
}

void add_month(const layout::MonthBits& bits, Month month, Dayset* set) {
    const DaySpan days = layout::days_of(month);
    for (Day day = 0; day < days.days();) {
        Day end = day;
        while (end < days.days() && layout::month_has(bits, end + 1))
            end++;
        if (end > day)
            set->add({days.first_day + day, days.first_day + end});
        day = end + 1;
    }
}

} // namespace

Window Window::at(Day today, int months) {
    Window window;
    window.first = std::max(0, layout::month_number(std::clamp(today, kFirstDay, kLastDay)) - 1);
    window.count = std::min({months + 1, layout::kMaxMonths, layout::kLastMonth - window.first + 1});
    return window;
}

DaySpan Window::days() const {
    return {layout::days_of(first).first_day, layout::days_of(first + count - 1).end_day};
}

Verdict read_calendar(std::string_view bytes, Epoch epoch, TierAnswer* answer) {
    Entry entry;
    Verdict verdict = Verdict::kFound;
    if (judge(Layout::kCalendar, bytes, epoch, &entry, &verdict)) {
        if (verdict == Verdict::kTombstone)
            take_stamp(entry, answer);
        return verdict;
    }
    take_stamp(entry, answer);
    answer->booked = entry.booked;
    return Verdict::kFound;
}

Verdict read_months(const Reply* values, std::size_t count, Window window, Epoch epoch, TierAnswer* answer) {
    if (count != static_cast<std::size_t>(window.count) + 1)
        return Verdict::kBroken;
    if (values[0].type != Reply::Type::kString)
        return Verdict::kNothing;
    Entry entry;
    Verdict verdict = Verdict::kFound;
    if (judge(Layout::kMonths, values[0].text, epoch, &entry, &verdict)) {
        if (verdict == Verdict::kTombstone)
            take_stamp(entry, answer);
        return verdict;
    }
    Dayset set;
    for (int i = 0; i < window.count; i++) {
        const Month month = window.first + i;
        const Reply& value = values[i + 1];
        layout::MonthBits bits;
        if (!entry.has_month(month) || value.type != Reply::Type::kString)
            return Verdict::kIncomplete;
        if (!layout::read_month(value.text, month, &bits))
            return Verdict::kBroken;
        add_month(bits, month, &set);
    }
    take_stamp(entry, answer);
    answer->booked.resize(set.stored_size());
    set.write(answer->booked.data());
    answer->known = window.days();
    return Verdict::kFound;
}

bool append_key(const Table& table, const OwnedListing& listing, std::string* key) {
    return layout::append_listing_key(table.prefix, listing.is_text ? listing.text : std::to_string(listing.number),
                                      key);
}

std::string entry_key(Layout layout, const std::string& key) {
    return layout == Layout::kCalendar ? key : key + std::string(layout::kVersionSuffix);
}

void append_read_keys(Layout layout, Window window, const std::string& key, std::vector<std::string>* keys) {
    keys->push_back(entry_key(layout, key));
    if (layout == Layout::kCalendar)
        return;
    for (int i = 0; i < window.count; i++) {
        keys->push_back(key);
        layout::append_month(window.first + i, &keys->back());
    }
}

std::string token_bytes(std::uint64_t token) {
    std::string bytes;
    for (int shift = 56; shift >= 0; shift -= 8)
        bytes.push_back(static_cast<char>(token >> shift));
    return bytes;
}

std::string lease_command(Layout layout, const std::string& key, Epoch epoch, std::uint64_t token, std::int64_t life) {
    std::string lease;
    layout::append_lease({epoch, 0}, token, &lease);
    return relay::redis::command("EVALSHA", relay::redis::name_of(Script::kLease), 1, entry_key(layout, key), lease,
                                 life);
}

std::string fill_command(Layout layout, Window window, const std::string& key, const Fill& fill, Lives lives) {
    const layout::Stamp stamp{fill.epoch, fill.no_listing ? 0 : fill.version};
    std::string value;
    if (layout == Layout::kCalendar) {
        if (fill.no_listing)
            layout::append_stamp(stamp, &value);
        else
            layout::append_calendar(stamp, fill.booked, &value);
        return relay::redis::command("EVALSHA", relay::redis::name_of(Script::kFillCalendar), 1, key, value,
                                     lives.entry, token_bytes(fill.token));
    }
    DaysetView calendar;
    const bool months = !fill.no_listing && DaysetView::open(fill.booked.data(), fill.booked.size(), &calendar);
    const auto count = static_cast<std::size_t>(months ? window.count : 0);
    std::vector<std::string> keys;
    append_read_keys(layout, window, key, &keys);
    if (months)
        layout::append_months(stamp, window.first,
                              count >= 32 ? UINT32_MAX : static_cast<std::uint32_t>((std::uint64_t{1} << count) - 1),
                              &value);
    else
        layout::append_stamp(stamp, &value);
    std::string wire;
    Command command(&wire, 8 + 2 * count);
    command.add("EVALSHA").add(relay::redis::name_of(Script::kFillMonths)).add(static_cast<std::int64_t>(1 + count));
    for (std::size_t i = 0; i <= count; i++)
        command.add(keys[i]);
    command.add(value).add(lives.entry).add(lives.months).add(token_bytes(fill.token));
    for (std::size_t i = 0; i < count; i++) {
        const layout::MonthBits bits = layout::month_bits(calendar, window.first + static_cast<int>(i));
        command.add(std::string_view(bits.data(), bits.size()));
    }
    return wire;
}

} // namespace availability::shared_cache

// Fuzz target: what a reader finds in Redis, under keys that anyone may have written.

#include <string>
#include <string_view>

#include "relay/layout.hpp"
#include "test/core/fuzz.hpp"

using namespace availability;
using namespace availability::layout;

namespace {

const char* examine_entry(Layout layout, std::string_view bytes) {
    Entry entry;
    if (read_entry(layout, bytes, &entry) != nullptr)
        return nullptr;
    std::string again;
    switch (entry.kind) {
    case Entry::Kind::kCalendar:
        append_calendar(entry.stamp, entry.booked, &again);
        changed_months(entry.calendar, DaysetView(), 680, kMaxMonths);
        for (const Month month : {0, 680, kLastMonth}) {
            const MonthBits bits = month_bits(entry.calendar, month);
            MonthBits read;
            if (!read_month(std::string_view(bits.data(), bits.size()), month, &read) || read != bits)
                return "a month that is written is not read";
        }
        break;
    case Entry::Kind::kMonths:
        append_months(entry.stamp, entry.first_month, entry.mask, &again);
        for (Month month = -1; month <= kLastMonth + 1; month++)
            entry.has_month(month);
        break;
    case Entry::Kind::kTombstone:
        append_stamp(entry.stamp, &again);
        break;
    case Entry::Kind::kLease:
        append_lease(entry.stamp, entry.token, &again);
        break;
    }
    return again == bytes ? nullptr : "an entry that is read is not what is written";
}

const char* examine_key(std::string_view key) {
    std::string listing;
    std::string again;
    if (!listing_of_key(key, "avail:v3:", &listing))
        return nullptr;
    if (!append_listing_key("avail:v3:", listing, &again) || key.substr(0, again.size()) != again)
        return "the key of a listing is another";
    return nullptr;
}

} // namespace

const char* examine(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    for (const Layout layout : {Layout::kCalendar, Layout::kMonths})
        if (const char* problem = examine_entry(layout, bytes))
            return problem;
    Record record;
    if (read_record(bytes, &record) == nullptr) {
        std::string again;
        append_record(record, &again);
        if (again != bytes)
            return "a record that is read is not what is written";
    }
    MonthBits bits;
    read_month(bytes, 1, &bits);
    return examine_key(bytes);
}

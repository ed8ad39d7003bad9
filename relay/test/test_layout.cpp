// What Redis holds: keys, entries, months, records; from any bytes.

#include <random>
#include <set>

#include "relay/layout.hpp"
#include "relay/redis/hash_slot.hpp"
#include "relay/test/fake_feed.hpp"
#include "test/core/check.hpp"

using namespace availability;
using namespace availability::layout;

namespace {

std::string key_of(std::string_view listing) {
    std::string key;
    return append_listing_key("avail:v3:", listing, &key) ? key : "-";
}

DaysetView view_of(const std::string& bytes) {
    DaysetView view;
    CHECK(DaysetView::open(bytes.data(), bytes.size(), &view));
    return view;
}

void keys() {
    CHECK(key_of("42") == "avail:v3:{42}");
    CHECK(key_of("Haus am See") == "avail:v3:{Haus am See}");
    CHECK(key_of("") == "avail:v3:{%}");
    CHECK(key_of("}") == "avail:v3:{%7D}");
    CHECK(key_of("{a}%\n") == "avail:v3:{%7Ba%7D%25%0A}");
    CHECK(key_of(std::string(kMaxListingSize, 'x')) != "-");
    CHECK(key_of(std::string(kMaxListingSize + 1, 'x')) == "-");
    CHECK(key_of(std::string(kMaxListingSize / 3 + 1, '\x01')) == "-");
    std::string month = key_of("42");
    append_month(month_number(day_from_civil({2026, 12, 31})), &month);
    CHECK(month == "avail:v3:{42}:2026-12");
}

// Any listing has a key of its own, gives itself back, and all its keys lie in the slot of its tag.
void keys_of_any_bytes() {
    std::mt19937 random(7);
    std::set<std::string> listings;
    std::set<std::string> all;
    for (int i = 0; i < 20000; i++) {
        std::string listing;
        for (unsigned size = random() % 6; listing.size() < size;)
            listing += "{}%7DB:\n\0a0\xff"[random() % 12];
        if (!listings.insert(listing).second)
            continue;
        const std::string key = key_of(listing);
        CHECK(all.insert(key).second);
        for (const std::string& suffix : {std::string(), std::string(kVersionSuffix), std::string(":2026-12")}) {
            std::string back = "?";
            CHECK(listing_of_key(key + suffix, "avail:v3:", &back) && back == listing);
            CHECK(relay::redis::slot_of(key + suffix) == relay::redis::slot_of(key));
        }
    }
    std::string listing;
    for (const char* wrong :
         {"avail:v3:{42", "avail:v3:42", "avail:v3:{}", "avail:v3:{%4}", "avail:v3:{%41}", "avail:v3:{%7d}",
          "avail:v3:{42}:2026-1", "avail:v3:{42}x", "avail:v4:{42}", "", "avail:v3:{4{2}"})
        CHECK(!listing_of_key(wrong, "avail:v3:", &listing));
}

void entries() {
    const std::string booked = test::stored_bytes({{20820, 20827}, {20900, 20903}});
    std::string bytes;
    append_calendar({0x0102030405060708, 0x1112131415161718}, booked, &bytes);
    CHECK(bytes.substr(0, 16) == "\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18");
    Entry entry;
    CHECK(read_entry(Layout::kCalendar, bytes, &entry) == nullptr);
    CHECK(entry.kind == Entry::Kind::kCalendar && entry.stamp == (Stamp{0x0102030405060708, 0x1112131415161718}));
    CHECK(entry.booked == booked && entry.calendar.contains(20826) && !entry.calendar.contains(20827));
    CHECK(read_entry(Layout::kMonths, bytes, &entry) != nullptr);

    bytes.clear();
    append_months({7, -5}, 683, 0x80000001U, &bytes);
    CHECK(read_entry(Layout::kMonths, bytes, &entry) == nullptr);
    CHECK(entry.kind == Entry::Kind::kMonths && entry.stamp == (Stamp{7, -5}));
    CHECK(entry.has_month(683) && !entry.has_month(684) && entry.has_month(714) && !entry.has_month(715) &&
          !entry.has_month(682));
    CHECK(read_entry(Layout::kCalendar, bytes, &entry) != nullptr);

    bytes.clear();
    append_stamp({7, 8}, &bytes);
    for (const Layout layout : {Layout::kCalendar, Layout::kMonths})
        CHECK(read_entry(layout, bytes, &entry) == nullptr && entry.kind == Entry::Kind::kTombstone &&
              entry.stamp == (Stamp{7, 8}));
    bytes.clear();
    append_lease({7, INT64_MIN}, 0xFEDCBA9876543210U, &bytes);
    for (const Layout layout : {Layout::kCalendar, Layout::kMonths})
        CHECK(read_entry(layout, bytes, &entry) == nullptr && entry.kind == Entry::Kind::kLease &&
              entry.token == 0xFEDCBA9876543210U);

    CHECK((Stamp{1, 5} < Stamp{2, -5}) && (Stamp{1, -5} < Stamp{1, 5}) && !(Stamp{1, 5} < Stamp{1, 5}));
    // A calendar as large as any, and one byte more.
    std::vector<DaySpan> every_other;
    for (Day day = 0; day < kEndDay; day += 2)
        every_other.push_back({day, day + 1});
    bytes.clear();
    append_calendar({1, 1}, test::stored_bytes(every_other), &bytes);
    CHECK(read_entry(Layout::kCalendar, bytes, &entry) == nullptr && entry.calendar.count() == 32768);
    bytes.push_back('\0');
    CHECK(read_entry(Layout::kCalendar, bytes, &entry) != nullptr);
}

// Nothing but what the writers write is read, whatever else is there.
void hostile_entries() {
    std::mt19937 random(11);
    const std::string booked = test::stored_bytes({{20820, 20827}, {20900, 20903}});
    std::string good;
    append_calendar({1, 2}, booked, &good);
    int refused = 0;
    for (int i = 0; i < 50000; i++) {
        std::string bytes = good.substr(0, random() % (good.size() + 1));
        for (unsigned changes = random() % 4; changes > 0 && !bytes.empty(); changes--)
            bytes[random() % bytes.size()] = static_cast<char>(random());
        for (const Layout layout : {Layout::kCalendar, Layout::kMonths}) {
            Entry entry;
            if (read_entry(layout, bytes, &entry) != nullptr) {
                refused++;
                continue;
            }
            std::string again;
            if (entry.kind == Entry::Kind::kCalendar)
                append_calendar(entry.stamp, entry.booked, &again);
            else if (entry.kind == Entry::Kind::kMonths)
                append_months(entry.stamp, entry.first_month, entry.mask, &again);
            else if (entry.kind == Entry::Kind::kLease)
                append_lease(entry.stamp, entry.token, &again);
            else
                append_stamp(entry.stamp, &again);
            CHECK(again == bytes);
        }
    }
    CHECK(refused > 1000);
}

void months() {
    const Day first = day_from_civil({2026, 2, 1});
    const std::string booked = test::stored_bytes({{first, first + 1}, {first + 27, first + 31}});
    const Month month = month_number(first);
    MonthBits bits = month_bits(view_of(booked), month);
    CHECK(std::string(bits.data(), 4) == std::string("\x80\x00\x00\x10", 4));
    CHECK(month_has(bits, 1) && !month_has(bits, 2) && month_has(bits, 28));
    bits = month_bits(view_of(booked), month + 1);
    CHECK(std::string(bits.data(), 4) == std::string("\xE0\x00\x00\x00", 4));
    CHECK(read_month(std::string_view("\xE0\x00\x00\x00", 4), month + 1, &bits) && month_has(bits, 3) &&
          !month_has(bits, 4));
    CHECK(!read_month(std::string_view("\xE0\x00\x00", 3), month, &bits));
    CHECK(!read_month(std::string_view("\x00\x00\x00\x08", 4), month, &bits)); // 29 February 2026
    CHECK(read_month(std::string_view("\x00\x00\x00\x08", 4), month_number(day_from_civil({2028, 2, 1})), &bits));
    CHECK(days_of(kLastMonth).end_day == kEndDay && days_of(0).first_day == 0 && month_number(kLastDay) == kLastMonth);
}

// Against the bits of each month.
void changed_months_agree() {
    std::mt19937 random(5);
    const auto any_calendar = [&] {
        std::vector<DaySpan> spans;
        for (unsigned runs = random() % 8; runs > 0; runs--) {
            const Day day =
                random() % 4 == 0 ? static_cast<Day>(random() % kEndDay) : static_cast<Day>(20000 + random() % 800);
            spans.push_back(
                {day, std::min<Day>(kEndDay, day + 1 + static_cast<Day>(random() % (random() % 4 == 0 ? 900 : 9)))});
        }
        return spans;
    };
    for (int i = 0; i < 20000; i++) {
        std::vector<DaySpan> spans = any_calendar();
        const std::string a = test::stored_bytes(spans);
        if (random() % 4 == 0)
            spans = any_calendar();
        if (spans.empty() || random() % 4 != 0)
            spans.push_back({static_cast<Day>(20000 + random() % 800), 0});
        spans.back().end_day = std::min<Day>(kEndDay, spans.back().first_day + 1 + static_cast<Day>(random() % 5));
        const std::string b = test::stored_bytes(spans);
        const Month first = random() % 8 == 0 ? static_cast<Month>(random() % kLastMonth)
                                              : month_number(20000 + static_cast<Day>(random() % 400));
        const int count = 1 + static_cast<int>(random() % kMaxMonths);
        std::uint32_t expected = 0;
        for (int m = 0; m < count && first + m <= kLastMonth; m++)
            if (month_bits(view_of(a), first + m) != month_bits(view_of(b), first + m))
                expected |= 1U << m;
        CHECK(changed_months(view_of(a), view_of(b), first, count) == expected);
    }
}

void records() {
    std::string bytes;
    const std::string run_id(40, 'a');
    append_record({1, 2, -3, 4, run_id}, &bytes);
    Record record;
    CHECK(read_record(bytes, &record) == nullptr);
    CHECK(record.epoch == 1 && record.lsn == 2 && record.as_of == -3 && record.written == 4 && record.run_id == run_id);
    CHECK(read_record(bytes.substr(0, 31), &record) != nullptr);
    CHECK(read_record(bytes + std::string(25, 'b'), &record) != nullptr);
    std::string key;
    append_record_key("avail:v3:relay:", relay::redis::tag_of_slot(5461), &key);
    CHECK(relay::redis::slot_of(key) == 5461);
}

} // namespace

int main() {
    test::run("keys of listings", keys);
    test::run("keys of any bytes are distinct, give the listing back, and share a slot", keys_of_any_bytes);
    test::run("entries", entries);
    test::run("entries of hostile bytes", hostile_entries);
    test::run("months", months);
    test::run("the months in which calendars differ are those whose bits differ", changed_months_agree);
    test::run("records", records);
    return test::exit_status();
}

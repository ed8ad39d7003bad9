#include "relay/layout.hpp"

#include <algorithm>
#include <cstring>

#include "extension/core/dayset_difference.hpp"
#include "extension/core/dayset_validate.hpp"

namespace availability::layout {

namespace {

void append_integer(std::uint64_t value, int bytes, std::string* out) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        out->push_back(static_cast<char>(value >> shift));
}

std::uint64_t integer_at(std::string_view bytes, std::size_t at, int size) {
    std::uint64_t value = 0;
    for (int i = 0; i < size; i++)
        value = value << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
    return value;
}

constexpr char kHex[] = "0123456789ABCDEF";

bool is_escaped(unsigned char byte) {
    return byte < 0x20 || byte == 0x7F || byte == '{' || byte == '}' || byte == '%';
}

int hex_digit(char digit) {
    const char* place = digit == '\0' ? nullptr : std::strchr(kHex, digit);
    return place == nullptr ? -1 : static_cast<int>(place - kHex);
}

// False unless it is what append_listing_key() writes.
bool unescape(std::string_view escaped, std::string* listing) {
    listing->clear();
    if (escaped.empty() || escaped.size() > kMaxListingSize)
        return false;
    if (escaped == "%")
        return true;
    for (std::size_t i = 0; i < escaped.size(); i++) {
        const auto byte = static_cast<unsigned char>(escaped[i]);
        if (byte != '%') {
            if (is_escaped(byte))
                return false;
            listing->push_back(escaped[i]);
            continue;
        }
        const int high = i + 2 < escaped.size() ? hex_digit(escaped[i + 1]) : -1;
        const int low = i + 2 < escaped.size() ? hex_digit(escaped[i + 2]) : -1;
        if (high < 0 || low < 0 || !is_escaped(static_cast<unsigned char>(high << 4 | low)))
            return false;
        listing->push_back(static_cast<char>(high << 4 | low));
        i += 2;
    }
    return true;
}

// The first day of each month, and of the one after the last.
struct MonthStarts {
    std::array<Day, kLastMonth + 2> days;

    MonthStarts() {
        for (Month month = 0; month <= kLastMonth + 1; month++)
            days[static_cast<std::size_t>(month)] = day_from_civil({1970 + month / 12, month % 12 + 1, 1});
    }
};

const MonthStarts& month_starts() {
    static const MonthStarts starts;
    return starts;
}

// One month and what is after the braces: ":yyyy-mm".
bool is_month_suffix(std::string_view suffix) {
    if (suffix.size() != 8 || suffix[0] != ':' || suffix[5] != '-')
        return false;
    for (const std::size_t i : {1, 2, 3, 4, 6, 7})
        if (suffix[i] < '0' || suffix[i] > '9')
            return false;
    return true;
}

const char* read_calendar(std::string_view booked, Entry* entry) {
    bool canonical = false;
    if (booked.size() > kMaxStoredSize)
        return "a calendar is too large";
    const char* problem = validate(booked.data(), booked.size(), &entry->calendar, &canonical);
    if (problem != nullptr)
        return problem;
    entry->kind = Entry::Kind::kCalendar;
    entry->booked = booked;
    return nullptr;
}

const char* read_months(std::string_view bytes, Entry* entry) {
    if (bytes.size() != kStampSize + 6)
        return "an entry of months has another size";
    entry->first_month = static_cast<Month>(integer_at(bytes, kStampSize, 2));
    entry->mask = static_cast<std::uint32_t>(integer_at(bytes, kStampSize + 2, 4));
    if (entry->first_month > kLastMonth)
        return "a month is not supported";
    entry->kind = Entry::Kind::kMonths;
    return nullptr;
}

} // namespace

bool append_listing_key(std::string_view prefix, std::string_view listing, std::string* key) {
    if (listing.size() > kMaxListingSize)
        return false;
    const std::size_t before = key->size();
    key->append(prefix);
    key->push_back('{');
    const std::size_t begin = key->size();
    if (listing.empty())
        key->push_back('%');
    for (const char c : listing) {
        const auto byte = static_cast<unsigned char>(c);
        if (!is_escaped(byte)) {
            key->push_back(c);
            continue;
        }
        key->push_back('%');
        key->push_back(kHex[byte >> 4]);
        key->push_back(kHex[byte & 15]);
    }
    if (key->size() - begin > kMaxListingSize) {
        key->resize(before);
        return false;
    }
    key->push_back('}');
    return true;
}

bool listing_of_key(std::string_view key, std::string_view prefix, std::string* listing) {
    if (key.size() <= prefix.size() || key.substr(0, prefix.size()) != prefix || key[prefix.size()] != '{')
        return false;
    const std::string_view rest = key.substr(prefix.size() + 1);
    const std::size_t end = rest.find('}');
    if (end == std::string_view::npos)
        return false;
    const std::string_view suffix = rest.substr(end + 1);
    if (!suffix.empty() && suffix != kVersionSuffix && !is_month_suffix(suffix))
        return false;
    return unescape(rest.substr(0, end), listing);
}

Month month_number(Day day) {
    const CivilDate date = civil_from_day(day);
    return (date.year - 1970) * 12 + date.month - 1;
}

DaySpan days_of(Month month) {
    const auto& days = month_starts().days;
    const auto index = static_cast<std::size_t>(month);
    return {days[index], std::min(days[index + 1], kEndDay)};
}

void append_month(Month month, std::string* key) {
    const int year = 1970 + month / 12;
    const int number = month % 12 + 1;
    const char text[] = {':',
                         static_cast<char>('0' + year / 1000),
                         static_cast<char>('0' + year / 100 % 10),
                         static_cast<char>('0' + year / 10 % 10),
                         static_cast<char>('0' + year % 10),
                         '-',
                         static_cast<char>('0' + number / 10),
                         static_cast<char>('0' + number % 10)};
    key->append(text, sizeof text);
}

const char* read_entry(Layout layout, std::string_view bytes, Entry* entry) {
    *entry = Entry{};
    if (bytes.size() < kStampSize)
        return "an entry is too short";
    entry->stamp = {integer_at(bytes, 0, 8), static_cast<std::int64_t>(integer_at(bytes, 8, 8))};
    const std::string_view rest = bytes.substr(kStampSize);
    if (rest.empty())
        return nullptr;
    if (rest.size() == 9 && rest[0] == 'L') {
        entry->kind = Entry::Kind::kLease;
        entry->token = integer_at(rest, 1, 8);
        return nullptr;
    }
    return layout == Layout::kCalendar ? read_calendar(rest, entry) : read_months(bytes, entry);
}

void append_stamp(Stamp stamp, std::string* bytes) {
    append_integer(stamp.epoch, 8, bytes);
    append_integer(static_cast<std::uint64_t>(stamp.version), 8, bytes);
}

void append_calendar(Stamp stamp, std::string_view booked, std::string* bytes) {
    append_stamp(stamp, bytes);
    bytes->append(booked);
}

void append_months(Stamp stamp, Month first_month, std::uint32_t mask, std::string* bytes) {
    append_stamp(stamp, bytes);
    append_integer(static_cast<std::uint64_t>(first_month), 2, bytes);
    append_integer(mask, 4, bytes);
}

void append_lease(Stamp stamp, std::uint64_t token, std::string* bytes) {
    append_stamp(stamp, bytes);
    bytes->push_back('L');
    append_integer(token, 8, bytes);
}

MonthBits month_bits(const DaysetView& calendar, Month month) {
    const DaySpan days = days_of(month);
    MonthBits bits{};
    for (DaySpan run = calendar.next_run(days.first_day); run.first_day < days.end_day;
         run = calendar.next_run(run.end_day))
        for (Day day = run.first_day; day < std::min(run.end_day, days.end_day); day++) {
            const auto bit = static_cast<unsigned>(day - days.first_day);
            bits[bit / 8] = static_cast<char>(static_cast<unsigned char>(bits[bit / 8]) | 0x80U >> (bit % 8));
        }
    return bits;
}

bool read_month(std::string_view bytes, Month month, MonthBits* bits) {
    if (bytes.size() != bits->size() || month < 0 || month > kLastMonth)
        return false;
    std::copy(bytes.begin(), bytes.end(), bits->begin());
    const Day days = days_of(month).days();
    return (integer_at(bytes, 0, 4) & (0xFFFFFFFFU >> days)) == 0;
}

std::uint32_t changed_months(const DaysetView& a, const DaysetView& b, Month first, int count) {
    const Month last = std::min(first + count - 1, kLastMonth);
    if (first < 0 || first > last)
        return 0;
    const auto& days = month_starts().days;
    std::uint32_t mask = 0;
    Month month = first;
    const auto mark = [&](DaySpan span, bool) {
        while (days[static_cast<std::size_t>(month) + 1] <= span.first_day)
            month++;
        for (Month each = month; each <= last && days[static_cast<std::size_t>(each)] < span.end_day; each++)
            mask |= 1U << (each - first);
    };
    each_difference(a, b, {days_of(first).first_day, days_of(last).end_day}, mark);
    return mask;
}

void append_record_key(std::string_view prefix, std::string_view tag, std::string* key) {
    key->append(prefix);
    key->push_back('{');
    key->append(tag);
    key->push_back('}');
}

void append_record(const Record& record, std::string* bytes) {
    append_integer(record.epoch, 8, bytes);
    append_integer(record.lsn, 8, bytes);
    append_integer(static_cast<std::uint64_t>(record.as_of), 8, bytes);
    append_integer(static_cast<std::uint64_t>(record.written), 8, bytes);
    bytes->append(record.run_id.substr(0, kMaxRunIdSize));
}

const char* read_record(std::string_view bytes, Record* record) {
    if (bytes.size() < kRecordSize || bytes.size() > kRecordSize + kMaxRunIdSize)
        return "a record has another size";
    record->epoch = integer_at(bytes, 0, 8);
    record->lsn = integer_at(bytes, 8, 8);
    record->as_of = static_cast<std::int64_t>(integer_at(bytes, 16, 8));
    record->written = static_cast<std::int64_t>(integer_at(bytes, 24, 8));
    record->run_id = bytes.substr(kRecordSize);
    return nullptr;
}

} // namespace availability::layout

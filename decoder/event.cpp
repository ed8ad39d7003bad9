// An event: what one insert or update of a calendar row says.

#include <cstdio>
#include <cstring>

#include "decoder/event.hpp"
#include "extension/core/change.hpp"
#include "extension/core/dayset_validate.hpp"
#include "extension/core/epoch.hpp"

namespace availability {

namespace {

constexpr char kIsNull[] = "is null";
constexpr char kUnsupportedType[] = "has an unsupported type";

std::int32_t native_int32(const char* bytes) {
    std::int32_t value;
    std::memcpy(&value, bytes, sizeof(value));
    return value;
}

// A daterange's bytes: the type's OID, the finite bounds as days since 2000-01-01, one byte of flags. A
// stay has both bounds in canonical form, [ and ), so its flags are one value and its size is fixed.
// Source: range_serialize() in rangetypes.c.
bool read_stay(std::string_view bytes, DaySpan* span) {
    constexpr std::size_t kBounds = 4;
    constexpr std::size_t kFlags = kBounds + 2 * 4;
    constexpr char kLowerInclusive = 0x02;

    if (bytes.size() != kFlags + 1 || bytes[kFlags] != kLowerInclusive)
        return false;
    const std::int64_t first_day = std::int64_t{native_int32(&bytes[kBounds])} + kPostgresEpochDay;
    const std::int64_t end_day = std::int64_t{native_int32(&bytes[kBounds + 4])} + kPostgresEpochDay;
    if (first_day < kFirstDay || end_day > kEndDay || first_day >= end_day)
        return false;
    *span = {static_cast<Day>(first_day), static_cast<Day>(end_day)};
    return true;
}

// Returns nullptr or what is wrong. NULL leaves the span empty.
const char* read_optional_stay(const Field& field, DaySpan* span) {
    switch (field.type) {
    case Field::Type::kNull:
        return nullptr;
    case Field::Type::kDaterange:
        return read_stay(field.bytes, span) ? nullptr : "is not a stay within the supported days";
    case Field::Type::kUnreadable:
        return field.problem;
    default:
        return kUnsupportedType;
    }
}

// Whether a column that must have a value has one of that type. Sets *problem if not.
bool require(const Field& field, Field::Type type, const char** problem) {
    if (field.type == type)
        return true;
    if (field.type == Field::Type::kUnreadable)
        *problem = field.problem;
    else
        *problem = field.type == Field::Type::kNull ? kIsNull : kUnsupportedType;
    return false;
}

bool is_change(std::string_view word) {
    for (std::string_view change : kChangeWords)
        if (word == change)
            return true;
    return false;
}

void format_uuid(std::string_view bytes, char* text) {
    static constexpr char kDigits[] = "0123456789abcdef";
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *text++ = '-';
        const auto byte = static_cast<unsigned char>(bytes[i]);
        *text++ = kDigits[byte >> 4];
        *text++ = kDigits[byte & 0x0f];
    }
}

} // namespace

bool Key::read(const Field& field, const char** problem) {
    constexpr std::size_t kUuidSize = 16;

    switch (field.type) {
    case Field::Type::kNull:
        return true;
    case Field::Type::kInteger:
        kind_ = Kind::kInteger;
        integer_ = field.integer;
        return true;
    case Field::Type::kUuid:
        if (field.bytes.size() != kUuidSize)
            break;
        kind_ = Kind::kText;
        format_uuid(field.bytes, uuid_);
        text_ = {uuid_, kUuidTextSize};
        return true;
    case Field::Type::kText:
        kind_ = Kind::kText;
        text_ = field.bytes;
        return true;
    case Field::Type::kUnreadable:
        *problem = field.problem;
        return false;
    default:
        break;
    }
    *problem = kUnsupportedType;
    return false;
}

// The listing comes first, so that an unreadable event names it whenever that can be done.
void Event::read(const CalendarRow& row) {
    const char* problem = nullptr;

    if (!listing.read(row.listing, &problem))
        return fail("listing_id", problem);
    if (listing.kind() == Key::Kind::kAbsent)
        return fail("listing_id", kIsNull);

    if (!require(row.change, Field::Type::kText, &problem))
        return fail("change", problem);
    if (!is_change(row.change.bytes))
        return fail("change", "is not a known word");
    change = row.change.bytes;

    if (!reservation.read(row.reservation, &problem))
        return fail("reservation_id", problem);
    if ((problem = read_optional_stay(row.stay, &stay)) != nullptr)
        return fail("stay", problem);
    if ((problem = read_optional_stay(row.was, &was)) != nullptr)
        return fail("was", problem);

    if (!require(row.version, Field::Type::kInteger, &problem))
        return fail("version", problem);
    version = row.version.integer;

    if (!require(row.booked, Field::Type::kDayset, &problem))
        return fail("booked", problem);
    bool canonical;
    if (validate(row.booked.bytes.data(), row.booked.bytes.size(), &booked, &canonical) != nullptr)
        return fail("booked", "is malformed");
    booked_bytes = row.booked.bytes;
}

void Event::fail(const char* column, const char* problem) {
    std::snprintf(reason_, sizeof(reason_), "%s %s", column, problem);
}

} // namespace availability

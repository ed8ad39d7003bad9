// Between Datums and the core: how a dayset and a daterange are read in place and made.
#pragma once

#include <cstring>
#include <limits>

#include "extension/core/dayset.hpp"
#include "extension/core/dayset_view.hpp"
#include "extension/core/epoch.hpp"

#include "extension/server/boundary.hpp"

extern "C" {
#include <catalog/pg_type.h>
#include <datatype/timestamp.h>
#include <utils/date.h>
#include <utils/rangetypes.h>
}

namespace availability {

// OID of the type dayset.
Oid dayset_type();

// The stored bytes of a day set, kept on the stack after the core's objects are gone and until PostgreSQL is called
// again.
struct StoredDayset {
    std::size_t size;
    unsigned char bytes[kMaxStoredSize];

    void assign(Dayset& set) { size = set.write(bytes); }
};
static_assert(std::is_trivially_destructible_v<StoredDayset>);

// Makes a dayset Datum in the current memory context.
Datum make_dayset(const StoredDayset& stored);

// The door for bytes from outside: validates them and brings them into canonical form. Raises
// 22P03.
void accept_bytes(const void* bytes, std::size_t size, StoredDayset* stored);

// What the predicates call for every row of a scan is inline, except for rare cases.

// An argument that may have a short header; detoasts only what is compressed or out of line.
inline const struct varlena* packed_argument(FunctionCallInfo fcinfo, int n) {
    auto* value = reinterpret_cast<struct varlena*>(PG_GETARG_POINTER(n));
    return VARATT_IS_COMPRESSED(value) || VARATT_IS_EXTERNAL(value) ? pg_detoast_datum_packed(value) : value;
}

// Raises XX001 (data_corrupted).
[[noreturn]] void raise_malformed_dayset();

// Opens a dayset that is not compressed or out of line; it may have a short header. Raises XX001 if
// the bytes are not a day set.
inline DaysetView view_dayset(const struct varlena* packed) {
    DaysetView view;
    if (!DaysetView::open(VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed), &view))
        raise_malformed_dayset();
    return view;
}

inline DaysetView dayset_argument(FunctionCallInfo fcinfo, int n) {
    return view_dayset(packed_argument(fcinfo, n));
}

static_assert(kPostgresEpochDay == POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE);

// What an unbounded end counts as.
inline constexpr Day kBeforeAllDays = std::numeric_limits<Day>::min();
inline constexpr Day kAfterAllDays = std::numeric_limits<Day>::max();

// The Unix-epoch day of a date. Infinite dates become the most extreme numbers.
inline Day day_from_date(DateADT date) {
    if (DATE_IS_NOBEGIN(date))
        return kBeforeAllDays;
    if (DATE_IS_NOEND(date))
        return kAfterAllDays;
    return date + kPostgresEpochDay;
}

// The date of a day that a dayset can hold or end before.
constexpr DateADT date_from_day(Day day) {
    return day - kPostgresEpochDay;
}

// A daterange as the core sees it. Days before the epoch and past 2149 keep their numbers, an
// unbounded end (or an infinite date as a bound) has the flag and the most extreme number, and an
// empty range is an empty span.
struct DateRange {
    DaySpan span;
    bool empty;
    bool unbounded;
};
static_assert(std::is_trivially_destructible_v<DateRange>);

// Reads a packed daterange in place. Its bytes after the header are the range type's OID, the
// bounds that are there (a date is four bytes, and every place is already aligned) and one byte of
// flags. Reading them here spares the type cache and a copy of each range with a short header.
// Source: range_serialize() in rangetypes.c.
inline DateRange read_daterange(const struct varlena* packed) {
    const char* bound = VARDATA_ANY(packed) + sizeof(Oid);
    const char flags = VARDATA_ANY(packed)[VARSIZE_ANY_EXHDR(packed) - 1];
    if (flags & RANGE_EMPTY)
        return {{0, 0}, true, false};

    DaySpan span = {kBeforeAllDays, kAfterAllDays};
    DateADT date;
    if (RANGE_HAS_LBOUND(flags)) {
        std::memcpy(&date, bound, sizeof(date));
        bound += sizeof(date);
        span.first_day = day_from_date(date);
    }
    if (RANGE_HAS_UBOUND(flags)) {
        std::memcpy(&date, bound, sizeof(date));
        span.end_day = day_from_date(date);
    }
    // A finite bound is always canonical, [ and ), in a daterange; only an infinite date keeps (
    // and ].
    return {span, false, span.first_day == kBeforeAllDays || span.end_day == kAfterAllDays};
}

// Raises 42804: the range is of another type.
[[noreturn]] void raise_other_range(Oid type);

// Reads what is declared anyrange and has to be a daterange: operators and index strategies.
inline DateRange read_days(const struct varlena* packed) {
    Oid type;
    std::memcpy(&type, VARDATA_ANY(packed), sizeof(type));
    if (type != DATERANGEOID)
        raise_other_range(type);
    return read_daterange(packed);
}

inline DateRange daterange_argument(FunctionCallInfo fcinfo, int n) {
    return read_daterange(packed_argument(fcinfo, n));
}

// Raises 22023 or 22008 for a range that is not a stay of supported days.
[[noreturn]] void raise_refused_range(const DateRange& range);

// The span of a range that must be a stay: raises 22023 if it is empty and 22008 if it is unbounded
// or reaches outside the supported days.
inline DaySpan require_stay(const DateRange& range) {
    if (range.empty || range.unbounded || !range.span.supported())
        raise_refused_range(range);
    return range.span;
}

// The span of a range whose days must all be supported; an empty range is an empty span. Raises
// 22008.
inline DaySpan require_supported(const DateRange& range) {
    if (range.unbounded || !range.span.supported())
        raise_refused_range(range);
    return range.span;
}

// Raises 22008 unless the day is a supported one.
void require_supported_day(Day day);

// Makes a daterange [first_day, end_day) in the current memory context; `empty` for an empty span.
Datum make_daterange(DaySpan span);

} // namespace availability

// The GiST operator class dayset_ops: calendars that are booked, open or equal, found by an index.
//
// The keys and all that is done with them are core/calendar_key.hpp. A leaf has the key of one calendar, exact unless
// it was too large; only then is a row rechecked. There is no fetch function: a leaf could not say whether it is exact.

#include "extension/core/calendar_key.hpp"
#include "extension/dayset/type.hpp"

extern "C" {
#include <access/gist.h>
#include <access/stratnum.h>
#include <utils/builtins.h>
#include <utils/sortsupport.h>
}

namespace availability {

namespace {

// The strategies, as in extension/sql/42_dayset_gist.sql.
enum Strategy : StrategyNumber {
    kOverlapsDayset = 1,
    kOverlapsRange,
    kDisjointDayset,
    kDisjointRange,
    kContainsDayset,
    kContainsRange,
    kContainsDay,
    kEquals,
};

const struct varlena* packed(Datum value) {
    return PG_DETOAST_DATUM_PACKED(value);
}

void read_key(Datum value, CalendarKey* key) {
    const struct varlena* bytes = packed(value);
    if (!read_key(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), key))
        ereport(ERROR, (errcode(ERRCODE_INDEX_CORRUPTED), errmsg("malformed key of a dayset index"),
                        errhint("Please REINDEX it.")));
}

// The bytes of a key, kept on the stack after the core's objects are gone.
struct KeyBytes {
    std::size_t size;
    std::uint8_t bytes[kMaxKeySize];
};

Datum make_key(const KeyBytes& key) {
    auto* result = static_cast<struct varlena*>(palloc(VARHDRSZ + key.size));
    SET_VARSIZE(result, VARHDRSZ + key.size);
    std::memcpy(VARDATA(result), key.bytes, key.size);
    return PointerGetDatum(result);
}

// The keys of entries, in memory of the current context.
CalendarKey* read_keys(const GISTENTRY* entries, int count) {
    auto* keys = static_cast<CalendarKey*>(palloc(sizeof(CalendarKey) * static_cast<Size>(count)));
    for (int i = 0; i < count; i++)
        read_key(entries[i].key, &keys[i]);
    return keys;
}

// The union of the keys for which wanted(i) holds.
template <typename Wanted>
Datum make_union(const CalendarKey* keys, int count, Wanted wanted) {
    KeyBytes bytes;
    {
        KeyUnion result;
        for (int i = 0; i < count; i++)
            if (wanted(i))
                result.add(keys[i]);
        bytes.size = result.write(bytes.bytes);
    }
    return make_key(bytes);
}

Match match(const CalendarKey& key, StrategyNumber strategy, Datum query) {
    switch (strategy) {
    case kOverlapsDayset:
        return match_overlaps(key, view_dayset(packed(query)));
    case kDisjointDayset:
        return negated(match_overlaps(key, view_dayset(packed(query))));
    case kContainsDayset:
        return match_contains(key, view_dayset(packed(query)));
    case kEquals:
        return match_equals(key, view_dayset(packed(query)));
    case kContainsDay: {
        const Day day = day_from_date(DatumGetDateADT(query));
        return day < kFirstDay || day > kLastDay ? Match::kNone : match_contains(key, DaySpan{day, day + 1});
    }
    case kOverlapsRange:
    case kDisjointRange: {
        const DateRange range = read_days(packed(query));
        const Match booked = range.empty ? Match::kNone : match_overlaps(key, range.span);
        return strategy == kOverlapsRange ? booked : negated(booked);
    }
    case kContainsRange: {
        const DateRange range = read_days(packed(query));
        return range.empty ? Match::kAll : range.unbounded ? Match::kNone : match_contains(key, range.span);
    }
    default:
        elog(ERROR, "unknown strategy %d of a dayset index", strategy);
    }
    pg_unreachable();
}

// The key that is added is the same for all entries of a page, and is read once.
struct RememberedKey {
    KeyBytes bytes;
    CalendarKey key;
};

const CalendarKey* remembered_key(FmgrInfo* function, Datum value) {
    const struct varlena* bytes = packed(value);
    const Size size = VARSIZE_ANY_EXHDR(bytes);
    auto* remembered = static_cast<RememberedKey*>(function->fn_extra);
    if (remembered != nullptr && remembered->bytes.size == size &&
        std::memcmp(remembered->bytes.bytes, VARDATA_ANY(bytes), size) == 0)
        return &remembered->key;
    if (remembered == nullptr)
        function->fn_extra = remembered =
            static_cast<RememberedKey*>(MemoryContextAlloc(function->fn_mcxt, sizeof(RememberedKey)));
    remembered->bytes.size = 0;
    read_key(value, &remembered->key);
    std::memcpy(remembered->bytes.bytes, VARDATA_ANY(bytes), size);
    remembered->bytes.size = size;
    return &remembered->key;
}

// Sorting: what the first calendar of a sort begins with anchors its order.
struct SortAnchor {
    bool set;
    Day day;
};

std::uint64_t locality_of(Datum value, SortSupport support) {
    CalendarKey key;
    read_key(value, &key);
    auto* anchor = static_cast<SortAnchor*>(support->ssup_extra);
    if (!anchor->set && key.any.count > 0)
        *anchor = {true, key.any.runs[0].first_day};
    return locality(key, anchor->day);
}

template <typename T>
int compare_numbers(T a, T b) {
    return a < b ? -1 : a > b ? 1 : 0;
}

int compare_keys(Datum a, Datum b, SortSupport support) {
    const struct varlena* left = packed(a);
    const struct varlena* right = packed(b);
    const Size left_size = VARSIZE_ANY_EXHDR(left);
    const Size right_size = VARSIZE_ANY_EXHDR(right);
    // Many listings have the same calendar: none, or all of it.
    const int order = std::memcmp(VARDATA_ANY(left), VARDATA_ANY(right), std::min(left_size, right_size));
    if (order == 0 && left_size == right_size)
        return 0;
    if (const int by_days = compare_numbers(locality_of(a, support), locality_of(b, support)); by_days != 0)
        return by_days;
    return order != 0 ? order : compare_numbers(left_size, right_size);
}

// The server calls these, and compare_keys(), without the wrapper: nothing in them throws.
Datum abbreviate(Datum value, SortSupport support) {
    return static_cast<Datum>(locality_of(value, support));
}
bool never_abort(int, SortSupport) {
    return false;
}

} // namespace

} // namespace availability

using namespace availability;

AVAILABILITY_FUNCTION(availability_dayset_gist_compress) {
    auto* entry = reinterpret_cast<GISTENTRY*>(PG_GETARG_POINTER(0));
    if (!entry->leafkey)
        return PointerGetDatum(entry);
    const DaysetView calendar = view_dayset(packed(entry->key));
    KeyBytes bytes;
    bytes.size = write_key(calendar, bytes.bytes);
    auto* result = static_cast<GISTENTRY*>(palloc(sizeof(GISTENTRY)));
    gistentryinit(*result, make_key(bytes), entry->rel, entry->page, entry->offset, false);
    return PointerGetDatum(result);
}

AVAILABILITY_FUNCTION(availability_dayset_gist_consistent) {
    const auto* entry = reinterpret_cast<const GISTENTRY*>(PG_GETARG_POINTER(0));
    const StrategyNumber strategy = PG_GETARG_UINT16(2);
    auto* recheck = reinterpret_cast<bool*>(PG_GETARG_POINTER(4));
    CalendarKey key;
    read_key(entry->key, &key);
    const Match found = match(key, strategy, PG_GETARG_DATUM(1));
    *recheck = found == Match::kSome;
    PG_RETURN_BOOL(found != Match::kNone);
}

AVAILABILITY_FUNCTION(availability_dayset_gist_union) {
    const auto* entries = reinterpret_cast<const GistEntryVector*>(PG_GETARG_POINTER(0));
    CalendarKey* keys = read_keys(entries->vector, entries->n);
    const Datum result = make_union(keys, entries->n, [](int) { return true; });
    pfree(keys);
    return result;
}

AVAILABILITY_FUNCTION(availability_dayset_gist_penalty) {
    const auto* node = reinterpret_cast<const GISTENTRY*>(PG_GETARG_POINTER(0));
    const auto* added = reinterpret_cast<const GISTENTRY*>(PG_GETARG_POINTER(1));
    auto* penalty = reinterpret_cast<float*>(PG_GETARG_POINTER(2));
    CalendarKey node_key;
    read_key(node->key, &node_key);
    *penalty = penalty_of(node_key, *remembered_key(fcinfo->flinfo, added->key));
    return PointerGetDatum(penalty);
}

AVAILABILITY_FUNCTION(availability_dayset_gist_picksplit) {
    const auto* entries = reinterpret_cast<const GistEntryVector*>(PG_GETARG_POINTER(0));
    auto* split = reinterpret_cast<GIST_SPLITVEC*>(PG_GETARG_POINTER(1));
    // The first place of the vector is not used.
    const GISTENTRY* first = entries->vector + FirstOffsetNumber;
    const int count = entries->n - FirstOffsetNumber;

    CalendarKey* keys = read_keys(first, count);
    auto* right = static_cast<bool*>(palloc(static_cast<Size>(count)));
    split_keys(keys, static_cast<std::uint32_t>(count), right);

    const Size size = sizeof(OffsetNumber) * static_cast<Size>(count + 1);
    split->spl_left = static_cast<OffsetNumber*>(palloc(size));
    split->spl_right = static_cast<OffsetNumber*>(palloc(size));
    split->spl_nleft = split->spl_nright = 0;
    for (int i = 0; i < count; i++) {
        const auto offset = static_cast<OffsetNumber>(FirstOffsetNumber + i);
        if (right[i])
            split->spl_right[split->spl_nright++] = offset;
        else
            split->spl_left[split->spl_nleft++] = offset;
    }
    split->spl_ldatum = make_union(keys, count, [right](int i) { return !right[i]; });
    split->spl_rdatum = make_union(keys, count, [right](int i) { return right[i]; });
    pfree(right);
    pfree(keys);
    return PointerGetDatum(split);
}

AVAILABILITY_FUNCTION(availability_dayset_gist_same) {
    const struct varlena* a = packed(PG_GETARG_DATUM(0));
    const struct varlena* b = packed(PG_GETARG_DATUM(1));
    auto* same = reinterpret_cast<bool*>(PG_GETARG_POINTER(2));
    *same = VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
            std::memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
    return PointerGetDatum(same);
}

AVAILABILITY_FUNCTION(availability_dayset_gist_sortsupport) {
    auto* support = reinterpret_cast<SortSupport>(PG_GETARG_POINTER(0));
    support->comparator = compare_keys;
    support->ssup_extra = MemoryContextAllocZero(support->ssup_cxt, sizeof(SortAnchor));
    if (support->abbreviate && sizeof(Datum) == sizeof(std::uint64_t)) {
        support->comparator = ssup_datum_unsigned_cmp;
        support->abbrev_converter = abbreviate;
        support->abbrev_abort = never_abort;
        support->abbrev_full_comparator = compare_keys;
    }
    PG_RETURN_VOID();
}

AVAILABILITY_FUNCTION(availability_dayset_key_in) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("cannot accept a value of type %s", "dayset_key")));
    PG_RETURN_NULL();
}

// As text: the days of `any`, and after a slash those of `all` if they are others.
AVAILABILITY_FUNCTION(availability_dayset_key_out) {
    CalendarKey key;
    read_key(PG_GETARG_DATUM(0), &key);
    StringInfoData text;
    initStringInfo(&text);
    const auto append = [&text](const KeyRuns& set) {
        appendStringInfoChar(&text, '{');
        for (const DaySpan& run : set) {
            char first_day[16] = {};
            char end_day[16] = {};
            format_day(run.first_day, first_day);
            format_day(run.end_day, end_day);
            appendStringInfo(&text, "%s[%s,%s)", &run == set.begin() ? "" : ",", first_day, end_day);
        }
        appendStringInfoChar(&text, '}');
    };
    append(key.any);
    if (!key.exact) {
        appendStringInfoChar(&text, '/');
        append(key.all);
    }
    PG_RETURN_CSTRING(text.data);
}

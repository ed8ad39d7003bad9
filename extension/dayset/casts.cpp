// Conversions between dayset and the server's own types. The one to bytea needs no function: the
// stored bytes are its value.

#include "extension/dayset/type.hpp"
#include "extension/core/dayset_text.hpp"

extern "C" {
#include <catalog/pg_type.h>
#include <utils/array.h>
#include <utils/date.h>
#include <utils/jsonb.h>
#include <utils/multirangetypes.h>
#include <utils/typcache.h>
}

using namespace availability;

static_assert(std::is_trivially_destructible_v<RunCursor>, "alive while ranges are allocated");

AVAILABILITY_FUNCTION(availability_dayset_from_daterange) {
    const DaySpan span = require_supported(daterange_argument(fcinfo, 0));
    StoredDayset stored;
    {
        Dayset set;
        set.add(span);
        stored.assign(set);
    }
    return make_dayset(stored);
}

AVAILABILITY_FUNCTION(availability_dayset_from_datemultirange) {
    const MultirangeType* multirange = PG_GETARG_MULTIRANGE_P(0);
    TypeCacheEntry* type = multirange_get_typcache(fcinfo, MultirangeTypeGetOid(multirange));
    int32 count;
    RangeType** ranges;
    multirange_deserialize(type->rngtype, multirange, &count, &ranges);

    auto* spans = static_cast<DaySpan*>(palloc(sizeof(DaySpan) * static_cast<Size>(count)));
    for (int32 i = 0; i < count; i++)
        spans[i] = require_supported(read_daterange(reinterpret_cast<const struct varlena*>(ranges[i])));

    StoredDayset stored;
    {
        Dayset set;
        for (int32 i = 0; i < count; i++)
            set.add(spans[i]);
        stored.assign(set);
    }
    return make_dayset(stored);
}

AVAILABILITY_FUNCTION(availability_dayset_from_dates) {
    ArrayType* array = PG_GETARG_ARRAYTYPE_P(0);
    if (array_contains_nulls(array))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("array of days must not contain nulls")));

    const int count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
    const auto* dates = reinterpret_cast<const DateADT*>(ARR_DATA_PTR(array));
    for (int i = 0; i < count; i++)
        require_supported_day(day_from_date(dates[i]));

    StoredDayset stored;
    {
        Dayset set;
        for (int i = 0; i < count; i++) {
            const Day day = day_from_date(dates[i]);
            set.add({day, day + 1});
        }
        stored.assign(set);
    }
    return make_dayset(stored);
}

AVAILABILITY_FUNCTION(availability_dayset_from_bytea) {
    const bytea* bytes = PG_GETARG_BYTEA_PP(0);
    StoredDayset stored;
    accept_bytes(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), &stored);
    return make_dayset(stored);
}

AVAILABILITY_FUNCTION(availability_dayset_to_datemultirange) {
    const DaysetView set = dayset_argument(fcinfo, 0);
    TypeCacheEntry* type = multirange_get_typcache(fcinfo, DATEMULTIRANGEOID);
    auto** ranges = static_cast<RangeType**>(palloc(sizeof(RangeType*) * set.runs()));
    int32 count = 0;
    RunCursor cursor(set);
    for (DaySpan run; cursor.next(&run);)
        ranges[count++] = DatumGetRangeTypeP(make_daterange(run));
    PG_RETURN_MULTIRANGE_P(make_multirange(DATEMULTIRANGEOID, type->rngtype, count, ranges));
}

AVAILABILITY_FUNCTION(availability_dayset_to_dates) {
    const DaysetView set = dayset_argument(fcinfo, 0);
    auto* dates = static_cast<Datum*>(palloc(sizeof(Datum) * set.count()));
    int count = 0;
    RunCursor cursor(set);
    for (DaySpan run; cursor.next(&run);)
        for (Day day = run.first_day; day < run.end_day; day++)
            dates[count++] = DateADTGetDatum(date_from_day(day));
    PG_RETURN_ARRAYTYPE_P(construct_array(dates, count, DATEOID, sizeof(DateADT), true, TYPALIGN_INT));
}

static JsonbValue json_day(Day day) {
    constexpr int kSize = sizeof("YYYY-MM-DD") - 1;
    JsonbValue value;
    value.type = jbvString;
    value.val.string.len = kSize;
    value.val.string.val = static_cast<char*>(palloc(kSize));
    format_day(day, value.val.string.val);
    return value;
}

AVAILABILITY_FUNCTION(availability_dayset_to_jsonb) {
    const DaysetView set = dayset_argument(fcinfo, 0);
    JsonbParseState* state = nullptr;
    pushJsonbValue(&state, WJB_BEGIN_ARRAY, nullptr);
    RunCursor cursor(set);
    for (DaySpan run; cursor.next(&run);) {
        JsonbValue first_day = json_day(run.first_day);
        JsonbValue end_day = json_day(run.end_day);
        pushJsonbValue(&state, WJB_BEGIN_ARRAY, nullptr);
        pushJsonbValue(&state, WJB_ELEM, &first_day);
        pushJsonbValue(&state, WJB_ELEM, &end_day);
        pushJsonbValue(&state, WJB_END_ARRAY, nullptr);
    }
    PG_RETURN_JSONB_P(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, nullptr)));
}

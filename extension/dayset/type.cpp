// Between Datums and the core: how a dayset and a daterange are read in place and made.

#include <cstring>

#include "extension/dayset/type.hpp"
#include "extension/core/dayset_validate.hpp"

extern "C" {
#include <catalog/namespace.h>
#include <utils/builtins.h>
#include <utils/syscache.h>
}

namespace availability {

namespace {

void append_bytes(char** end, const void* bytes, std::size_t size) {
    std::memcpy(*end, bytes, size);
    *end += size;
}

} // namespace

Oid dayset_type() {
    return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("dayset"),
                           ObjectIdGetDatum(get_namespace_oid("availability", false)));
}

Datum make_dayset(const StoredDayset& stored) {
    auto* result = static_cast<struct varlena*>(palloc(VARHDRSZ + stored.size));
    SET_VARSIZE(result, VARHDRSZ + stored.size);
    std::memcpy(VARDATA(result), stored.bytes, stored.size);
    return PointerGetDatum(result);
}

void accept_bytes(const void* bytes, std::size_t size, StoredDayset* stored) {
    DaysetView view;
    bool canonical;
    if (const char* complaint = validate(bytes, size, &view, &canonical))
        ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("malformed dayset in binary form"),
                        errdetail("The bytes are not a bitmap of days: %s.", complaint)));
    if (canonical) {
        std::memcpy(stored->bytes, bytes, size);
        stored->size = size;
        return;
    }
    Dayset set(view);
    stored->assign(set);
}

void raise_malformed_dayset() {
    ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("malformed dayset"),
                    errdetail("The stored bytes are not a bitmap of days.")));
    pg_unreachable();
}

void raise_other_range(Oid type) {
    ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                    errmsg("dayset operators take a daterange, not a range of type %s", format_type_be(type))));
    pg_unreachable();
}

static void raise_out_of_range() {
    ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("day out of range"),
                    errdetail("Supported days are 1970-01-01 to 2149-06-06.")));
}

void raise_refused_range(const DateRange& range) {
    if (range.empty)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("stay is empty"),
                        errdetail("A stay has at least one night.")));
    if (range.unbounded)
        ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("range of days is unbounded")));
    raise_out_of_range();
    pg_unreachable();
}

void require_supported_day(Day day) {
    if (day < kFirstDay || day > kLastDay)
        raise_out_of_range();
}

Datum make_daterange(DaySpan span) {
    struct {
        int32 header;
        char payload[sizeof(Oid) + 2 * sizeof(DateADT) + 1];
    } buffer;
    char* end = buffer.payload;
    const Oid type = DATERANGEOID;
    append_bytes(&end, &type, sizeof(type));
    char flags = RANGE_EMPTY;
    if (!span.empty()) {
        const DateADT bounds[2] = {date_from_day(span.first_day), date_from_day(span.end_day)};
        append_bytes(&end, bounds, sizeof(bounds));
        flags = RANGE_LB_INC;
    }
    append_bytes(&end, &flags, 1);

    const std::size_t size = VARHDRSZ + static_cast<std::size_t>(end - buffer.payload);
    auto* result = static_cast<struct varlena*>(palloc(size));
    SET_VARSIZE(result, size);
    std::memcpy(VARDATA(result), buffer.payload, size - VARHDRSZ);
    return PointerGetDatum(result);
}

} // namespace availability

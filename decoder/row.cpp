// From a row as the server hands it over to the plain bytes that an event is read from.

#include "decoder/encoding.hpp"
#include "decoder/row.hpp"

extern "C" {
#include <access/detoast.h>
#include <access/htup_details.h>
#include <access/toast_compression.h>
#include <catalog/pg_type.h>
}

namespace availability {

namespace {

// Longest text of a key. The application's own are shorter; anybody's forged ones must not fill our memory.
constexpr std::size_t kMaxTextSize = 64 * 1024;

constexpr char kTooLarge[] = "is too large";

// Returns nullptr if the bytes are damaged. The server's decompressors report that by raising; they hold nothing but
// memory, so the error can be caught and dropped here.
struct varlena* decompress(struct varlena* compressed) {
    const MemoryContext context = CurrentMemoryContext;
    struct varlena* volatile plain = nullptr;

    PG_TRY();
    { plain = detoast_attr(compressed); }
    PG_CATCH();
    {
        if (geterrcode() == ERRCODE_OUT_OF_MEMORY)
            PG_RE_THROW();
        MemoryContextSwitchTo(context);
        FlushErrorState();
        plain = nullptr;
    }
    PG_END_TRY();
    return plain;
}

// A value of variable length: its bytes after the header, decompressed, if they are no more than `limit`.
Field read_varlena(Field::Type type, Datum datum, std::size_t limit) {
    auto* value = reinterpret_cast<struct varlena*>(DatumGetPointer(datum));

    // What was stored out of line by this very change is in memory, one pointer away.
    if (VARATT_IS_EXTERNAL_INDIRECT(value)) {
        struct varatt_indirect redirect;
        VARATT_EXTERNAL_GET_POINTER(redirect, value);
        value = redirect.pointer;
    }
    if (VARATT_IS_EXTERNAL(value))
        return Field::unreadable("is stored out of line and was not changed");
    if (VARATT_IS_COMPRESSED(value)) {
        if (VARDATA_COMPRESSED_GET_EXTSIZE(value) > limit)
            return Field::unreadable(kTooLarge);
        value = decompress(value);
        if (value == nullptr)
            return Field::unreadable("cannot be decompressed");
    }

    Field field;
    field.type = type;
    field.bytes = {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
    return field.bytes.size() <= limit ? field : Field::unreadable(kTooLarge);
}

Field read_text(Datum datum) {
    Field field = read_varlena(Field::Type::kText, datum, kMaxTextSize);
    if (field.type == Field::Type::kText && !to_utf8(field.bytes, &field.bytes))
        return Field::unreadable("has no form in UTF-8");
    return field;
}

Field read_integer(std::int64_t value) {
    Field field;
    field.type = Field::Type::kInteger;
    field.integer = value;
    return field;
}

Field read_uuid(Datum datum) {
    Field field;
    field.type = Field::Type::kUuid;
    field.bytes = {DatumGetPointer(datum), 16};
    return field;
}

// Any column but the day set. The types are built in, so no lookup and no output function is needed.
Field read_value(Oid type, Datum datum) {
    constexpr std::size_t kDaterangeSize = 13;

    switch (type) {
    case INT2OID:
        return read_integer(DatumGetInt16(datum));
    case INT4OID:
        return read_integer(DatumGetInt32(datum));
    case INT8OID:
        return read_integer(DatumGetInt64(datum));
    case UUIDOID:
        return read_uuid(datum);
    case TEXTOID:
    case VARCHAROID:
        return read_text(datum);
    case DATERANGEOID:
        return read_varlena(Field::Type::kDaterange, datum, kDaterangeSize);
    default:
        return Field::unreadable("has an unsupported type");
    }
}

} // namespace

CalendarRow read_row(const CalendarTable& table, TupleDesc columns, HeapTuple tuple) {
    auto* values = static_cast<Datum*>(palloc(columns->natts * sizeof(Datum)));
    auto* nulls = static_cast<bool*>(palloc(columns->natts * sizeof(bool)));
    heap_deform_tuple(tuple, columns, values, nulls);

    const auto read = [&](CalendarColumn column) {
        if (column.number == InvalidAttrNumber || nulls[column.number - 1])
            return Field();
        return read_value(column.type, values[column.number - 1]);
    };
    CalendarRow row;
    row.listing = read(table.listing);
    row.version = read(table.version);
    row.change = read(table.change);
    row.reservation = read(table.reservation);
    row.stay = read(table.stay);
    row.was = read(table.was);
    const int booked = table.booked.number - 1;
    if (!nulls[booked])
        row.booked = read_varlena(Field::Type::kDayset, values[booked], kMaxStoredSize);
    return row;
}

} // namespace availability

// Text and binary input and output of dayset.

#include "extension/dayset/type.hpp"
#include "extension/core/dayset_text.hpp"

#include <cstring>

extern "C" {
#include <lib/stringinfo.h>
#include <libpq/pqformat.h>
#include <mb/pg_wchar.h>
}

using namespace availability;

// The character at a byte position, so that a message never begins in the middle of one.
static const char* character_at(const char* text, std::size_t position) {
    const char* character = text;
    while (character < text + position && character + pg_mblen(character) <= text + position)
        character += pg_mblen(character);
    return character;
}

AVAILABILITY_FUNCTION(availability_dayset_in) {
    const char* text = PG_GETARG_CSTRING(0);
    StoredDayset stored;
    TextResult result;
    {
        Dayset set;
        result = parse({text, std::strlen(text)}, &set);
        if (result.error == TextError::kNone)
            stored.assign(set);
    }
    const char* rest = character_at(text, result.position);
    switch (result.error) {
    case TextError::kNone:
        break;
    case TextError::kSyntax:
        AVAILABILITY_SOFT_ERROR(
            fcinfo,
            (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("malformed dayset literal: \"%s\"", text),
             *rest == '\0' ? errdetail("Unexpected end of input.") : errdetail("Unexpected input at \"%s\".", rest)));
    case TextError::kReversed:
        AVAILABILITY_SOFT_ERROR(fcinfo, (errcode(ERRCODE_DATA_EXCEPTION),
                                         errmsg("range lower bound must be less than or equal to range upper bound"),
                                         errdetail("The range at \"%s\" is reversed.", rest)));
    case TextError::kOutOfRange:
        AVAILABILITY_SOFT_ERROR(fcinfo,
                                (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("day out of range: \"%s\"", text),
                                 errdetail("Supported days are 1970-01-01 to 2149-06-06.")));
    case TextError::kNoSuchDate:
        AVAILABILITY_SOFT_ERROR(
            fcinfo, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("no such date: \"%.10s\"", rest)));
    }
    return make_dayset(stored);
}

AVAILABILITY_FUNCTION(availability_dayset_out) {
    const DaysetView set = dayset_argument(fcinfo, 0);
    auto* text = static_cast<char*>(palloc(text_size_bound(set) + 1));
    text[format(set, text)] = '\0';
    PG_RETURN_CSTRING(text);
}

// The binary form is the stored bytes.
AVAILABILITY_FUNCTION(availability_dayset_send) {
    PG_RETURN_BYTEA_P(PG_GETARG_BYTEA_P_COPY(0));
}

AVAILABILITY_FUNCTION(availability_dayset_recv) {
    auto* message = reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0));
    const int size = message->len - message->cursor;
    StoredDayset stored;
    accept_bytes(pq_getmsgbytes(message, size), static_cast<std::size_t>(size), &stored);
    return make_dayset(stored);
}

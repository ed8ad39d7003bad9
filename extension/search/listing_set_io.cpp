// Text and binary input and output of listing_set.

#include "extension/core/listing_set_text.hpp"
#include "extension/search/growing_listing_set.hpp"

extern "C" {
#include <lib/stringinfo.h>
#include <libpq/pqformat.h>
#include <mb/pg_wchar.h>
}

using namespace availability;

static_assert(std::is_trivially_destructible_v<OrdinalParser>, "alive while the set grows");

namespace {

// The rest of the text from the character that a byte position is in.
const char* character_at(const char* text, std::size_t position) {
    const char* character = text;
    while (character < text + position && character + pg_mblen(character) <= text + position)
        character += pg_mblen(character);
    return character;
}

} // namespace

AVAILABILITY_FUNCTION(availability_listing_set_in) {
    const char* text = PG_GETARG_CSTRING(0);
    GrowingListingSet set(CurrentMemoryContext);
    OrdinalParser parser({text, std::strlen(text)});
    OrdinalRun run;
    OrdinalError error = OrdinalError::kNone;
    while ((error = parser.next(&run)) == OrdinalError::kNone && !run.end)
        set.add(run.first, run.last);
    const char* rest = error == OrdinalError::kNone ? "" : character_at(text, parser.position());
    switch (error) {
    case OrdinalError::kNone:
        break;
    case OrdinalError::kSyntax:
        AVAILABILITY_SOFT_ERROR(
            fcinfo,
            (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("malformed listing_set literal: \"%s\"", text),
             *rest == '\0' ? errdetail("Unexpected end of input.") : errdetail("Unexpected input at \"%s\".", rest)));
    case OrdinalError::kOutOfRange:
        AVAILABILITY_SOFT_ERROR(fcinfo, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
                                         errmsg("ordinal out of range: \"%s\"", text),
                                         errdetail("Ordinals are 0 to 2147483647.")));
    case OrdinalError::kReversed:
        AVAILABILITY_SOFT_ERROR(fcinfo, (errcode(ERRCODE_DATA_EXCEPTION),
                                         errmsg("run of ordinals is reversed: \"%u-%u\"", run.first, run.last)));
    }
    return set.to_datum();
}

AVAILABILITY_FUNCTION(availability_listing_set_out) {
    const ListingSetView set = listing_set_argument(fcinfo, 0);
    StringInfoData text;
    initStringInfo(&text);
    appendStringInfoChar(&text, '{');
    each_run(set, [&text](Ordinal first, Ordinal last) {
        char run[kOrdinalRunTextSize];
        if (text.len > 1)
            appendStringInfoChar(&text, ',');
        appendBinaryStringInfo(&text, run, static_cast<int>(format(first, last, run)));
    });
    appendStringInfoChar(&text, '}');
    PG_RETURN_CSTRING(text.data);
}

// The binary form is the stored bytes.
AVAILABILITY_FUNCTION(availability_listing_set_send) {
    PG_RETURN_BYTEA_P(PG_GETARG_BYTEA_P_COPY(0));
}

AVAILABILITY_FUNCTION(availability_listing_set_recv) {
    auto* message = reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0));
    const int size = message->len - message->cursor;
    return accept_listing_set(pq_getmsgbytes(message, size), static_cast<std::size_t>(size));
}

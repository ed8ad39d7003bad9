// What makes two requests the same.

#include "extension/booking/digest.hpp"

#include <cstring>

#include "extension/server/type_io.hpp"

extern "C" {
#include <catalog/pg_type.h>
#include <lib/stringinfo.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/jsonb.h>
#include <utils/numeric.h>
}

namespace availability {

namespace {

// Equal values of jsonb have one text but for zeros at the end of numbers: 1.0 and 1.00 are equal.
Datum without_trailing_zeros(Datum attributes) {
    JsonbIterator* iterator = JsonbIteratorInit(&DatumGetJsonbP(attributes)->root);
    JsonbParseState* state = nullptr;
    JsonbValue* result = nullptr;
    JsonbValue value;
    for (JsonbIteratorToken token; (token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE;) {
        if ((token == WJB_VALUE || token == WJB_ELEM) && value.type == jbvNumeric)
            value.val.numeric =
                DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(value.val.numeric)));
        result = pushJsonbValue(&state, token, token < WJB_BEGIN_ARRAY ? &value : nullptr);
    }
    return JsonbPGetDatum(JsonbValueToJsonb(result));
}

void append_part(StringInfo text, const char* part) {
    appendStringInfo(text, "%zu:%s,", std::strlen(part), part);
}

bytea* digest_of(const StringInfoData& parts, const char* attributes) {
    StringInfoData text;
    initStringInfo(&text);
    appendBinaryStringInfo(&text, parts.data, parts.len);
    if (attributes != nullptr)
        append_part(&text, attributes);
    return DatumGetByteaPP(
        DirectFunctionCall1(sha256_bytea, PointerGetDatum(cstring_to_text_with_len(text.data, text.len))));
}

} // namespace

RequestDigest digest_request(std::initializer_list<const char*> parts, const Datum* attributes) {
    StringInfoData text;
    initStringInfo(&text);
    for (const char* part : parts)
        append_part(&text, part);
    if (attributes == nullptr)
        return {digest_of(text, nullptr), nullptr};
    const char* canonical = output_text(JSONBOID, without_trailing_zeros(*attributes));
    const char* as_given = output_text(JSONBOID, *attributes);
    return {digest_of(text, canonical), std::strcmp(canonical, as_given) == 0 ? nullptr : digest_of(text, as_given)};
}

} // namespace availability

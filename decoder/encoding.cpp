// Text of the database's encoding as UTF-8, without ever raising on what the text is.

#include "decoder/encoding.hpp"

extern "C" {
#include <catalog/namespace.h>
#include <lib/stringinfo.h>
#include <mb/pg_wchar.h>
}

namespace availability {

namespace {

bool is_ascii(std::string_view text) {
    for (char c : text)
        if (c == '\0' || static_cast<unsigned char>(c) >= 0x80)
            return false;
    return true;
}

} // namespace

bool is_utf8(std::string_view bytes) {
    return pg_verify_mbstr(PG_UTF8, bytes.data(), static_cast<int>(bytes.size()), true);
}

bool to_utf8(std::string_view text, std::string_view* utf8) {
    const int encoding = GetDatabaseEncoding();
    const int size = static_cast<int>(text.size());

    *utf8 = text;
    if (is_ascii(text))
        return true;
    if (encoding == PG_UTF8)
        return is_utf8(text);
    if (encoding == PG_SQL_ASCII || !pg_verify_mbstr(encoding, text.data(), size, true))
        return false;

    const Oid conversion = FindDefaultConversionProc(encoding, PG_UTF8);
    if (!OidIsValid(conversion))
        return false;
    // With less room than the worst case and its terminator the source would be cut.
    const int room = (size + 1) * MAX_CONVERSION_GROWTH;
    char* source = pnstrdup(text.data(), size);
    char* target = static_cast<char*>(palloc(room));
    const int converted =
        pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8, reinterpret_cast<unsigned char*>(source), size,
                                      reinterpret_cast<unsigned char*>(target), room, true);
    *utf8 = target;
    return converted == size;
}

std::string_view name_to_utf8(std::string_view name) {
    std::string_view utf8;
    if (to_utf8(name, &utf8))
        return utf8;

    StringInfoData lossy;
    initStringInfo(&lossy);
    for (char c : name) {
        if (static_cast<unsigned char>(c) < 0x80)
            appendStringInfoChar(&lossy, c);
        else
            appendStringInfoString(&lossy, "\xef\xbf\xbd");
    }
    return {lossy.data, static_cast<std::size_t>(lossy.len)};
}

} // namespace availability

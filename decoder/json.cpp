// The JSON form of events.

#include <cinttypes>
#include <cstdio>

#include "decoder/json.hpp"

extern "C" {
#include <mb/pg_wchar.h>
}

namespace availability {

namespace {

void append(StringInfo out, std::string_view text) {
    appendBinaryStringInfo(out, text.data(), static_cast<int>(text.size()));
}

void append_hex4(StringInfo out, unsigned unit) {
    appendStringInfo(out, "\\u%04x", unit);
}

// The code point of one valid UTF-8 sequence as an escape, a surrogate pair past the basic plane.
void append_escaped(StringInfo out, const unsigned char* sequence) {
    const pg_wchar point = utf8_to_unicode(sequence);
    if (point < 0x10000) {
        append_hex4(out, point);
    } else {
        append_hex4(out, 0xd800 + ((point - 0x10000) >> 10));
        append_hex4(out, 0xdc00 + ((point - 0x10000) & 0x3ff));
    }
}

void append_control(StringInfo out, unsigned char byte) {
    switch (byte) {
    case '\b':
        append(out, "\\b");
        break;
    case '\f':
        append(out, "\\f");
        break;
    case '\n':
        append(out, "\\n");
        break;
    case '\r':
        append(out, "\\r");
        break;
    case '\t':
        append(out, "\\t");
        break;
    default:
        append_hex4(out, byte);
    }
}

// A JSON string of valid UTF-8. A message is text of the database's encoding, so that only a UTF-8
// database takes other than ASCII as it is.
void append_string(StringInfo out, std::string_view text) {
    const bool pass_utf8 = GetDatabaseEncoding() == PG_UTF8;
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());

    appendStringInfoCharMacro(out, '"');
    for (std::size_t i = 0; i < text.size();) {
        const unsigned char byte = bytes[i];
        const int length = byte < 0x80 ? 1 : pg_utf_mblen(bytes + i);
        if (byte == '"' || byte == '\\') {
            appendStringInfoCharMacro(out, '\\');
            appendStringInfoCharMacro(out, static_cast<char>(byte));
        } else if (byte < 0x20) {
            append_control(out, byte);
        } else if (byte < 0x80) {
            appendStringInfoCharMacro(out, static_cast<char>(byte));
        } else if (pass_utf8) {
            append(out, text.substr(i, length));
        } else {
            append_escaped(out, bytes + i);
        }
        i += length;
    }
    appendStringInfoCharMacro(out, '"');
}

void append_base64(StringInfo out, std::string_view content) {
    static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto* bytes = reinterpret_cast<const unsigned char*>(content.data());

    appendStringInfoCharMacro(out, '"');
    for (std::size_t i = 0; i < content.size(); i += 3) {
        const std::size_t left = content.size() - i;
        const unsigned group = bytes[i] << 16 | (left > 1 ? bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
        appendStringInfoCharMacro(out, kDigits[group >> 18]);
        appendStringInfoCharMacro(out, kDigits[group >> 12 & 0x3f]);
        appendStringInfoCharMacro(out, left > 1 ? kDigits[group >> 6 & 0x3f] : '=');
        appendStringInfoCharMacro(out, left > 2 ? kDigits[group & 0x3f] : '=');
    }
    appendStringInfoCharMacro(out, '"');
}

void append_day(StringInfo out, Day day) {
    const CivilDate date = civil_from_day(day);
    const char text[] = {'"',
                         static_cast<char>('0' + date.year / 1000),
                         static_cast<char>('0' + date.year / 100 % 10),
                         static_cast<char>('0' + date.year / 10 % 10),
                         static_cast<char>('0' + date.year % 10),
                         '-',
                         static_cast<char>('0' + date.month / 10),
                         static_cast<char>('0' + date.month % 10),
                         '-',
                         static_cast<char>('0' + date.day / 10),
                         static_cast<char>('0' + date.day % 10),
                         '"'};
    append(out, {text, sizeof(text)});
}

void append_span(StringInfo out, DaySpan span) {
    appendStringInfoCharMacro(out, '[');
    append_day(out, span.first_day);
    appendStringInfoCharMacro(out, ',');
    append_day(out, span.end_day);
    appendStringInfoCharMacro(out, ']');
}

void append_booked(StringInfo out, const DaysetView& booked) {
    RunCursor runs(booked);
    DaySpan run;

    appendStringInfoCharMacro(out, '[');
    for (bool first = true; runs.next(&run); first = false) {
        if (!first)
            appendStringInfoCharMacro(out, ',');
        append_span(out, run);
    }
    appendStringInfoCharMacro(out, ']');
}

// The text form of either kind of key, as a JSON string: no reader's number type cuts it.
void append_key(StringInfo out, const Key& key) {
    if (key.kind() == Key::Kind::kInteger)
        appendStringInfo(out, "\"" INT64_FORMAT "\"", key.integer());
    else
        append_string(out, key.text());
}

void append_lsn(StringInfo out, std::uint64_t lsn) {
    appendStringInfo(out, ",\"lsn\":\"%X/%X\"", static_cast<std::uint32_t>(lsn >> 32), static_cast<std::uint32_t>(lsn));
}

// Microseconds since the Unix epoch as an ISO time stamp in UTC.
void append_time(StringInfo out, std::int64_t at) {
    constexpr std::int64_t kSecond = 1000000;
    constexpr std::int64_t kDay = 86400 * kSecond;

    std::int64_t time = at % kDay;
    if (time < 0)
        time += kDay;
    const CivilDate date = civil_from_day(static_cast<Day>((at - time) / kDay));
    const int seconds = static_cast<int>(time / kSecond);
    appendStringInfo(out, ",\"at\":\"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ\"", date.year, date.month, date.day,
                     seconds / 3600, seconds / 60 % 60, seconds % 60, static_cast<int>(time % kSecond));
}

void append_unreadable(StringInfo out, const Event& event) {
    append(out, "{\"v\":1,\"event\":\"unreadable\",\"table\":");
    append_string(out, event.table);
    if (event.listing.kind() != Key::Kind::kAbsent) {
        append(out, ",\"listing\":");
        append_key(out, event.listing);
    }
    append(out, ",\"reason\":");
    append_string(out, event.reason());
}

void append_readable(StringInfo out, const Event& event) {
    append(out, "{\"v\":1,\"event\":\"");
    append(out, event.change);
    append(out, "\",\"table\":");
    append_string(out, event.table);
    append(out, ",\"listing\":");
    append_key(out, event.listing);
    if (event.reservation.kind() != Key::Kind::kAbsent) {
        append(out, ",\"reservation\":");
        append_key(out, event.reservation);
    }
    if (!event.stay.empty()) {
        append(out, ",\"stay\":");
        append_span(out, event.stay);
    }
    if (!event.was.empty()) {
        append(out, ",\"was\":");
        append_span(out, event.was);
    }
    appendStringInfo(out, ",\"version\":" INT64_FORMAT ",\"booked\":", event.version);
    append_booked(out, event.booked);
}

void write_event(StringInfo out, const Event& event) {
    if (event.unreadable())
        append_unreadable(out, event);
    else
        append_readable(out, event);
    append_lsn(out, event.position.lsn);
    appendStringInfo(out, ",\"seq\":" UINT64_FORMAT, event.seq);
    if (event.skipped != 0)
        appendStringInfo(out, ",\"skipped\":" UINT64_FORMAT, event.skipped);
    append_time(out, event.position.at);
}

void write_frame(StringInfo out, const Frame& frame) {
    appendStringInfo(out, "{\"v\":1,\"event\":\"%s\",\"xid\":%u",
                     frame.kind == Frame::Kind::kBegin ? "begin" : "commit", frame.xid);
    append_lsn(out, frame.position.lsn);
    append_time(out, frame.position.at);
    appendStringInfoCharMacro(out, '}');
}

void write_message(StringInfo out, const Message& message) {
    const bool readable = message.content.size() <= kMaxContentSize;

    append(out,
           readable ? "{\"v\":1,\"event\":\"message\",\"prefix\":" : "{\"v\":1,\"event\":\"unreadable\",\"prefix\":");
    append_string(out, message.prefix);
    if (!readable) {
        append(out, ",\"reason\":");
        append_string(out, kTooLargeContent);
    } else if (message.content_is_text) {
        append(out, ",\"content\":");
        append_string(out, message.content);
    } else {
        append(out, ",\"content_base64\":");
        append_base64(out, message.content);
    }
    append_lsn(out, message.position.lsn);
    append_time(out, message.position.at);
}

void write_end(StringInfo out, bool last) {
    append(out, last ? ",\"last\":true}" : "}");
}

} // namespace

const Writer kJsonWriter = {"json", false, write_event, write_message, write_end, write_frame};

} // namespace availability

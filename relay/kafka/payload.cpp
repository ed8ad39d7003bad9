#include "relay/kafka/payload.hpp"

#include <algorithm>

#include <protozero/pbf_writer.hpp>

#include "extension/core/dayset_view.hpp"
#include "relay/dead_letters.hpp"
#include "relay/source/lsn.hpp"

namespace availability::relay::kafka {

namespace {

// Fields of decoder/event.proto.
enum class Field : protozero::pbf_tag_type {
    kTable = 2,
    kListingNumber = 3,
    kListingText = 4,
    kVersion = 9,
    kBooked = 10
};

void append_string(std::string_view text, std::string* out) {
    const bool plain =
        std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; });
    if (plain)
        (*out += '"').append(text) += '"';
    else
        *out += json_string(text);
}

void append_key(const Key& key, std::string* out) {
    if (key.kind == Key::Kind::kNumber)
        (*out += '"').append(std::to_string(key.number)) += '"';
    else
        append_string(key.text, out);
}

void append_span(DaySpan span, std::string* out) {
    char text[27] = {'[', '"'};
    format_day(span.first_day, text + 2);
    text[12] = '"', text[13] = ',', text[14] = '"';
    format_day(span.end_day, text + 15);
    text[25] = '"', text[26] = ']';
    out->append(text, sizeof text);
}

void append_booked(std::string_view bytes, std::string* out) {
    DaysetView view;
    *out += ",\"booked\":[";
    if (DaysetView::open(bytes.data(), bytes.size(), &view)) {
        RunCursor runs(view);
        DaySpan run;
        for (bool first = true; runs.next(&run); first = false) {
            if (!first)
                *out += ',';
            append_span(run, out);
        }
    }
    *out += ']';
}

// "2026-11-23T20:53:13.120045Z"
void append_time(std::int64_t at, std::string* out) {
    constexpr std::int64_t kDay = 86400000000;
    const std::int64_t time = ((at % kDay) + kDay) % kDay;
    char day[10];
    format_day(static_cast<Day>((at - time) / kDay), day);
    out->append(day, sizeof day);
    const auto append_number = [out](char before, std::int64_t number, int digits) {
        *out += before;
        const std::string text = std::to_string(number);
        out->append(static_cast<std::size_t>(digits) - text.size(), '0') += text;
    };
    append_number('T', time / 3600000000, 2);
    append_number(':', time / 60000000 % 60, 2);
    append_number(':', time / 1000000 % 60, 2);
    append_number('.', time % 1000000, 6);
    *out += 'Z';
}

} // namespace

const char* name_of(Topic topic) {
    switch (topic) {
    case Topic::kCreated:
        return "reservation.created";
    case Topic::kUpdated:
        return "reservation.updated";
    case Topic::kCancelled:
        return "reservation.cancelled";
    case Topic::kCalendar:
        return "availability.calendar";
    }
    return "";
}

bool Payload::has_topic(const Event& event, Topic* topic) {
    if (event.reservation.empty())
        return false;
    switch (event.kind) {
    case EventKind::kCreated:
        *topic = Topic::kCreated;
        return true;
    case EventKind::kUpdated:
        *topic = Topic::kUpdated;
        return true;
    case EventKind::kCancelled:
        *topic = Topic::kCancelled;
        return true;
    default:
        return false;
    }
}

const std::string& Payload::table_of(const Event& event) const {
    static const std::string kUnknown;
    return event.table < tables_.size() ? tables_[event.table] : kUnknown;
}

void Payload::write_key(const Event& event, std::string* key) const {
    key->clear();
    if (tables_.size() > 1)
        key->append(table_of(event)) += ':';
    event.listing.append_to(key);
}

// As decoder/json.hpp writes it.
void Payload::write_event(const Event& event, std::string* value) const {
    if (format_ == Format::kProtobuf) {
        value->assign(event.raw);
        return;
    }
    value->assign("{\"v\":1,\"event\":\"");
    value->append(word_of(event.kind)).append("\",\"table\":");
    append_string(table_of(event), value);
    *value += ",\"listing\":";
    append_key(event.listing, value);
    *value += ",\"reservation\":";
    append_key(event.reservation, value);
    if (!event.stay.empty()) {
        *value += ",\"stay\":";
        append_span(event.stay, value);
    }
    if (!event.was.empty()) {
        *value += ",\"was\":";
        append_span(event.was, value);
    }
    value->append(",\"version\":").append(std::to_string(event.version));
    append_booked(event.booked, value);
    value->append(",\"lsn\":\"")
        .append(format_lsn(event.position.lsn))
        .append("\",\"seq\":")
        .append(std::to_string(event.position.seq));
    *value += ",\"at\":\"";
    append_time(event.at, value);
    *value += "\"}";
}

void Payload::write_calendar(const Event& event, std::string* value) const {
    value->clear();
    if (format_ == Format::kProtobuf) {
        protozero::basic_pbf_writer<std::string> out(*value);
        const auto tag = [](Field field) { return static_cast<protozero::pbf_tag_type>(field); };
        out.add_string(tag(Field::kTable), table_of(event));
        if (event.listing.kind == Key::Kind::kNumber)
            out.add_int64(tag(Field::kListingNumber), event.listing.number);
        else
            out.add_string(tag(Field::kListingText), event.listing.text.data(), event.listing.text.size());
        out.add_int64(tag(Field::kVersion), event.version);
        out.add_bytes(tag(Field::kBooked), event.booked.data(), event.booked.size());
        return;
    }
    value->assign("{\"v\":1,\"table\":");
    append_string(table_of(event), value);
    *value += ",\"listing\":";
    append_key(event.listing, value);
    value->append(",\"version\":").append(std::to_string(event.version));
    append_booked(event.booked, value);
    *value += '}';
}

} // namespace availability::relay::kafka

#include "relay/source/event_reader.hpp"

#include <protozero/pbf_reader.hpp>

#include "extension/core/dayset_validate.hpp"
#include "relay/source/pg_connection.hpp"

namespace availability::relay {

namespace {

// The field numbers of event.proto.
enum Tag : protozero::pbf_tag_type {
    kEvent = 1,
    kTable,
    kListingNumber,
    kListingText,
    kReservationNumber,
    kReservationText,
    kStay,
    kWas,
    kVersion,
    kBooked,
    kLsn,
    kSeq,
    kAtAfterVersion,
    kReason,
    kXid,
    kPrefix,
    kContent,
    kLast,
    kSkipped,
};

std::string_view view_of(protozero::pbf_reader& reader) {
    const protozero::data_view data = reader.get_view();
    return {data.data(), data.size()};
}

// False if it is no span of supported days.
bool read_stay(protozero::pbf_reader reader, DaySpan* stay) {
    std::uint32_t first_day = 0;
    std::uint32_t nights = 0;
    while (reader.next()) {
        if (reader.tag() == 1 && reader.wire_type() == protozero::pbf_wire_type::varint)
            first_day = reader.get_uint32();
        else if (reader.tag() == 2 && reader.wire_type() == protozero::pbf_wire_type::varint)
            nights = reader.get_uint32();
        else
            reader.skip();
    }
    if (nights == 0 || first_day >= static_cast<std::uint32_t>(kEndDay) ||
        nights > static_cast<std::uint32_t>(kEndDay) - first_day)
        return false;
    *stay = {static_cast<Day>(first_day), static_cast<Day>(first_day + nights)};
    return true;
}

protozero::pbf_wire_type wire_type_of(protozero::pbf_tag_type tag) {
    switch (tag) {
    case kTable:
    case kListingText:
    case kReservationText:
    case kStay:
    case kWas:
    case kBooked:
    case kReason:
    case kPrefix:
    case kContent:
        return protozero::pbf_wire_type::length_delimited;
    default:
        return protozero::pbf_wire_type::varint;
    }
}

} // namespace

EventReader::EventReader(const std::vector<std::string>& tables) {
    for (const std::string& table : tables)
        tables_.push_back(quote_qualified(table));
}

Event EventReader::read(std::string_view message) {
    Event event;
    event.raw = message;
    table_ = prefix_ = content_ = {};
    other_table_ = false;
    last_ = false;
    skipped_ = 0;
    const char* problem = nullptr;
    try {
        problem = parse(message, &event);
    } catch (const protozero::exception&) {
        problem = "malformed message";
    }
    if (problem != nullptr) // of what is malformed not even the position is to be believed
        event.position = {};
    else if ((problem = check(&event)) != nullptr && event.position.seq == 0)
        event.position = {};
    if (problem != nullptr) {
        event.kind = EventKind::kUnreadable;
        event.reason = problem;
    }
    return event;
}

const char* EventReader::parse(std::string_view message, Event* event) {
    protozero::pbf_reader reader(message.data(), message.size());
    std::int64_t at_after_version = 0;
    std::int32_t kind = 0;
    while (reader.next()) {
        const auto tag = reader.tag();
        if (tag > kSkipped) {
            reader.skip();
            continue;
        }
        if (reader.wire_type() != wire_type_of(tag))
            return "malformed message";
        switch (tag) {
        case kEvent:
            kind = reader.get_enum();
            break;
        case kTable:
            table_ = view_of(reader);
            break;
        case kListingNumber:
            event->listing = Key::of(reader.get_int64());
            break;
        case kListingText:
            event->listing = Key::of(view_of(reader));
            break;
        case kReservationNumber:
            event->reservation = Key::of(reader.get_int64());
            break;
        case kReservationText:
            event->reservation = Key::of(view_of(reader));
            break;
        case kStay:
            if (!read_stay(reader.get_message(), &event->stay))
                return "malformed stay";
            break;
        case kWas:
            if (!read_stay(reader.get_message(), &event->was))
                return "malformed stay";
            break;
        case kVersion:
            event->version = reader.get_int64();
            break;
        case kBooked:
            event->booked = view_of(reader);
            break;
        case kLsn:
            event->position.lsn = reader.get_uint64();
            break;
        case kSeq:
            event->position.seq = reader.get_uint64();
            break;
        case kAtAfterVersion:
            at_after_version = reader.get_sint64();
            break;
        case kReason:
            event->reason = view_of(reader);
            break;
        case kPrefix:
            prefix_ = view_of(reader);
            break;
        case kContent:
            content_ = view_of(reader);
            break;
        case kLast:
            last_ = reader.get_bool();
            break;
        case kSkipped:
            skipped_ = reader.get_uint64();
            break;
        default:
            reader.skip();
        }
    }
    if (kind < static_cast<int>(EventKind::kCreated) || kind > static_cast<int>(EventKind::kMessage))
        return "unknown kind";
    event->kind = static_cast<EventKind>(kind);
    // Two's complement, as it was written: a version may be any number.
    event->at = static_cast<std::int64_t>(static_cast<std::uint64_t>(event->version) +
                                          static_cast<std::uint64_t>(at_after_version));
    return nullptr;
}

const char* EventReader::check(Event* event) {
    if (event->kind == EventKind::kBegin || event->kind == EventKind::kCommit || event->kind == EventKind::kMessage)
        return event->position.lsn == 0 ? "no position" : nullptr;
    if (event->kind == EventKind::kUnreadable && table_.empty())
        return nullptr; // of a logical message
    if (last_name_.empty() || table_ != last_name_) {
        const std::string quoted = quote_qualified(table_);
        std::size_t i = 0;
        while (i < tables_.size() && tables_[i] != quoted)
            ++i;
        if (i == tables_.size() || quoted.empty()) {
            event->listing = {}; // of nobody that we know
            other_table_ = true;
            return "unknown table";
        }
        last_name_ = std::string(table_);
        last_table_ = static_cast<std::uint16_t>(i);
    }
    event->table = last_table_;
    if (event->kind == EventKind::kUnreadable)
        return nullptr;
    if (event->listing.empty())
        return "no listing";
    if (event->position.lsn == 0 || event->position.seq == 0)
        return "no position";
    DaysetView view;
    bool canonical = false;
    return validate(event->booked.data(), event->booked.size(), &view, &canonical);
}

} // namespace availability::relay

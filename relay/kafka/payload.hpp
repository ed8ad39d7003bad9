// What is in the messages to Kafka.
//
//   topic                    key        value                                                                    for
//   P reservation.created    listing    the event, as the decoder's format json or protobuf has it              created
//   with a reservation P reservation.updated    listing    the same updated P reservation.cancelled  listing    the
//   same                                                                 cancelled P availability.calendar  listing the
//   calendar: JSON {"v":1,"table":…,"listing":…,"version":…,"booked":…},  every change, and every calendar
//                                       or an Event of decoder/event.proto with just these fields; null: the    of a
//                                       new epoch; compacted listing is gone
//
// Changes of holds, which have no reservation, are in the calendar alone. The key is the listing's text form; if the
// relay has many tables it is "schema.table:listing". Headers, in text: schema_version, epoch, and of what came from
// the stream lsn and seq, which name an event for good. A message may come again, and after a newer one of its listing:
// the greatest (epoch, version) is the newest.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "relay/event.hpp"

namespace availability::relay::kafka {

enum class Format : std::uint8_t { kJson, kProtobuf };
enum class Topic : std::uint8_t { kCreated, kUpdated, kCancelled, kCalendar };
inline constexpr std::size_t kTopics = 4;
// Without the prefix.
const char* name_of(Topic topic);

inline constexpr const char* kSchemaVersion = "1";

class Payload {
  public:
    // Names of the tables, by Event::table.
    Payload(Format format, std::vector<std::string> tables) : format_(format), tables_(std::move(tables)) {}

    // The topic of the event itself; false if it has none.
    static bool has_topic(const Event& event, Topic* topic);
    // Whether the calendar goes as null.
    static bool is_tombstone(const Event& event) {
        return event.kind == EventKind::kDropped || event.kind == EventKind::kUnreadable;
    }

    // Each clears what it writes to.
    void write_key(const Event& event, std::string* key) const;
    void write_event(const Event& event, std::string* value) const;
    void write_calendar(const Event& event, std::string* value) const;

  private:
    const std::string& table_of(const Event& event) const;

    Format format_;
    std::vector<std::string> tables_;
};

} // namespace availability::relay::kafka

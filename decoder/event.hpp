// An event: what one insert or update of a calendar row says, as a plain value that every output format writes.
//
// Like the core, this knows no PostgreSQL header, allocates nothing and never throws: rows come from whoever
// can make a table of the calendar's shape, so what cannot be read becomes an event that says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "extension/core/dayset_view.hpp"

namespace availability {

// One column of a calendar row, by the type that it is stored with. Bytes are those after a varlena header,
// decompressed, and must outlive the event.
struct Field {
    enum class Type : std::uint8_t {
        kNull,
        kInteger, // int2, int4, int8
        kUuid,    // 16 bytes
        kText,    // UTF-8
        kDaterange,
        kDayset,
        kUnreadable, // `problem` says why
    };

    Type type = Type::kNull;
    std::int64_t integer = 0;
    std::string_view bytes;
    const char* problem = nullptr; // completes a sentence that begins with the column's name

    static Field unreadable(const char* problem) {
        Field field;
        field.type = Type::kUnreadable;
        field.problem = problem;
        return field;
    }
};

struct CalendarRow {
    Field listing, booked, version, change;
    Field reservation, stay, was; // kNull where the table has no such column
};

// A listing's or a reservation's key.
class Key {
  public:
    enum class Kind : std::uint8_t { kAbsent, kInteger, kText };

    Key() = default;
    // text() may point into the key itself.
    Key(const Key&) = delete;
    Key& operator=(const Key&) = delete;

    Kind kind() const { return kind_; }
    std::int64_t integer() const { return integer_; }
    std::string_view text() const { return text_; } // UTF-8

    // Whether the field is a key; kNull makes an absent one. Sets *problem if not.
    bool read(const Field& field, const char** problem);

  private:
    static constexpr std::size_t kUuidTextSize = 36;

    Kind kind_ = Kind::kAbsent;
    std::int64_t integer_ = 0;
    std::string_view text_;
    char uuid_[kUuidTextSize];
};

// Where a transaction stands.
struct Position {
    std::uint64_t lsn; // end of the commit: confirming it never brings the transaction back
    std::int64_t at;   // commit time, microseconds since the Unix epoch
};

struct Event {
    std::string_view table; // schema-qualified, quoted where needed; UTF-8
    Position position;
    // Counts the calendar changes of the transaction from 1: (lsn, seq) orders all events and names each.
    std::uint64_t seq;
    // How many of the changes since the event before the filter has kept back: seq - skipped follows that one's seq.
    std::uint64_t skipped = 0;

    // Empty, or why the row cannot be read: then `listing` is all there is, if that.
    std::string_view reason() const { return reason_; }
    bool unreadable() const { return reason_[0] != '\0'; }

    std::string_view change; // created, updated, cancelled, reset, dropped
    Key listing;
    Key reservation;       // may be absent
    DaySpan stay = {0, 0}; // empty when absent
    DaySpan was = {0, 0};  // empty when absent
    std::int64_t version = 0;
    DaysetView booked;
    std::string_view booked_bytes; // as stored

    // Reads a row into the event, once. The row's bytes must outlive it.
    void read(const CalendarRow& row);

  private:
    void fail(const char* column, const char* problem);

    char reason_[96] = "";
};

} // namespace availability

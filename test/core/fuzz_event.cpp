// Fuzz target: a row of a calendar, every column of any type and with any bytes, as the decoder makes an event of it.

#include <string>
#include <vector>

#include "decoder/event.hpp"

#include "fuzz.hpp"

using namespace availability;

namespace {

// What is left of the input.
class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

    std::uint8_t byte() {
        if (size_ == 0)
            return 0;
        --size_;
        return *data_++;
    }

    std::int64_t integer() {
        std::uint64_t value = 0;
        for (int i = 0; i < 8; ++i)
            value = value << 8 | byte();
        return static_cast<std::int64_t>(value);
    }

    std::vector<char> bytes() {
        std::size_t size = byte();
        size = size << 8 | byte();
        size = size < size_ ? size : size_;
        std::vector<char> bytes(data_, data_ + size);
        data_ += size;
        size_ -= size;
        return bytes;
    }

  private:
    const std::uint8_t* data_;
    std::size_t size_;
};

// A field whose bytes are alone in their memory, so that a sanitizer sees who reads past them. The type, then a number
// or a length and bytes.
struct AnyField {
    std::vector<char> bytes;
    Field field;

    explicit AnyField(Input* input) {
        constexpr int kTypes = static_cast<int>(Field::Type::kUnreadable) + 1;
        field.type = static_cast<Field::Type>(input->byte() % kTypes);
        switch (field.type) {
        case Field::Type::kNull:
            break;
        case Field::Type::kInteger:
            field.integer = input->integer();
            break;
        case Field::Type::kUnreadable:
            field.problem = "is what it is";
            break;
        default:
            bytes = input->bytes();
            bytes.shrink_to_fit();
            field.bytes = {bytes.data(), bytes.size()};
        }
    }
};

const char* examine_calendar(const Event& event) {
    RunCursor runs(event.booked);
    DaySpan run;
    Day last_end = -1;
    std::uint32_t days = 0;
    while (runs.next(&run)) {
        if (run.empty() || !run.supported() || run.first_day <= last_end)
            return "runs of a calendar are not ascending, apart and supported";
        last_end = run.end_day;
        days += static_cast<std::uint32_t>(run.days());
    }
    return days == event.booked.count() ? nullptr : "a calendar has other days than it counts";
}

} // namespace

const char* examine(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const AnyField listing(&input), booked(&input), version(&input), change(&input), reservation(&input), stay(&input),
        was(&input);
    CalendarRow row;
    row.listing = listing.field;
    row.booked = booked.field;
    row.version = version.field;
    row.change = change.field;
    row.reservation = reservation.field;
    row.stay = stay.field;
    row.was = was.field;

    Event event;
    event.table = "public.calendar";
    event.position = {1, 1};
    event.seq = 1;
    event.read(row);
    if (event.unreadable())
        return event.reason().size() > 90 ? "the reason fills its room" : nullptr;
    if (event.listing.kind() == Key::Kind::kAbsent)
        return "a readable event has no listing";
    if (event.listing.kind() == Key::Kind::kText && row.listing.type == Field::Type::kUuid &&
        event.listing.text().size() != 36)
        return "a UUID has not 36 characters";
    if (event.change != change.field.bytes || event.version != version.field.integer)
        return "the change or the version is another";
    for (const DaySpan span : {event.stay, event.was})
        if (!span.supported())
            return "a stay is not of supported days";
    if (event.stay.empty() != (stay.field.type == Field::Type::kNull) ||
        event.was.empty() != (was.field.type == Field::Type::kNull))
        return "a stay is missing, or made up";
    return examine_calendar(event);
}

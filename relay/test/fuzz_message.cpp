// Fuzz target: what a hostile server may send: frames of the replication protocol, and in them messages of the decoder,
// up to batches.

#include <string>

#include "extension/core/dayset_validate.hpp"
#include "relay/source/assembler.hpp"
#include "relay/source/stream.hpp"
#include "test/core/fuzz.hpp"

using namespace availability;
using namespace availability::relay;

namespace {

const char* check_event(const Event& event) {
    if (event.kind < EventKind::kCreated || event.kind > EventKind::kUnreadable)
        return "a batch has an event of the source's own";
    if (event.table != 0)
        return "an event of a table that is not configured";
    if (event.kind == EventKind::kUnreadable)
        return nullptr;
    DaysetView view;
    bool canonical = false;
    if (validate(event.booked.data(), event.booked.size(), &view, &canonical) != nullptr)
        return "a calendar that is none";
    if (event.listing.empty() || event.position.lsn == 0 || event.position.seq == 0)
        return "an event without a listing or a position";
    if (!event.stay.supported() || !event.was.supported())
        return "a stay outside of the supported days";
    return nullptr;
}

class Handler : public BatchHandler {
  public:
    void on_event(Event*, Arena*) override {}
    void on_batch(BatchPtr batch) override {
        if (batch->events.empty())
            wrong = "an empty batch";
        for (const Event& event : batch->events) {
            if (const char* what = check_event(event))
                wrong = what;
            if (event.position < last)
                wrong = "positions go back";
            last = event.position;
        }
    }
    void on_loss(Position before, std::uint64_t lost) override {
        if (before.lsn == 0 || before.seq == 0)
            wrong = "a loss nowhere";
        if (lost == 0 && before.seq != kAtEnd)
            wrong = "a loss of nothing";
    }
    void on_position(std::uint64_t lsn, std::int64_t) override {
        if (lsn < position)
            wrong = "the position goes back";
        position = lsn;
    }

    Position last;
    std::uint64_t position = 0;
    const char* wrong = nullptr;
};

} // namespace

// Messages with a byte of their size before each.
const char* examine(const std::uint8_t* data, std::size_t size) {
    Handler handler;
    Assembler assembler({"public.reservations_calendar"}, handler);
    assembler.begin(1);
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    parse_frame(rest);
    while (!rest.empty()) {
        const auto length = static_cast<unsigned char>(rest[0]);
        const std::string_view message = rest.substr(1, length);
        const StreamFrame frame = parse_frame(message);
        if (frame.kind == StreamFrame::Kind::kKeepalive)
            assembler.take_keepalive(frame.lsn);
        else
            assembler.take(frame.kind == StreamFrame::Kind::kData ? frame.payload : message);
        rest.remove_prefix(1 + message.size());
    }
    assembler.flush();
    return handler.wrong;
}

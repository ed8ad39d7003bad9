// Bookings by the extension's functions (docs/booking.md), one statement each.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "service/database/pool.hpp"

namespace availability::database {

// All in their text form, as they came with the request: the extension reads them by the columns' types.
struct BookingRequest {
    enum class Action : std::uint8_t { kBook, kMove, kCancel, kHold, kConfirm, kRelease };
    Action action = Action::kBook;
    std::string reservations; // the tracked table, as schema.table, from the settings
    std::string listing;      // kBook, kHold
    std::string reservation;  // kMove, kCancel
    std::string hold;         // kConfirm, kRelease
    std::string check_in, check_out;
    std::optional<std::string> idempotency_key;
    std::optional<std::string> attributes; // a JSON object
    std::optional<std::string> ttl;        // kHold: an interval
    Clock::time_point deadline = Clock::time_point::max();
    std::string traceparent;
};

struct BookingAnswer {
    QueryError error;        // with the extension's SQLSTATE; kNone: it is done
    std::string reservation; // kBook, kMove, kCancel, kConfirm
    std::string hold;        // kHold
    std::int64_t version = 0;
    bool replayed = false;
    bool released = false; // kRelease: it was there
};

class Bookings {
  public:
    explicit Bookings(Pool& pool) : pool_(pool) {}
    // Requests with a key whose connection is lost before the answer are sent once more, since the key makes that
    // harmless; others never.
    void submit(BookingRequest request, std::function<void(BookingAnswer)> done);

  private:
    Pool& pool_;
};

} // namespace availability::database

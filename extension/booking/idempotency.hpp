// Idempotency keys: a request that comes twice is answered once.
//
// The companion <table>_request keeps, for each key, a digest of the request and the answer that it got. The row is
// written by the transaction that books, so that a failed booking stores no key. Requests with one key wait for each
// other on an advisory lock of a kind of its own, which no pg_advisory_lock() meets.
#pragma once

#include "extension/calendar/session.hpp"

namespace availability {

// availability.idempotency_retention: how long a key lives, in seconds.
extern int idempotency_retention;

// What a booking function answers.
struct BookingAnswer {
    char* reservation; // NULL if the reservation has no key
    int64 version;     // 0 if the listing has no calendar
    bool replayed;
};

struct Request {
    char* key; // NULL: there is none, and nothing is remembered
    bytea* digest;
};

// A request of a function; `parts` are what makes two requests the same. Raises 22023 if the key is empty or longer
// than 255 characters.
Request make_request(char* key, std::initializer_list<const char*> parts);

// Waits for others with the same key, then looks for the answer. Raises RV001 if the key was used for another request.
bool find_answer(const Tracked& tracked, const Request& request, BookingAnswer* answer);

// Remembers the answer, and deletes a few expired keys.
void store_answer(const Tracked& tracked, const Request& request, const BookingAnswer& answer);

// Deletes the expired keys of a tracked table. Returns how many.
uint64 expire_keys(const TrackedRow& row);

} // namespace availability

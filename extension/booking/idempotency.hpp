// Idempotency keys: a request that comes twice is answered once.
//
// The companion <table>_request keeps, for each role and key, a digest of the request and the answer that it got. The
// row is written by the transaction that books, so that a failed booking stores no key. Requests of a role with one key
// wait for each other on an advisory lock of a kind of its own, which no pg_advisory_lock() meets. What one role does
// with a key, no other can learn, prevent or delay.
#pragma once

#include "extension/booking/digest.hpp"
#include "extension/booking/statements.hpp"

namespace availability {

// availability.idempotency_retention: how long a key lives, in seconds.
extern int idempotency_retention;

struct Request {
    char* key; // NULL: there is none, and nothing is remembered
    RequestDigest digest;
};

// A request of a function; `parts` and `attributes` are what makes two requests the same: see digest_request(). Raises
// 22023 if the key is empty or longer than 255 characters.
Request make_request(char* key, std::initializer_list<const char*> parts, const Datum* attributes = nullptr);

// Waits for others of the same role with the same key, then looks for the answer. Raises RV001 if the key was used for
// another request, or for that of somebody whose reservation row security hides from the caller.
bool find_answer(const Target& target, const Request& request, BookingAnswer* answer);

// Remembers the answer, and deletes a few expired keys.
void store_answer(const Target& target, const Request& request, const BookingAnswer& answer);

// Deletes the expired keys of a tracked table, but those that somebody else has locked, and closes the companion.
// Returns how many.
uint64 expire_keys(const Companion& requests);

} // namespace availability

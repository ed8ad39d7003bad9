// SQLSTATEs of our own, for what an application has to tell apart and PostgreSQL has no code for.
#pragma once

#include "extension/server/boundary.hpp"

namespace availability {

// RV001: an idempotency key came again with another request.
inline constexpr int kIdempotencyKeyReused = MAKE_SQLSTATE('R', 'V', '0', '0', '1');
// RV002: a hold has expired.
inline constexpr int kHoldExpired = MAKE_SQLSTATE('R', 'V', '0', '0', '2');
// RV003: a hold was confirmed or released already, or never was.
inline constexpr int kHoldNotFound = MAKE_SQLSTATE('R', 'V', '0', '0', '3');

} // namespace availability

// What makes two requests the same: a digest of their values, whatever the session's settings and however they were
// written.
#pragma once

#include <initializer_list>

#include "extension/server/boundary.hpp"

namespace availability {

struct RequestDigest {
    bytea* digest;
    // As 0.2 made it, which took two numbers for different if one had more zeros at its end; NULL if it is the same.
    bytea* of_0_2;
};

// `parts` are texts that equal values have in common; `attributes` is a jsonb object, NULL for a request without.
RequestDigest digest_request(std::initializer_list<const char*> parts, const Datum* attributes);

} // namespace availability

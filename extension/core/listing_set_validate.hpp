// The door for bytes from outside: everything that is believed of a set of ordinals is checked here first.
#pragma once

#include <cstddef>

#include "extension/core/listing_set_view.hpp"

namespace availability {

// Checks that bytes are a portable Roaring bitmap of ordinals up to 2147483647: cookie, keys in ascending order, run
// flags, offsets, container kinds against cardinalities, ascending order within, runs that neither overlap nor touch
// nor wrap, cardinalities as stated, no trailing bytes. A valid set need not be canonical: `*canonical` says whether it
// is. Returns nullptr and opens *view when valid, else a static lower-case phrase that says what is wrong.
const char* validate(const void* bytes, std::size_t size, ListingSetView* view, bool* canonical);

} // namespace availability

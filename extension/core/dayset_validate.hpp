// The door for bytes from outside: everything that DaysetView trusts is checked here first.
#pragma once

#include <cstddef>

#include "extension/core/dayset_view.hpp"

namespace availability {

// Checks that bytes are a portable Roaring bitmap of supported days: cookie, container count (at
// most one, of key 0), run flags, offset, container kind against cardinality, ascending order, runs
// that neither overlap nor touch nor wrap, cardinality as stated, no trailing bytes. A valid set
// need not be canonical (a client's library may have chosen another container): `*canonical` says
// whether it is. Returns nullptr and opens *view when valid, else a static lower-case phrase that
// says what is wrong.
const char* validate(const void* bytes, std::size_t size, DaysetView* view, bool* canonical);

} // namespace availability

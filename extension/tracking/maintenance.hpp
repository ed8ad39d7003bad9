// What an operator does to a tracked table, for other files too.
#pragma once

#include "extension/tracking/settings.hpp"

namespace availability {

// Mends the companions by the rows, and makes or enables missing triggers. Returns how many discrepancies it found. As
// the owner, with SPI connected and writers kept out.
uint64 repair(const TrackedRow& row);

} // namespace availability

// Writing the sets: from the delta, or from all calendars.
#pragma once

#include "extension/search/set_companions.hpp"

namespace availability {

// Brings the sets up to what is committed now, for the listings of the delta or for the `most` whose rows come first,
// and deletes the rows of the delta that it took from; drops days that are past everywhere. Sets that are empty are
// filled from all calendars. One at a time a table, to the end of the transaction; neither waits for bookings nor makes
// them wait. Returns how many listings it folded. As the owner, with SPI connected.
int64 fold_sets(const TrackedRow& row, int64 most);

// Writes all sets anew. As above.
int64 refill_sets(const TrackedRow& row);

} // namespace availability

// The delta: calendars that changed since the sets were last written.
#pragma once

#include "extension/search/set_companions.hpp"

namespace availability {

// Appends what a calendar has become to the delta of its table. `booked` may be too long to be copied. The change
// itself is of the same subtransaction.
void append_to_delta(const DeltaTarget& target, int32 ordinal, int64 version, Datum booked);

// The same for a calendar that is to be looked up.
void append_lookup(const DeltaTarget& target, int32 ordinal);

// One row of the delta.
struct DeltaRow {
    Ordinal ordinal;
    bool is_lookup;
    int64 version;
    Size booked; // where its bytes begin in Delta::bytes
    Size size;
};

// What a snapshot sees of the delta.
struct Delta {
    MemoryContext context;
    DeltaRow* rows;
    Size count;
    Size room;
    char* bytes;
    Size used;
    Size bytes_room;
    ItemPointerData* tids; // of all rows, those that newest_rows() leaves out too; NULL unless asked for
    Size tid_count;
    Size tid_room;
};
static_assert(std::is_trivially_destructible_v<Delta>);

// Reads the rows that the snapshot sees, of all listings or of the `most` whose rows come first. They live in the
// current memory context.
Delta read_delta(const Companion& companion, Snapshot snapshot, bool with_tids, int64 most);

// Brings the rows into the order of their ordinals, one a listing: what its calendar is in that snapshot. The versions
// of a calendar grow; those that may not, because somebody wrote them by hand, are looked up.
void newest_rows(Delta* delta);

// Opens the copy in a row that is no lookup; raises XX001.
DaysetView booked_in(const Delta& delta, const DeltaRow& row);

} // namespace availability

// The rows of holds: (hold_id, listing_id, stay, expires_at) of the companion <table>_hold.
//
// A hold's row and its days in the calendar change together, under the lock of the listing's calendar; the days are the
// caller's business.
#pragma once

#include "extension/calendar/session.hpp"

extern "C" {
#include <datatype/timestamp.h>
#include <nodes/pg_list.h>
#include <utils/uuid.h>
}

namespace availability {

// What a hold holds: a claim without a key, cut at the horizon; and its whole stay.
struct Hold {
    Claim claim;
    DaySpan stay;
};

// How many holds of a listing a role, a value of type name, has that have not expired.
int64 count_live_holds(const Tracked& tracked, Datum listing, const SqlParameter& role);

void insert_hold(const Tracked& tracked, const pg_uuid_t& id, Datum listing, DaySpan stay, TimestampTz expires_at,
                 const SqlParameter& role);

// Whether a hold is one of a tracked table.
bool has_hold(const TrackedRow& row, const pg_uuid_t& id);

// The hold as it is now, whether or not it has expired; false if there is none.
bool find_hold(const Tracked& tracked, const pg_uuid_t& id, Hold* hold);

// False if the hold is gone, or, where only live ones count, has expired.
bool delete_hold(const Tracked& tracked, const pg_uuid_t& id);
bool delete_live_hold(const Tracked& tracked, const pg_uuid_t& id);

// Deletes the expired holds of a listing that share days with a span. Returns what they held: a list of Claim*.
List* delete_expired_holds(const Tracked& tracked, Datum listing, DaySpan span);

// Gives a listing's holds another listing. Returns what they hold of it: a list of Claim*.
List* move_holds(const Tracked& tracked, const SqlParameter& from, const SqlParameter& to);

// The listings that have expired holds, ascending: a list of Datum*.
List* listings_with_expired_holds(const Tracked& tracked);

} // namespace availability

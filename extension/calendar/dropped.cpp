// Calendars that go.

#include "extension/calendar/dropped.hpp"

#include "extension/tracking/companions.hpp"
#include "extension/tracking/listings.hpp"

extern "C" {
#include <access/xact.h>
}

namespace availability {

namespace {

// Runs a statement on the calendars, as their owner.
void run_on_calendars(const Tracked& tracked, const char* statement, std::initializer_list<SqlParameter> parameters) {
    with_companion(open_calendar(tracked, RowExclusiveLock),
                   [&] { run_sql(statement, companion_names(tracked.row), parameters); });
}

// Who takes the last day of a calendar away drops it if the listing is gone, and who takes a listing away drops its
// calendar if no day is booked. Of two who do so at once, one must wait here to see what the other did.
void wait_for_bookings(const Tracked& tracked, BookedDays booked, const char* where,
                       std::initializer_list<SqlParameter> parameters) {
    if (booked == BookedDays::kKeepIt)
        run_on_calendars(tracked, psprintf("SELECT FROM {calendar} AS c WHERE %s FOR NO KEY UPDATE", where),
                         parameters);
}

const char* condition(BookedDays booked) {
    return booked == BookedDays::kGo ? "true" : "availability.is_empty(booked)";
}

} // namespace

void drop_calendar(const Tracked& tracked, Oid listing_type, Datum listing, BookedDays booked) {
    wait_for_bookings(tracked, booked, "listing_id = $1", {{listing_type, listing}});
    const char* where = psprintf("WHERE listing_id = $1 AND %s", condition(booked));
    run_on_calendars(tracked, psprintf("UPDATE {calendar} AS c SET booked = '{}', {dropped} %s", where),
                     {{listing_type, listing}});
    run_on_calendars(tracked, psprintf("DELETE FROM {calendar} %s", where), {{listing_type, listing}});
}

void drop_all_calendars(const Tracked& tracked, BookedDays booked) {
    wait_for_bookings(tracked, booked, "true", {});
    const char* where = condition(booked);
    run_on_calendars(tracked, psprintf("UPDATE {calendar} AS c SET booked = '{}', {dropped} WHERE %s", where), {});
    run_on_calendars(tracked, psprintf("DELETE FROM {calendar} WHERE %s", where), {});
    require_no_newer_calendar(tracked, where);
}

void drop_if_gone(const Tracked& tracked, Datum listing) {
    if (OidIsValid(tracked.row.listings) && !has_listing(tracked.row, tracked.claim.listing_type, listing))
        drop_calendar(tracked, tracked.claim.listing_type, listing, BookedDays::kKeepIt);
}

void require_no_newer_calendar(const Tracked& tracked, const char* condition) {
    if (!IsolationUsesXactSnapshot())
        return;
    with_companion(open_calendar(tracked, AccessShareLock), [&] {
        const char* newer = psprintf("SELECT FROM {calendar} WHERE %s LIMIT 1", condition);
        if (query_latest(newer, companion_names(tracked.row), {}) > 0)
            ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                            errmsg("could not serialize access due to concurrent update")));
    });
}

} // namespace availability

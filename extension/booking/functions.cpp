// availability.book, cancel, move, hold, confirm, release, sweep: what an application may call instead of writing its
// table.
//
// Each runs the INSERT, UPDATE or DELETE that the caller could have run, with the caller's rights; the row triggers do
// the rest.

#include "extension/booking/arguments.hpp"
#include "extension/booking/holds.hpp"
#include "extension/booking/idempotency.hpp"
#include "extension/booking/insertable.hpp"
#include "extension/booking/statements.hpp"
#include "extension/dayset/type.hpp"
#include "extension/server/type_io.hpp"

extern "C" {
#include <access/htup_details.h>
#include <access/table.h>
#include <catalog/pg_type.h>
#include <funcapi.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/timestamp.h>
}

namespace availability {

namespace {

Datum result_row(FunctionCallInfo fcinfo, const BookingAnswer& answer) {
    TupleDesc descriptor;
    if (get_call_result_type(fcinfo, nullptr, &descriptor) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
    Datum values[] = {answer.reservation != nullptr ? CStringGetTextDatum(answer.reservation) : 0,
                      Int64GetDatum(answer.version), BoolGetDatum(answer.replayed)};
    bool nulls[] = {answer.reservation == nullptr, answer.version == 0, false};
    return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls));
}

// The answer of an earlier request with the same key, else that of act(), which is remembered.
template <typename Act>
Datum answer_once(FunctionCallInfo fcinfo, const Target& target, const Request& request, Act act) {
    BookingAnswer answer;
    if (!find_answer(target, request, &answer)) {
        answer = act();
        store_answer(target, request, answer);
    }
    close_target(target);
    return result_row(fcinfo, answer);
}

constexpr char kRelease[] = "availability.release";

} // namespace

} // namespace availability

using namespace availability;

// (reservations, listing, stay, idempotency_key, attributes)
AVAILABILITY_FUNCTION(availability_book) {
    const Target target = open_target(fcinfo, "availability.book", ACL_INSERT);
    const ClaimColumns& columns = claim_columns(target);
    const KeyArgument listing = key_argument(fcinfo, 1, "listing", target.function, target.tracked->claim.listing_type);
    const StayArgument stay = stay_argument(fcinfo, 2, target.function);
    const Attributes attributes = attributes_argument(fcinfo, 4, target, columns);
    const Request request = make_request(text_or_null(fcinfo, 3), {"book", listing.text, stay.text}, &attributes.value);
    return answer_once(fcinfo, target, request, [&] {
        return insert_reservation(target, columns, listing.value, stay.value, attributes, nullptr);
    });
}

// (reservations, key, idempotency_key)
AVAILABILITY_FUNCTION(availability_cancel) {
    const char* function = "availability.cancel";
    require_argument(fcinfo, 0, "reservations", function);
    const bool updates = require_tracked_row(PG_GETARG_OID(0)).cancels_by_update;
    const Target target = open_target(fcinfo, function, updates ? ACL_UPDATE : ACL_DELETE);
    const KeyArgument key = key_argument(fcinfo, 1, "key", function, target.tracked->claim.key_type);
    const Request request = make_request(text_or_null(fcinfo, 2), {"cancel", key.text});
    return answer_once(fcinfo, target, request, [&] { return cancel_reservation(target, key); });
}

// (reservations, key, stay, idempotency_key)
AVAILABILITY_FUNCTION(availability_move) {
    const Target target = open_target(fcinfo, "availability.move", ACL_UPDATE);
    const ClaimColumns& columns = claim_columns(target);
    const KeyArgument key = key_argument(fcinfo, 1, "key", target.function, target.tracked->claim.key_type);
    const StayArgument stay = stay_argument(fcinfo, 2, target.function);
    const Request request = make_request(text_or_null(fcinfo, 3), {"move", key.text, stay.text});
    return answer_once(fcinfo, target, request, [&] { return move_reservation(target, columns, key, stay.value); });
}

// (reservations, listing, stay, ttl, attributes)
AVAILABILITY_FUNCTION(availability_hold) {
    const Target target = open_target(fcinfo, "availability.hold", ACL_INSERT);
    const ClaimColumns& columns = claim_columns(target);
    const KeyArgument listing = key_argument(fcinfo, 1, "listing", target.function, target.tracked->claim.listing_type);
    const StayArgument stay = stay_argument(fcinfo, 2, target.function);
    require_argument(fcinfo, 3, "ttl", target.function);
    const Interval* ttl = DatumGetIntervalP(input_text(INTERVALOID, text_or_null(fcinfo, 3)));
    const Attributes attributes = attributes_argument(fcinfo, 4, target, columns);
    require_insertable(target, columns, listing.value, stay.value, attributes);
    pg_uuid_t* id = make_hold(*target.tracked, listing.value, stay.span, ttl);
    close_target(target);
    PG_RETURN_UUID_P(id);
}

// (reservations, hold_id, attributes, idempotency_key)
AVAILABILITY_FUNCTION(availability_confirm) {
    const Target target = open_target(fcinfo, "availability.confirm", ACL_INSERT);
    const ClaimColumns& columns = claim_columns(target);
    const HoldArgument hold_id = hold_argument(fcinfo, 1, target.function);
    const Attributes attributes = attributes_argument(fcinfo, 2, target, columns);
    const Request request = make_request(text_or_null(fcinfo, 3), {"confirm", hold_id.text}, &attributes.value);
    return answer_once(fcinfo, target, request, [&] {
        Hold hold;
        if (!find_hold(*target.tracked, *hold_id.id, &hold))
            report_no_hold(*target.tracked, *hold_id.id);
        const BookingAnswer answer =
            insert_reservation(target, columns, hold.claim.listing, make_daterange(hold.stay), attributes, &hold.claim);
        // Now that the calendar is locked, it is known whether the hold was still there: if not, all is undone.
        confirm_hold(*target.tracked, *hold_id.id);
        return answer;
    });
}

// (hold_id, reservations)
AVAILABILITY_FUNCTION(availability_release) {
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    const HoldArgument hold_id = hold_argument(fcinfo, 0, kRelease);
    const bool is_given = PG_NARGS() > 1 && !PG_ARGISNULL(1);
    const Oid reservations = is_given ? PG_GETARG_OID(1) : table_of_hold(*hold_id.id);
    TrackedRow row;
    if (!is_given && !read_tracked_row(reservations, &row)) {
        ereport(WARNING, (errcode(ERRCODE_UNDEFINED_OBJECT),
                          errmsg("the id of the hold names no tracked table of this database"),
                          errhint("One that was made under 0.2, or before the table was restored, is released by"
                                  " availability.release(hold_id, reservations).")));
        PG_RETURN_BOOL(false);
    }
    const Target target = open_target(reservations, kRelease, ACL_INSERT);
    const bool released = release_hold(*target.tracked, *hold_id.id);
    close_target(target);
    PG_RETURN_BOOL(released);
}

// (reservations)
AVAILABILITY_FUNCTION(availability_sweep) {
    const Target target = open_target(fcinfo, "availability.sweep", ACL_INSERT);
    const uint64 count = sweep_holds(*target.tracked);
    close_target(target);
    PG_RETURN_INT64(static_cast<int64>(count));
}

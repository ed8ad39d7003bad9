// What a booking function and the row trigger inside its statement tell each other.

#include "extension/calendar/booking_note.hpp"

#include "extension/calendar/change.hpp"
#include "extension/server/type_io.hpp"

extern "C" {
#include <commands/trigger.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
}

namespace availability {

namespace {

BookingContext* current = nullptr;

int trigger_depth() {
    return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, 0));
}

} // namespace

BookingContext* booking_of_trigger(Oid reservations) {
    if (current == nullptr)
        return nullptr;
    const int depth = trigger_depth();
    for (BookingContext* around = current; around != nullptr; around = around->outer)
        if (around->reservations == reservations && depth > around->trigger_depth + 1)
            around->changed_within = true;
    return current->reservations == reservations && depth == current->trigger_depth + 1 ? current : nullptr;
}

void note_row(BookingContext* context, const Tracked& tracked, const Claim& held, const Claim& holds, int64 version) {
    context->held = context->held || held.held();
    context->holds = holds.held();
    const Claim& claim = holds.held() ? holds : held;
    if (!claim.held())
        return;
    context->version = version != 0 ? version : calendar_version(tracked, claim.listing);
    context->key = nullptr;
    if (claim.key_is_null)
        return;
    context->key = MemoryContextStrdup(CurTransactionContext, output_text(tracked.claim.key_type, claim.key));
}

uint64 run_as_booking(BookingContext* context, const Tracked& tracked, const char* statement,
                      std::initializer_list<SqlParameter> parameters) {
    context->trigger_depth = trigger_depth();
    context->outer = current;
    current = context;
    uint64 rows = 0;
    PG_TRY();
    { rows = run_kept_sql(&tracked.plans, statement, parameters); }
    PG_FINALLY();
    { current = context->outer; }
    PG_END_TRY();
    return rows;
}

} // namespace availability

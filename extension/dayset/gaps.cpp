// The open days between the booked ones.

#include "extension/dayset/type.hpp"

extern "C" {
#include <funcapi.h>
}

using namespace availability;

namespace {

// Where a gaps() call stands. The view reads a copy of the argument that lives as long.
struct GapSearch {
    DaysetView set;
    DaySpan rest; // what is still to be searched
    Day min_days;
};
static_assert(std::is_trivially_destructible_v<GapSearch>);

void require_positive(int32 days, const char* argument) {
    if (days < 1)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be at least 1", argument)));
}

GapSearch* start_search(FunctionCallInfo fcinfo) {
    const DaySpan within = require_supported(daterange_argument(fcinfo, 1));
    const int32 min_days = PG_GETARG_INT32(2);
    require_positive(min_days, "min_days");
    auto* search = static_cast<GapSearch*>(palloc(sizeof(GapSearch)));
    *search = {view_dayset(PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0))), within, min_days};
    return search;
}

} // namespace

AVAILABILITY_FUNCTION(availability_gaps) {
    if (SRF_IS_FIRSTCALL()) {
        FuncCallContext* call = SRF_FIRSTCALL_INIT();
        const MemoryContext caller = MemoryContextSwitchTo(call->multi_call_memory_ctx);
        call->user_fctx = start_search(fcinfo);
        MemoryContextSwitchTo(caller);
    }

    FuncCallContext* call = SRF_PERCALL_SETUP();
    auto* search = static_cast<GapSearch*>(call->user_fctx);
    const DaySpan gap = search->set.next_gap(search->rest, search->min_days);
    if (gap.empty())
        SRF_RETURN_DONE(call);
    search->rest.first_day = gap.end_day;
    SRF_RETURN_NEXT(call, make_daterange(gap));
}

AVAILABILITY_FUNCTION(availability_next_gap) {
    const DaysetView set = dayset_argument(fcinfo, 0);
    const Day from_day = day_from_date(PG_GETARG_INT32(1));
    const int32 days = PG_GETARG_INT32(2);
    require_supported_day(from_day);
    require_positive(days, "days");

    const DaySpan gap = set.next_gap({from_day, kEndDay}, days);
    if (gap.empty())
        PG_RETURN_NULL();
    return make_daterange(gap);
}

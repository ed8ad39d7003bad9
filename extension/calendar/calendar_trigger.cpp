// The trigger on calendars: whoever updates one, the WAL has it whole.

#include <initializer_list>

#include "extension/server/boundary.hpp"

extern "C" {
#include <access/htup_details.h>
#include <commands/trigger.h>
#include <executor/spi.h>
}

namespace availability {

namespace {

// An update that leaves a value alone which is stored out of line writes nothing of it to the WAL.
bool is_left_out_of_line(TupleDesc columns, int column, Datum value, bool is_null) {
    return !is_null && TupleDescAttr(columns, column - 1)->attlen == -1 && VARATT_IS_EXTERNAL(DatumGetPointer(value));
}

} // namespace

} // namespace availability

using namespace availability;

// BEFORE UPDATE FOR EACH ROW of calendars: what the decoder reads is written anew, also where the owner of the
// calendars updates nothing but a column of his own.
AVAILABILITY_FUNCTION(availability_calendar_updated) {
    const auto* trigger = reinterpret_cast<const TriggerData*>(fcinfo->context);
    if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
        !TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || !TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("not called as the trigger that availability.track makes")));

    HeapTuple row = trigger->tg_newtuple;
    TupleDesc columns = RelationGetDescr(trigger->tg_relation);
    for (const char* name : {"listing_id", "booked", "reservation_id"}) {
        int column = SPI_fnumber(columns, name);
        if (column <= 0)
            continue;
        bool is_null;
        Datum value = heap_getattr(row, column, columns, &is_null);
        if (!is_left_out_of_line(columns, column, value, is_null))
            continue;
        value = PointerGetDatum(PG_DETOAST_DATUM(value));
        row = heap_modify_tuple_by_cols(row, columns, 1, &column, &value, &is_null);
    }
    return PointerGetDatum(row);
}

// availability.set_limits: what the owner of a tracked table lets a hold be.

#include "extension/server/owner_scope.hpp"
#include "extension/server/type_io.hpp"
#include "extension/tracking/settings.hpp"

extern "C" {
#include <catalog/pg_type.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/lsyscache.h>
#include <utils/timestamp.h>
}

namespace availability {

namespace {

[[noreturn]] void refuse_limit(const char* name, const char* least) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("%s of availability.set_limits must be %s, or null for none", name, least)));
    pg_unreachable();
}

const char* ttl_limit(FunctionCallInfo fcinfo, int n) {
    if (PG_ARGISNULL(n))
        return "NULL";
    const Datum ttl = PG_GETARG_DATUM(n);
    Interval nothing{};
    if (DatumGetInt32(DirectFunctionCall2(interval_cmp, ttl, IntervalPGetDatum(&nothing))) <= 0)
        refuse_limit("max_hold_ttl", "positive");
    return quote_literal_cstr(output_text(INTERVALOID, ttl));
}

const char* number_limit(FunctionCallInfo fcinfo, int n, const char* name, int32 least) {
    if (PG_ARGISNULL(n))
        return "NULL";
    if (PG_GETARG_INT32(n) < least)
        refuse_limit(name, psprintf("at least %d", least));
    return psprintf("%d", PG_GETARG_INT32(n));
}

} // namespace

} // namespace availability

using namespace availability;

// (reservations, max_hold_ttl, max_stay, max_holds)
AVAILABILITY_FUNCTION(availability_set_limits) {
    if (PG_ARGISNULL(0))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                        errmsg("reservations of availability.set_limits can't be null")));
    const Oid reservations = require_tracked_row(PG_GETARG_OID(0)).reservations;
    if (get_rel_name(reservations) == nullptr)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", reservations)));
    require_owner(reservations);
    SqlNames names;
    names.set("reservations", psprintf("%u", reservations));
    names.set("ttl", ttl_limit(fcinfo, 1));
    names.set("stay", number_limit(fcinfo, 2, "max_stay", 1));
    names.set("holds", number_limit(fcinfo, 3, "max_holds", 0));
    SPI_connect();
    write_tracked(reservations,
                  "UPDATE availability.tracked SET max_hold_ttl = {ttl}, max_stay = {stay}, max_holds = {holds}"
                  " WHERE reservations = {reservations}",
                  names);
    SPI_finish();
    PG_RETURN_VOID();
}

// The searches: free_set, count_free, free_listings, best_starts, calendar_heat.

#include "extension/search/found_sets.hpp"
#include "extension/server/type_io.hpp"

extern "C" {
#include <access/table.h>
#include <catalog/pg_type.h>
#include <funcapi.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/snapmgr.h>
#include <utils/tuplestore.h>
}

namespace availability {

namespace {

const struct varlena* among_argument(FunctionCallInfo fcinfo, int n) {
    return PG_ARGISNULL(n) ? nullptr : packed_argument(fcinfo, n);
}

// Nights of a stay that may lie anywhere within a span; false if none can. Raises 22023.
bool check_nights(DaySpan within, int32 nights) {
    if (nights < 1)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("nights must be at least 1")));
    if (within.days() > kMostDaysSearched && nights < within.days())
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("stays are searched within at most %d days", kMostDaysSearched)));
    return nights <= within.days();
}

bool has_null(FunctionCallInfo fcinfo, int arguments) {
    for (int i = 0; i < arguments; i++)
        if (PG_ARGISNULL(i))
            return true;
    return false;
}

// Puts the listings of a set into the result, as the type that is asked for.
class ListingWriter : public ListingVisitor {
  public:
    ListingWriter(const SetCompanions& companions, ReturnSetInfo* result, Oid type)
        : column_(listing_column(companions)), result_(result), type_(type), stored_(column_.type) {
        const bool widens = type == INT8OID && (stored_ == INT2OID || stored_ == INT4OID);
        if (type == stored_ || type == TEXTOID || widens)
            return;
        ereport(ERROR,
                (errcode(ERRCODE_DATATYPE_MISMATCH),
                 errmsg("listings of the table are of type %s, not %s", format_type_be(stored_), format_type_be(type)),
                 errhint("Add the argument listing => NULL::%s.", format_type_be(stored_))));
    }

    void visit(Ordinal, const DaysetView&, TupleTableSlot* row) override {
        bool is_null;
        const Datum listing = slot_getattr(row, column_.number, &is_null);
        if (!is_null)
            visit_listing(listing);
    }

    void visit_listing(Datum listing) override {
        Datum value = as_asked(listing);
        bool is_null = false;
        tuplestore_putvalues(result_->setResult, result_->setDesc, &value, &is_null);
    }

  private:
    Datum as_asked(Datum listing) const {
        if (type_ == stored_)
            return listing;
        if (type_ == TEXTOID)
            return CStringGetTextDatum(output_text(stored_, listing));
        return Int64GetDatum(stored_ == INT2OID ? DatumGetInt16(listing) : DatumGetInt32(listing));
    }

    ListingColumn column_;
    ReturnSetInfo* result_;
    Oid type_;
    Oid stored_;
};
static_assert(std::is_trivially_destructible_v<ListingWriter>);

// A row (day, number) for every start of a stay.
void put_counts(FunctionCallInfo fcinfo, DaySpan within, Day nights, const struct varlena* among_value) {
    auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    const SetCompanions companions = open_for_search(PG_GETARG_OID(0));
    ListingSetView among;
    if (among_value != nullptr)
        among = view_listing_set(among_value);
    const SearchRequest request = {within, nights, among_value != nullptr ? &among : nullptr};
    FreeCounts counts(request);
    search_sets(companions, GetActiveSnapshot(), request, &counts);
    for (std::uint32_t start = 0; start < counts.starts(); start++) {
        Datum values[] = {DateADTGetDatum(date_from_day(within.first_day + static_cast<Day>(start))),
                          Int64GetDatum(counts.count(start))};
        bool nulls[] = {false, false};
        tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    }
    close_set_companions(companions);
}

} // namespace

} // namespace availability

using namespace availability;

// free_set(reservations, stay)
AVAILABILITY_FUNCTION(availability_free_set) {
    const DaySpan stay = require_stay(daterange_argument(fcinfo, 1));
    PG_RETURN_POINTER(found_set({PG_GETARG_OID(0), stay, stay.days(), nullptr}));
}

// free_set(reservations, within, nights)
AVAILABILITY_FUNCTION(availability_free_set_within) {
    const DaySpan within = require_stay(daterange_argument(fcinfo, 1));
    const int32 nights = PG_GETARG_INT32(2);
    if (!check_nights(within, nights))
        return make_listing_set([](auto) {});
    PG_RETURN_POINTER(found_set({PG_GETARG_OID(0), within, nights, nullptr}));
}

// count_free(reservations, stay, among)
AVAILABILITY_FUNCTION(availability_count_free) {
    if (has_null(fcinfo, 2))
        PG_RETURN_NULL();
    const DaySpan stay = require_stay(daterange_argument(fcinfo, 1));
    PG_RETURN_INT64(static_cast<int64>(count_found({PG_GETARG_OID(0), stay, stay.days(), among_argument(fcinfo, 2)})));
}

// free_listings(reservations, stay, among, listing)
AVAILABILITY_FUNCTION(availability_free_listings) {
    InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
    if (has_null(fcinfo, 2))
        PG_RETURN_NULL();
    const DaySpan stay = require_stay(daterange_argument(fcinfo, 1));
    const struct varlena* set = found_set({PG_GETARG_OID(0), stay, stay.days(), among_argument(fcinfo, 2)});
    const SetCompanions companions = open_for_search(PG_GETARG_OID(0));
    ListingWriter writer(companions, reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo),
                         get_fn_expr_rettype(fcinfo->flinfo));
    visit_listings(companions, GetActiveSnapshot(), view_listing_set(set), &writer);
    close_set_companions(companions);
    PG_RETURN_NULL();
}

// best_starts(reservations, within, nights, among)
AVAILABILITY_FUNCTION(availability_best_starts) {
    InitMaterializedSRF(fcinfo, 0);
    if (has_null(fcinfo, 3))
        PG_RETURN_NULL();
    const DaySpan within = require_stay(daterange_argument(fcinfo, 1));
    if (check_nights(within, PG_GETARG_INT32(2)))
        put_counts(fcinfo, within, PG_GETARG_INT32(2), among_argument(fcinfo, 3));
    PG_RETURN_NULL();
}

// calendar_heat(reservations, within, among)
AVAILABILITY_FUNCTION(availability_calendar_heat) {
    InitMaterializedSRF(fcinfo, 0);
    if (has_null(fcinfo, 2))
        PG_RETURN_NULL();
    const DaySpan within = require_stay(daterange_argument(fcinfo, 1));
    check_nights(within, 1);
    put_counts(fcinfo, within, 1, among_argument(fcinfo, 2));
    PG_RETURN_NULL();
}

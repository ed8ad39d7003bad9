// What ANALYZE keeps of a column of calendars, and estimates from it.
//
// Beside the usual statistics of a type with an order, one slot of pg_statistic: a sample of the calendars themselves,
// and for each day of their horizon the share of all analysed rows that have it booked. Seven nights are not seven
// times one: in the sample the runs are as they are, so that the share of its calendars that answer yes is the estimate
// for any stay.

#include "extension/search/statistics.hpp"

#include <algorithm>

#include "extension/dayset/predicates.hpp"
#include "extension/dayset/type.hpp"

extern "C" {
#include <access/htup_details.h>
#include <access/relation.h>
#include <catalog/pg_statistic.h>
#include <catalog/pg_type.h>
#include <commands/vacuum.h>
#include <funcapi.h>
#include <miscadmin.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/datum.h>
#include <utils/lsyscache.h>
#include <utils/rls.h>
#include <utils/selfuncs.h>
#include <utils/syscache.h>
#include <utils/tuplestore.h>
}

namespace availability {

namespace {

// The horizon reaches from the first to the last day that is booked in at least this share of the calendars that have
// the fullest day booked, but is no longer than this: a few that are blocked for decades say nothing of the others.
constexpr double kLeastShare = 0.01;
constexpr Day kLongestHorizon = 1500;

// ANALYZE wants 300 rows for each unit of the statistics target; we keep one calendar of forty of those.
constexpr int kRowsForOne = 40;

// What std_typanalyze() asked for, which we do too.
struct StandardAnalysis {
    AnalyzeAttrComputeStatsFunc compute;
    void* extra_data;
};

// Adds one for each day of a calendar, as the changes from day to day.
void count_days(const DaysetView& calendar, int32* changes) {
    RunCursor cursor(calendar);
    for (DaySpan run; cursor.next(&run);) {
        changes[run.first_day]++;
        changes[run.end_day]--;
    }
}

// From the number of calendars that have each day booked.
DaySpan find_horizon(const int32* booked) {
    const int32 fullest = *std::max_element(booked, booked + kEndDay);
    const auto counts = [&](Day day) { return booked[day] > 0 && booked[day] >= fullest * kLeastShare; };
    DaySpan horizon = {kFirstDay, kEndDay};
    while (!horizon.empty() && !counts(horizon.first_day))
        horizon.first_day++;
    while (!horizon.empty() && !counts(horizon.end_day - 1))
        horizon.end_day--;
    if (horizon.days() <= kLongestHorizon)
        return horizon;

    // The part of that length in which most is booked.
    int64 sum = 0;
    for (Day day = horizon.first_day; day < horizon.first_day + kLongestHorizon; day++)
        sum += booked[day];
    DaySpan best = {horizon.first_day, horizon.first_day + kLongestHorizon};
    int64 most = sum;
    for (Day day = best.end_day; day < horizon.end_day; day++) {
        sum += booked[day] - booked[day - kLongestHorizon];
        if (sum > most) {
            most = sum;
            best = {day + 1 - kLongestHorizon, day + 1};
        }
    }
    return best;
}

int free_slot(const VacAttrStats* stats) {
    int slot = 0;
    while (slot < STATISTIC_NUM_SLOTS && stats->stakind[slot] != 0)
        slot++;
    return slot;
}

// Server callback of ANALYZE.
void compute_statistics(VacAttrStats* stats, AnalyzeAttrFetchFunc fetch, int rows, double total_rows) {
    const auto* standard = static_cast<const StandardAnalysis*>(stats->extra_data);
    stats->extra_data = standard->extra_data;
    standard->compute(stats, fetch, rows, total_rows);
    const int slot = free_slot(stats);
    if (!stats->stats_valid || slot == STATISTIC_NUM_SLOTS)
        return;

    auto* booked = static_cast<int32*>(palloc0(sizeof(int32) * (kEndDay + 1)));
    const int wanted = std::max(stats->minrows / kRowsForOne, 10);
    auto* sample =
        static_cast<Datum*>(MemoryContextAlloc(stats->anl_context, sizeof(Datum) * static_cast<Size>(wanted)));
    int calendars = 0;
    int sampled = 0;
    for (int row = 0; row < rows; row++) {
        vacuum_delay();
        bool is_null;
        const Datum value = fetch(stats, row, &is_null);
        if (is_null)
            continue;
        struct varlena* calendar = PG_DETOAST_DATUM(value);
        guarded(count_days, view_dayset(calendar), booked);
        calendars++;
        // Evenly from all rows, whose order is that of the table.
        if (static_cast<int64>(sampled) * rows <= static_cast<int64>(row) * wanted && sampled < wanted) {
            MemoryContext caller = MemoryContextSwitchTo(stats->anl_context);
            sample[sampled++] = datumCopy(PointerGetDatum(calendar), false, -1);
            MemoryContextSwitchTo(caller);
        }
        if (PointerGetDatum(calendar) != value)
            pfree(calendar);
    }
    if (calendars == 0)
        return;

    for (Day day = kFirstDay + 1; day <= kEndDay; day++)
        booked[day] += booked[day - 1];
    const DaySpan horizon = find_horizon(booked);
    auto* shares = static_cast<float4*>(
        MemoryContextAlloc(stats->anl_context, sizeof(float4) * static_cast<Size>(1 + horizon.days())));
    shares[0] = static_cast<float4>(horizon.first_day);
    for (Day day = horizon.first_day; day < horizon.end_day; day++)
        shares[1 + day - horizon.first_day] = static_cast<float4>(booked[day]) / static_cast<float4>(calendars);
    pfree(booked);

    stats->stakind[slot] = kSlotKind;
    stats->numnumbers[slot] = 1 + horizon.days();
    stats->stanumbers[slot] = shares;
    stats->numvalues[slot] = sampled;
    stats->stavalues[slot] = sample;
}

// For how many calendars of the sample the operator's function says yes.
int count_matching(const AttStatsSlot& slot, FmgrInfo* function, Datum right) {
    int matching = 0;
    for (int i = 0; i < slot.nvalues; i++)
        matching += DatumGetBool(FunctionCall2Coll(function, InvalidOid, slot.values[i], right));
    return matching;
}

// The share of the sample that matches. Never quite none nor all: others may differ.
double share_of(const AttStatsSlot& slot, FmgrInfo* function, Datum right) {
    return std::clamp<double>(count_matching(slot, function, right), 0.5, std::max(slot.nvalues - 0.5, 0.5)) /
           slot.nvalues;
}

// The fullest day of a stay within the horizon, with its booked share; share is negative if the stay has no day in it.
struct FullestDay {
    Day day;
    double share;
};

FullestDay find_fullest_day(const AttStatsSlot& slot, DaySpan stay) {
    FullestDay fullest = {0, -1};
    if (slot.nnumbers < 2)
        return fullest;
    const auto first_day = static_cast<Day>(slot.numbers[0]);
    stay = intersection(stay, {first_day, first_day + slot.nnumbers - 1});
    for (Day day = stay.first_day; day < stay.end_day; day++)
        if (const double share = static_cast<double>(slot.numbers[1 + day - first_day]); share > fullest.share)
            fullest = {day, share};
    return fullest;
}

// The share of calendars that are free for a stay. The share of its fullest day is known from all rows. The sample is
// asked only how many of those that are free on that day are free throughout, which is a question of few days.
double free_share(const AttStatsSlot& slot, FmgrInfo* disjoint, DaySpan stay) {
    const FullestDay fullest = find_fullest_day(slot, stay);
    if (fullest.share < 0)
        return share_of(slot, disjoint, make_daterange(stay));
    const int throughout = count_matching(slot, disjoint, make_daterange(stay));
    const int then = count_matching(slot, disjoint, make_daterange({fullest.day, fullest.day + 1}));
    return (1 - fullest.share) * (throughout + 0.5) / (then + 0.5);
}

// A week at several times of the horizon, when the stay is not known.
template <typename Share>
double share_of_usual_stays(const AttStatsSlot& slot, Share share) {
    constexpr Day kNights = 7;
    constexpr int kStays = 12;
    const Day days = std::max(slot.nnumbers - 1 - kNights, 0);
    const auto first_day = slot.nnumbers > 0 ? static_cast<Day>(slot.numbers[0]) : kFirstDay;
    double sum = 0;
    for (int i = 0; i < kStays; i++) {
        const Day day = std::min(first_day + days * i / kStays, kLastDay - kNights);
        sum += share(DaySpan{day, day + kNights});
    }
    return sum / kStays;
}

bool is_range_of_days(Oid type) {
    return getBaseType(type) == DATERANGEOID;
}

// The share for a range on the right, by the operator's name.
double share_for_range(const AttStatsSlot& slot, Oid operator_oid, FmgrInfo* function, DaySpan span) {
    const char* name = get_opname(operator_oid);
    if (std::strcmp(name, "!&&") == 0)
        return free_share(slot, function, span);
    // Anybody's operator may name our estimator and have any name, and no negator.
    const Oid negator = get_negator(operator_oid);
    if (std::strcmp(name, "&&") == 0 && OidIsValid(negator)) {
        FmgrInfo disjoint;
        fmgr_info(get_opcode(negator), &disjoint);
        return 1 - free_share(slot, &disjoint, span);
    }
    return share_of(slot, function, make_daterange(span));
}

double share_for(const AttStatsSlot& slot, Oid operator_oid, Node* right) {
    FmgrInfo function;
    fmgr_info(get_opcode(operator_oid), &function);
    if (!IsA(right, Const))
        return is_range_of_days(exprType(right))
                   ? share_of_usual_stays(
                         slot, [&](DaySpan stay) { return share_for_range(slot, operator_oid, &function, stay); })
                   : -1;
    const auto* constant = reinterpret_cast<const Const*>(right);
    if (constant->constisnull)
        return 0;
    if (is_range_of_days(constant->consttype)) {
        const DateRange range = read_daterange(PG_DETOAST_DATUM_PACKED(constant->constvalue));
        const bool ordinary = !range.empty && !range.unbounded && range.span.supported();
        return ordinary ? share_for_range(slot, operator_oid, &function, range.span)
                        : share_of(slot, &function, constant->constvalue);
    }
    Oid left_type;
    Oid right_type;
    op_input_types(operator_oid, &left_type, &right_type);
    // A range of anything else is an error to be raised when it is asked, not now.
    return right_type == ANYRANGEOID ? -1 : share_of(slot, &function, constant->constvalue);
}

// An index condition wraps the stay in a function that raises errors, and planning must not raise them.
Node* without_check(Node* right) {
    if (!IsA(right, FuncExpr))
        return right;
    const auto* call = reinterpret_cast<const FuncExpr*>(right);
    FmgrInfo function;
    fmgr_info(call->funcid, &function);
    return function.fn_addr == availability_checked_stay ? static_cast<Node*>(linitial(call->args)) : right;
}

double estimate(PlannerInfo* root, VariableStatData* calendar, Node* right, Oid operator_oid) {
    AttStatsSlot slot;
    if (!HeapTupleIsValid(calendar->statsTuple) || !statistic_proc_security_check(calendar, get_opcode(operator_oid)) ||
        !get_attstatsslot(&slot, calendar->statsTuple, kSlotKind, InvalidOid,
                          ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
        return -1;
    const double not_null = 1 - reinterpret_cast<Form_pg_statistic>(GETSTRUCT(calendar->statsTuple))->stanullfrac;
    const double share =
        slot.nvalues == 0 ? -1 : share_for(slot, operator_oid, estimate_expression_value(root, without_check(right)));
    free_attstatsslot(&slot);
    return share < 0 ? share : std::clamp(share, 0.0, 1.0) * not_null;
}

constexpr double kDefaultShare = 0.5;

float8 selectivity(PlannerInfo* root, List* args, int var_relid, Oid operator_oid) {
    const double share = estimate_share(root, args, var_relid, operator_oid);
    return share < 0 ? kDefaultShare : share;
}

} // namespace

double estimate_share(PlannerInfo* root, List* args, int var_relid, Oid operator_oid) {
    if (list_length(args) != 2)
        return -1;
    VariableStatData calendar;
    examine_variable(root, static_cast<Node*>(linitial(args)), var_relid, &calendar);
    const double share = estimate(root, &calendar, static_cast<Node*>(lsecond(args)), operator_oid);
    ReleaseVariableStats(calendar);
    return share;
}

} // namespace availability

using namespace availability;

AVAILABILITY_FUNCTION(availability_dayset_typanalyze) {
    auto* stats = reinterpret_cast<VacAttrStats*>(PG_GETARG_POINTER(0));
    if (!std_typanalyze(stats))
        PG_RETURN_BOOL(false);
    auto* standard = static_cast<StandardAnalysis*>(palloc(sizeof(StandardAnalysis)));
    *standard = {stats->compute_stats, stats->extra_data};
    stats->compute_stats = compute_statistics;
    stats->extra_data = standard;
    PG_RETURN_BOOL(true);
}

AVAILABILITY_FUNCTION(availability_dayset_sel) {
    PG_RETURN_FLOAT8(selectivity(reinterpret_cast<PlannerInfo*>(PG_GETARG_POINTER(0)),
                                 reinterpret_cast<List*>(PG_GETARG_POINTER(2)), PG_GETARG_INT32(3), PG_GETARG_OID(1)));
}

AVAILABILITY_FUNCTION(availability_dayset_joinsel) {
    PG_RETURN_FLOAT8(selectivity(reinterpret_cast<PlannerInfo*>(PG_GETARG_POINTER(0)),
                                 reinterpret_cast<List*>(PG_GETARG_POINTER(2)), 0, PG_GETARG_OID(1)));
}

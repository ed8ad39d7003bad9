// availability.book, cancel, move, hold, confirm, release, sweep: what an application may call instead of writing its
// table.
//
// Each runs the INSERT, UPDATE or DELETE that the caller could have run, with the caller's rights; the row triggers do
// the rest.

#include "extension/calendar/booking_note.hpp"
#include "extension/calendar/change.hpp"
#include "extension/claim/columns.hpp"
#include "extension/tracking/companions.hpp"
#include "extension/dayset/type.hpp"
#include "extension/booking/holds.hpp"
#include "extension/booking/idempotency.hpp"

extern "C" {
#include <access/htup_details.h>
#include <access/table.h>
#include <catalog/objectaddress.h>
#include <catalog/pg_type.h>
#include <funcapi.h>
#include <lib/stringinfo.h>
#include <miscadmin.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/jsonb.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/rel.h>
#include <utils/ruleutils.h>
#include <utils/timestamp.h>
#include <utils/uuid.h>
}

namespace availability {

namespace {

// The function that runs, and the tracked table that it is given.
struct Target {
    const char* function;
    const Tracked* tracked;
    Relation relation;

    Oid reservations() const { return tracked->row.reservations; }
};

bool has_right(Oid relation, AclMode right) {
    return pg_class_aclcheck(relation, GetUserId(), right) == ACLCHECK_OK ||
           pg_attribute_aclcheck_all(relation, GetUserId(), right, ACLMASK_ANY) == ACLCHECK_OK;
}

void require_argument(FunctionCallInfo fcinfo, int n, const char* name, const char* function) {
    if (PG_ARGISNULL(n))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s of %s can't be null", name, function)));
}

// Locks the table as the statement will that is to come. Whoever has not the right to it learns nothing, answers to
// earlier requests included.
Target open_target(FunctionCallInfo fcinfo, const char* function, AclMode right) {
    require_argument(fcinfo, 0, "reservations", function);
    TrackedRow row = require_tracked_row(PG_GETARG_OID(0));
    if (!has_right(row.reservations, right))
        aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(row.reservations));
    Relation relation = table_open(row.reservations, RowExclusiveLock);
    require_booking_companions(&row);
    return {function, find_tracked(relation), relation};
}

void close_target(const Target& target) {
    table_close(target.relation, NoLock);
}

char* text_or_null(FunctionCallInfo fcinfo, int n) {
    return PG_ARGISNULL(n) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

char* output_text(Oid type, Datum value) {
    Oid output;
    bool is_varlena;
    getTypeOutputInfo(type, &output, &is_varlena);
    return OidOutputFunctionCall(output, value);
}

// A listing or a key, which is declared bigint, text or uuid, as a value of the column's own type.
struct KeyArgument {
    Datum value;
    const char* text; // of the column's type, so that one value has one text
};

KeyArgument key_argument(FunctionCallInfo fcinfo, int n, const char* name, const char* function, Oid type) {
    require_argument(fcinfo, n, name, function);
    Oid* declared;
    int count;
    get_func_signature(fcinfo->flinfo->fn_oid, &declared, &count);
    KeyArgument argument;
    argument.value = PG_GETARG_DATUM(n);
    if (declared[n] != type) {
        Oid input;
        Oid io_parameter;
        getTypeInputInfo(type, &input, &io_parameter);
        argument.value = OidInputFunctionCall(input, output_text(declared[n], argument.value), io_parameter, -1);
    }
    argument.text = output_text(type, argument.value);
    return argument;
}

struct StayArgument {
    Datum value;
    DaySpan span;
    const char* text;
};

StayArgument stay_argument(FunctionCallInfo fcinfo, int n, const char* function) {
    require_argument(fcinfo, n, "stay", function);
    return {PG_GETARG_DATUM(n), require_stay(daterange_argument(fcinfo, n)),
            output_text(DATERANGEOID, PG_GETARG_DATUM(n))};
}

struct HoldArgument {
    pg_uuid_t* id;
    const char* text;
};

HoldArgument hold_argument(FunctionCallInfo fcinfo, int n, const char* function) {
    require_argument(fcinfo, n, "hold_id", function);
    return {PG_GETARG_UUID_P(n), output_text(UUIDOID, PG_GETARG_DATUM(n))};
}

// --- attributes ------------------------------------------------------------------------------------------------

struct Attributes {
    Datum value;
    const char* text;
    // What an INSERT says of them, each with a comma before it: columns, their values, and the columns of the object.
    StringInfoData columns;
    StringInfoData values;
    StringInfoData types;
};

void add_attribute(Attributes* attributes, const Target& target, const ClaimColumns& claim, const char* name) {
    const AttrNumber column = get_attnum(target.reservations(), name);
    if (column <= 0)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("attribute \"%s\" is no column of table \"%s\"", name,
                                                                  get_rel_name(target.reservations()))));
    for (const AttrNumber taken : claim.numbers)
        if (column == taken)
            ereport(ERROR,
                    (errcode(ERRCODE_DUPLICATE_COLUMN), errmsg("attribute \"%s\" is the listing or the stay", name),
                     errhint("%s fills that column itself.", target.function)));
    const Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(target.relation), column - 1);
    const char* quoted = quote_identifier(name);
    appendStringInfo(&attributes->columns, ", %s", quoted);
    appendStringInfo(&attributes->values, ", r.%s", quoted);
    appendStringInfo(&attributes->types, "%s%s %s", attributes->types.len > 0 ? ", " : "", quoted,
                     format_type_extended(attribute->atttypid, attribute->atttypmod,
                                          FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
}

Attributes attributes_argument(FunctionCallInfo fcinfo, int n, const Target& target, const ClaimColumns& claim) {
    Attributes attributes;
    initStringInfo(&attributes.columns);
    initStringInfo(&attributes.values);
    initStringInfo(&attributes.types);
    attributes.value = PG_ARGISNULL(n) ? DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")) : PG_GETARG_DATUM(n);
    attributes.text = output_text(JSONBOID, attributes.value);
    Jsonb* object = DatumGetJsonbP(attributes.value);
    if (!JB_ROOT_IS_OBJECT(object))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("attributes of %s must be an object, column by column", target.function)));
    JsonbIterator* iterator = JsonbIteratorInit(&object->root);
    JsonbValue value;
    // Values are skipped as wholes, so that every key is one of the object itself.
    for (JsonbIteratorToken token; (token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE;)
        if (token == WJB_KEY)
            add_attribute(&attributes, target, claim, pnstrdup(value.val.string.val, value.val.string.len));
    return attributes;
}

// --- statements ------------------------------------------------------------------------------------------------

BookingContext new_context(const Target& target, const Claim* hold) {
    BookingContext context{};
    context.reservations = target.reservations();
    context.hold = hold;
    return context;
}

[[noreturn]] void not_prerequisite_state(const char* message, const char* name, const char* hint) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg(message, name), errhint("%s", hint)));
    pg_unreachable();
}

uint64 run(BookingContext* context, const Target& target, const char* statement,
           std::initializer_list<SqlParameter> parameters) {
    SPI_connect();
    const uint64 rows = run_as_booking(context, *target.tracked, statement, parameters);
    SPI_finish();
    return rows;
}

BookingAnswer insert_reservation(const Target& target, const ClaimColumns& columns, Datum listing, Datum stay,
                                 const Attributes& attributes, const Claim* hold) {
    const char* stay_columns =
        columns.stay != nullptr ? columns.stay : psprintf("%s, %s", columns.check_in, columns.check_out);
    const char* stay_values = columns.stay != nullptr ? "$2" : "pg_catalog.lower($2), pg_catalog.upper($2)";
    const bool has_attributes = attributes.types.len > 0;
    BookingContext context = new_context(target, hold);
    const uint64 rows =
        run(&context, target,
            psprintf("INSERT INTO %s (%s, %s%s) SELECT $1, %s%s%s%s%s", qualified_name(target.reservations()),
                     columns.listing, stay_columns, attributes.columns.data, stay_values, attributes.values.data,
                     has_attributes ? " FROM pg_catalog.jsonb_to_record($3) AS r(" : "", attributes.types.data,
                     has_attributes ? ")" : ""),
            {{target.tracked->claim.listing_type, listing}, {DATERANGEOID, stay}, {JSONBOID, attributes.value}});
    if (rows != 1 || !context.holds)
        not_prerequisite_state("the new row of table \"%s\" holds no days", get_rel_name(target.reservations()),
                               "Pass attributes that make it active. Days before the horizon are never held.");
    return {context.key, context.version, false};
}

// After a statement on the reservation with a given key.
void require_one_row(const Target& target, uint64 rows, const char* key) {
    if (rows == 0)
        ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND), errmsg("there is no reservation %s in table \"%s\"", key,
                                                               get_rel_name(target.reservations()))));
    if (rows > 1)
        ereport(ERROR,
                (errcode(ERRCODE_CARDINALITY_VIOLATION), errmsg("there are several reservations %s in table \"%s\"",
                                                                key, get_rel_name(target.reservations()))));
}

// As the caller's search_path reads it.
const char* where_key(const Target& target) {
    const ClaimExpressions claim = load_claim_expressions(target.reservations(), target.tracked->row.claims);
    List* context = deparse_context_for(get_rel_name(target.reservations()), target.reservations());
    return psprintf("WHERE (%s) OPERATOR(pg_catalog.=) $1", deparse_expression(claim.key, context, false, false));
}

BookingAnswer cancel_reservation(const Target& target, const KeyArgument& key) {
    const Tracked& tracked = *target.tracked;
    const char* statement;
    if (tracked.row.cancels_by_update) {
        const Oid function = cancel_function(tracked.row);
        if (!OidIsValid(function))
            not_prerequisite_state("companion \"%s\" is missing", companion_name(tracked.row, "cancel"),
                                   "Use availability.untrack and availability.track to make it again.");
        statement =
            psprintf("SELECT FROM %s($1)", qualified_name(get_func_namespace(function), get_func_name(function)));
    } else {
        statement = psprintf("DELETE FROM %s %s", qualified_name(target.reservations()), where_key(target));
    }
    BookingContext context = new_context(target, nullptr);
    const uint64 rows = run(&context, target, statement, {{tracked.claim.key_type, key.value}});
    require_one_row(target, rows, key.text);
    if (context.holds)
        not_prerequisite_state("reservation %s holds its days still", key.text,
                               "The cancel argument of availability.track leaves it active.");
    if (!context.held)
        not_prerequisite_state("reservation %s holds no days", key.text,
                               "It was cancelled already, or its days are past.");
    return {context.key, context.version, false};
}

BookingAnswer move_reservation(const Target& target, const ClaimColumns& columns, const KeyArgument& key, Datum stay) {
    const char* assignment = columns.stay != nullptr ? psprintf("%s = $2", columns.stay)
                                                     : psprintf("%s = pg_catalog.lower($2), %s = pg_catalog.upper($2)",
                                                                columns.check_in, columns.check_out);
    BookingContext context = new_context(target, nullptr);
    const uint64 rows =
        run(&context, target,
            psprintf("UPDATE %s SET %s %s", qualified_name(target.reservations()), assignment, where_key(target)),
            {{target.tracked->claim.key_type, key.value}, {DATERANGEOID, stay}});
    require_one_row(target, rows, key.text);
    if (!context.holds)
        not_prerequisite_state("reservation %s holds no days", key.text, "It was cancelled, or its days are past.");
    return {context.key, context.version, false};
}

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
    if (!find_answer(*target.tracked, request, &answer)) {
        answer = act();
        store_answer(*target.tracked, request, answer);
    }
    close_target(target);
    return result_row(fcinfo, answer);
}

const ClaimColumns& claim_columns(const Target& target) {
    const Tracked& tracked = *target.tracked;
    if (tracked.claim_columns == nullptr) {
        MemoryContext caller = MemoryContextSwitchTo(GetMemoryChunkContext(const_cast<Tracked*>(&tracked)));
        auto* columns = static_cast<ClaimColumns*>(palloc(sizeof(ClaimColumns)));
        *columns = require_claim_columns(
            target.reservations(), load_claim_expressions(target.reservations(), tracked.row.claims), target.function);
        tracked.claim_columns = columns;
        MemoryContextSwitchTo(caller);
    }
    return *tracked.claim_columns;
}

// The moment at which a hold of so long a time expires: whole milliseconds, as its id says it.
TimestampTz expiry_after(const Interval* ttl) {
    const TimestampTz now = GetCurrentTimestamp();
    const TimestampTz expires_at = DatumGetTimestampTz(
        DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(now), IntervalPGetDatum(ttl)));
    constexpr TimestampTz kLatest = INT64CONST(9000) * 365 * USECS_PER_DAY;
    if (expires_at / 1000 * 1000 <= now || expires_at > kLatest)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("ttl of availability.hold must be positive and finite")));
    return expires_at / 1000 * 1000;
}

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
    const Request request = make_request(text_or_null(fcinfo, 3), {"book", listing.text, stay.text, attributes.text});
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

// (reservations, listing, stay, ttl)
AVAILABILITY_FUNCTION(availability_hold) {
    const Target target = open_target(fcinfo, "availability.hold", ACL_INSERT);
    const KeyArgument listing = key_argument(fcinfo, 1, "listing", target.function, target.tracked->claim.listing_type);
    const StayArgument stay = stay_argument(fcinfo, 2, target.function);
    require_argument(fcinfo, 3, "ttl", target.function);
    pg_uuid_t* id = make_hold(*target.tracked, listing.value, stay.span, expiry_after(PG_GETARG_INTERVAL_P(3)));
    close_target(target);
    PG_RETURN_UUID_P(id);
}

// (reservations, hold_id, attributes, idempotency_key)
AVAILABILITY_FUNCTION(availability_confirm) {
    const Target target = open_target(fcinfo, "availability.confirm", ACL_INSERT);
    const ClaimColumns& columns = claim_columns(target);
    const HoldArgument hold_id = hold_argument(fcinfo, 1, target.function);
    const Attributes attributes = attributes_argument(fcinfo, 2, target, columns);
    const Request request = make_request(text_or_null(fcinfo, 3), {"confirm", hold_id.text, attributes.text});
    return answer_once(fcinfo, target, request, [&] {
        Hold hold;
        if (!find_hold(*target.tracked, *hold_id.id, &hold))
            report_no_hold(*target.tracked, *hold_id.id);
        const BookingAnswer answer =
            insert_reservation(target, columns, hold.claim.listing, make_daterange(hold.stay), attributes, &hold.claim);
        // Now that the calendar is locked, it is known whether the hold was still there: if not, all is undone.
        delete_confirmed_hold(*target.tracked, *hold_id.id);
        return answer;
    });
}

// (hold_id)
AVAILABILITY_FUNCTION(availability_release) {
    const pg_uuid_t* id = PG_GETARG_UUID_P(0);
    ListCell* cell;
    foreach (cell, all_tracked_rows()) {
        const auto* row = static_cast<TrackedRow*>(lfirst(cell));
        if (!has_hold(*row, *id) || !has_right(row->reservations, ACL_INSERT))
            continue;
        Relation relation = table_open(row->reservations, RowExclusiveLock);
        const bool released = release_hold(*find_tracked(relation), *id);
        table_close(relation, NoLock);
        PG_RETURN_BOOL(released);
    }
    PG_RETURN_BOOL(false);
}

// (reservations)
AVAILABILITY_FUNCTION(availability_sweep) {
    const Target target = open_target(fcinfo, "availability.sweep", ACL_INSERT);
    const uint64 count = sweep_holds(*target.tracked);
    close_target(target);
    PG_RETURN_INT64(static_cast<int64>(count));
}

AVAILABILITY_FUNCTION(availability_expire_keys) {
    uint64 count = 0;
    ListCell* cell;
    foreach (cell, all_tracked_rows()) {
        const auto* row = static_cast<TrackedRow*>(lfirst(cell));
        if (OidIsValid(row->request) && get_rel_name(row->request) != nullptr)
            count += expire_keys(*row);
    }
    PG_RETURN_INT64(static_cast<int64>(count));
}

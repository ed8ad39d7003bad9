// The arguments of the booking functions.

#include "extension/booking/arguments.hpp"

#include "extension/booking/roles.hpp"
#include "extension/dayset/type.hpp"
#include "extension/server/type_io.hpp"
#include "extension/tracking/companions.hpp"

extern "C" {
#include <access/table.h>
#include <catalog/pg_type.h>
#include <miscadmin.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/jsonb.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/rel.h>
}

namespace availability {

namespace {

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
    attributes->numbers = lappend_int(attributes->numbers, column);
    const char* quoted = quote_identifier(name);
    appendStringInfo(&attributes->columns, ", %s", quoted);
    appendStringInfo(&attributes->values, ", r.%s", quoted);
    appendStringInfo(&attributes->types, "%s%s %s", attributes->types.len > 0 ? ", " : "", quoted,
                     format_type_extended(attribute->atttypid, attribute->atttypmod,
                                          FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
}

[[noreturn]] void report_dropped(const char* reservations) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table \"%s\" does not exist", reservations)));
    pg_unreachable();
}

} // namespace

bool has_right(Oid relation, AclMode right) {
    return pg_class_aclcheck(relation, GetUserId(), right) == ACLCHECK_OK ||
           pg_attribute_aclcheck_all(relation, GetUserId(), right, ACLMASK_ANY) == ACLCHECK_OK;
}

void require_argument(FunctionCallInfo fcinfo, int n, const char* name, const char* function) {
    if (PG_ARGISNULL(n))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s of %s can't be null", name, function)));
}

TrackedRow writable_row(Oid reservations, AclMode right) {
    const TrackedRow row = require_tracked_row(reservations);
    const char* name = get_rel_name(row.reservations);
    if (name == nullptr)
        report_dropped(psprintf("%u", row.reservations));
    if (!has_right(row.reservations, right))
        aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, name);
    return row;
}

Target open_target(FunctionCallInfo fcinfo, const char* function, AclMode right) {
    require_argument(fcinfo, 0, "reservations", function);
    return open_target(PG_GETARG_OID(0), function, right);
}

Target open_target(Oid reservations, const char* function, AclMode right) {
    TrackedRow row = writable_row(reservations, right);
    const char* name = get_rel_name(row.reservations);
    Relation relation = try_table_open(row.reservations, RowExclusiveLock);
    if (relation == nullptr)
        report_dropped(name != nullptr ? name : psprintf("%u", row.reservations));
    require_booking_companions(&row);
    require_roles_in_companions(row);
    return {function, find_tracked(relation), relation};
}

void close_target(const Target& target) {
    table_close(target.relation, NoLock);
}

char* text_or_null(FunctionCallInfo fcinfo, int n) {
    if (PG_ARGISNULL(n))
        return nullptr;
    Oid* declared;
    int count;
    get_func_signature(fcinfo->flinfo->fn_oid, &declared, &count);
    return output_text(declared[n], PG_GETARG_DATUM(n));
}

KeyArgument key_argument(FunctionCallInfo fcinfo, int n, const char* name, const char* function, Oid type) {
    require_argument(fcinfo, n, name, function);
    KeyArgument argument;
    argument.value = input_text(type, text_or_null(fcinfo, n));
    argument.text = output_text(type, argument.value);
    return argument;
}

StayArgument stay_argument(FunctionCallInfo fcinfo, int n, const char* function) {
    require_argument(fcinfo, n, "stay", function);
    const Datum value = input_text(DATERANGEOID, text_or_null(fcinfo, n));
    const DaySpan span = require_stay(read_daterange(reinterpret_cast<const struct varlena*>(DatumGetPointer(value))));
    char first_day[16] = {};
    char end_day[16] = {};
    format_day(span.first_day, first_day);
    format_day(span.end_day, end_day);
    return {value, span, psprintf("[%s,%s)", first_day, end_day)};
}

HoldArgument hold_argument(FunctionCallInfo fcinfo, int n, const char* function) {
    require_argument(fcinfo, n, "hold_id", function);
    const Datum value = input_text(UUIDOID, text_or_null(fcinfo, n));
    return {DatumGetUUIDP(value), output_text(UUIDOID, value)};
}

Attributes attributes_argument(FunctionCallInfo fcinfo, int n, const Target& target, const ClaimColumns& claim) {
    Attributes attributes;
    initStringInfo(&attributes.columns);
    initStringInfo(&attributes.values);
    initStringInfo(&attributes.types);
    attributes.numbers = NIL;
    // Who hold days by the function of 0.2 have none.
    char none[] = "{}";
    attributes.value = input_text(JSONBOID, n >= PG_NARGS() || PG_ARGISNULL(n) ? none : text_or_null(fcinfo, n));
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

const ClaimColumns& claim_columns(const Target& target) {
    const Tracked& tracked = *target.tracked;
    if (tracked.claim_columns == nullptr) {
        MemoryContext caller = MemoryContextSwitchTo(GetMemoryChunkContext(const_cast<Tracked*>(&tracked)));
        auto* columns = static_cast<ClaimColumns*>(palloc(sizeof(ClaimColumns)));
        *columns = require_claim_columns(
            target.relation, load_claim_expressions(target.reservations(), tracked.row.claims), target.function);
        tracked.claim_columns = columns;
        MemoryContextSwitchTo(caller);
    }
    return *tracked.claim_columns;
}

} // namespace availability

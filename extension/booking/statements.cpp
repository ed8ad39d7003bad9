// The statements of the booking functions.

#include "extension/booking/statements.hpp"

#include "extension/calendar/booking_note.hpp"
#include "extension/claim/harmless.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/server/type_io.hpp"

extern "C" {
#include <catalog/pg_type.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/rls.h>
#include <utils/ruleutils.h>
}

namespace availability {

namespace {

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

// Whether the reservation that a statement was about holds days still, which a trigger's statement within it may have
// changed. One without a key can't be told from others.
bool still_holds(const Target& target, const BookingContext& context) {
    if (!context.holds || !context.changed_within || context.key == nullptr)
        return context.holds;
    const Oid type = target.tracked->claim.key_type;
    const SqlParameter key = {type, input_text(type, context.key)};
    SqlNames names;
    names.set("claims", qualified_name(target.tracked->row.claims));
    // The expressions of the view are its owner's, who need not be the table's.
    return as_owner(target.tracked->row.claims, [&] {
        return query_latest("SELECT FROM {claims} WHERE key = $1 AND listing IS NOT NULL AND NOT isempty(stay)", names,
                            {key}) > 0;
    });
}

// As the caller's search_path reads it. The statement is the caller's, so that no function of somebody else's may be in
// it.
const char* where_key(const Target& target) {
    const ClaimExpressions claim = load_claim_expressions(target.reservations(), target.tracked->row.claims);
    if (!is_harmless(claim.key))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("%s can't find reservations of table \"%s\" by their key", target.function,
                               get_rel_name(target.reservations())),
                        errdetail("The key is an expression that calls functions which don't come with the server."),
                        errhint("UPDATE and DELETE move and cancel just as well.")));
    List* context = deparse_context_for(get_rel_name(target.reservations()), target.reservations());
    return psprintf("WHERE (%s) OPERATOR(pg_catalog.=) $1", deparse_expression(claim.key, context, false, false));
}

} // namespace

const char* insert_sql(const Target& target, const ClaimColumns& columns, const Attributes& attributes) {
    const char* stay_columns =
        columns.stay != nullptr ? columns.stay : psprintf("%s, %s", columns.check_in, columns.check_out);
    const char* stay_values = columns.stay != nullptr ? "$2" : "pg_catalog.lower($2), pg_catalog.upper($2)";
    const bool has_attributes = attributes.types.len > 0;
    return psprintf("INSERT INTO %s (%s, %s%s) SELECT $1, %s%s%s%s%s", qualified_name(target.reservations()),
                    columns.listing, stay_columns, attributes.columns.data, stay_values, attributes.values.data,
                    has_attributes ? " FROM pg_catalog.jsonb_to_record($3) AS r(" : "", attributes.types.data,
                    has_attributes ? ")" : "");
}

bool is_hidden(const Target& target, char* key) {
    if (check_enable_rls(target.reservations(), InvalidOid, true) != RLS_ENABLED)
        return false;
    const Oid type = target.tracked->claim.key_type;
    const SqlParameter parameter = {type, input_text(type, key)};
    const auto is_there = [&] {
        SqlNames names;
        names.set("reservations", qualified_name(target.reservations()));
        names.set("where", where_key(target));
        return query_latest("SELECT FROM {reservations} {where}", names, {parameter}) > 0;
    };
    SPI_connect();
    const bool is_seen = is_there();
    SPI_finish();
    return !is_seen && as_owner(target.reservations(), is_there);
}

BookingAnswer insert_reservation(const Target& target, const ClaimColumns& columns, Datum listing, Datum stay,
                                 const Attributes& attributes, const Claim* hold) {
    BookingContext context = new_context(target, hold);
    const uint64 rows =
        run(&context, target, insert_sql(target, columns, attributes),
            {{target.tracked->claim.listing_type, listing}, {DATERANGEOID, stay}, {JSONBOID, attributes.value}});
    if (rows != 1 || !context.holds)
        not_prerequisite_state("the new row of table \"%s\" holds no days", get_rel_name(target.reservations()),
                               "Pass attributes that make it active. Days before the horizon are never held.");
    if (!still_holds(target, context))
        not_prerequisite_state("the new row of table \"%s\" holds no days", get_rel_name(target.reservations()),
                               "A trigger of the table took it away again.");
    return {context.key, context.version, false};
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
    if (!still_holds(target, context))
        not_prerequisite_state("reservation %s holds no days", key.text, "It was cancelled, or its days are past.");
    return {context.key, context.version, false};
}

} // namespace availability

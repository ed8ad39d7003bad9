// Statements that the extension runs through SPI, written as templates.

#include <cstring>

#include "extension/server/spi.hpp"

extern "C" {
#include <catalog/pg_type.h>
#include <lib/stringinfo.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/tuplestore.h>
}

namespace availability {

char* qualified_name(Oid relation) {
    const char* name = get_rel_name(relation);
    if (name == nullptr)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", relation)));
    return qualified_name(get_rel_namespace(relation), name);
}

char* qualified_name(Oid schema, const char* name) {
    return quote_qualified_identifier(get_namespace_name(schema), name);
}

void SqlNames::set(const char* name, const char* value) {
    if (count == kMost)
        elog(ERROR, "too many names in an SQL template");
    names[count++] = {name, value};
}

char* expand_sql(const char* statement, const SqlNames& names) {
    StringInfoData sql;
    initStringInfo(&sql);
    while (*statement != '\0') {
        const std::size_t plain = std::strcspn(statement, "{");
        appendBinaryStringInfo(&sql, statement, static_cast<int>(plain));
        statement += plain;
        if (*statement == '\0')
            break;
        const std::size_t length = std::strcspn(++statement, "}");
        const char* value = length == 0 ? "{}" : nullptr;
        for (int i = 0; i < names.count && value == nullptr; i++)
            if (std::strlen(names.names[i].name) == length && std::strncmp(names.names[i].name, statement, length) == 0)
                value = names.names[i].value;
        if (value == nullptr)
            elog(ERROR, "unknown name in an SQL template: %s", statement);
        appendStringInfoString(&sql, value);
        statement += length + 1;
    }
    return sql.data;
}

namespace {

void execute(const char* sql) {
    const int result = SPI_execute(sql, false, 0);
    if (result < 0)
        elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
}

} // namespace

uint64 run_sql(const char* statement, const SqlNames& names) {
    execute(expand_sql(statement, names));
    return SPI_processed;
}

namespace {

// Parameters as SPI takes them.
struct SpiParameters {
    static constexpr std::size_t kMost = 8;
    Oid types[kMost];
    Datum values[kMost];
    char nulls[kMost];
    int count = 0;

    explicit SpiParameters(std::initializer_list<SqlParameter> parameters) {
        for (const SqlParameter& parameter : parameters) {
            types[count] = parameter.type;
            values[count] = parameter.value;
            nulls[count++] = parameter.is_null ? 'n' : ' ';
        }
    }
};
static_assert(std::is_trivially_destructible_v<SpiParameters>);

uint64 run_with_parameters(const char* statement, std::initializer_list<SqlParameter> parameters, bool read_only) {
    SpiParameters spi(parameters);
    const int result = SPI_execute_with_args(statement, spi.count, spi.types, spi.values, spi.nulls, read_only, 0);
    if (result < 0)
        elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(result));
    return SPI_processed;
}

} // namespace

uint64 run_sql(const char* statement, const SqlNames& names, std::initializer_list<SqlParameter> parameters) {
    return run_with_parameters(expand_sql(statement, names), parameters, false);
}

uint64 run_plain_sql(const char* statement, std::initializer_list<SqlParameter> parameters) {
    return run_with_parameters(statement, parameters, false);
}

uint64 query_latest(const char* statement, const SqlNames& names, std::initializer_list<SqlParameter> parameters) {
    return under_latest_snapshot([&] { return run_with_parameters(expand_sql(statement, names), parameters, true); });
}

SPIPlanPtr make_plan(const char* statement, std::initializer_list<SqlParameter> parameters) {
    SpiParameters spi(parameters);
    SPIPlanPtr plan = SPI_prepare(statement, spi.count, spi.types);
    if (plan == nullptr)
        elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
    return plan;
}

SPIPlanPtr keep_plan(const char* statement, std::initializer_list<SqlParameter> parameters) {
    SPIPlanPtr plan = make_plan(statement, parameters);
    SPI_keepplan(plan);
    return plan;
}

uint64 run_plan(SPIPlanPtr plan, std::initializer_list<SqlParameter> parameters, bool read_only) {
    SpiParameters spi(parameters);
    const int result = SPI_execute_plan(plan, spi.values, spi.nulls, read_only, 0);
    if (result < 0)
        elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
    return SPI_processed;
}

uint64 run_plan_latest(SPIPlanPtr plan, std::initializer_list<SqlParameter> parameters) {
    SpiParameters spi(parameters);
    return under_latest_snapshot([&]() -> uint64 {
        const int result =
            SPI_execute_snapshot(plan, spi.values, spi.nulls, GetActiveSnapshot(), InvalidSnapshot, false, true, 0);
        if (result < 0)
            elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(result));
        return SPI_processed;
    });
}

namespace {

void require_type(TupleDesc row, int column, Oid type) {
    const Oid found = column <= row->natts ? SPI_gettypeid(row, column) : InvalidOid;
    if (found != type)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("a column of a companion has type %s instead of %s", format_type_be(found),
                               format_type_be(type)),
                        errhint("Use availability.untrack and availability.track to make it again.")));
}

} // namespace

SqlValue result_value(uint64 row, int column, Oid type) {
    require_type(SPI_tuptable->tupdesc, column, type);
    SqlValue result;
    result.value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &result.is_null);
    return result;
}

char* query_text(const char* statement, const SqlNames& names) {
    execute(expand_sql(statement, names));
    if (SPI_processed == 0)
        return nullptr;
    const SqlValue found = result_value(0, 1, TEXTOID);
    return found.is_null ? nullptr : TextDatumGetCString(found.value);
}

void return_rows(ReturnSetInfo* result) {
    TupleDesc expected = result->setDesc;
    for (int column = 1; column <= expected->natts; column++)
        require_type(SPI_tuptable->tupdesc, column, TupleDescAttr(expected, column - 1)->atttypid);
    for (uint64 row = 0; row < SPI_processed; row++)
        tuplestore_puttuple(result->setResult, SPI_tuptable->vals[row]);
}

} // namespace availability

// Statements that the extension runs through SPI, written as templates: {name} stands for an identifier or literal that
// is already quoted.
#pragma once

#include <initializer_list>

#include "extension/server/boundary.hpp"

extern "C" {
#include <access/xact.h>
#include <nodes/execnodes.h>
#include <executor/spi.h>
#include <utils/snapmgr.h>
}

namespace availability {

// schema.table, quoted where needed.
char* qualified_name(Oid relation);

// schema.name for an object beside another relation.
char* qualified_name(Oid schema, const char* name);

struct SqlName {
    const char* name;
    const char* value;
};

// The names that a template may use; a fixed array, so that it can live across PostgreSQL calls.
struct SqlNames {
    static constexpr int kMost = 32;
    SqlName names[kMost];
    int count = 0;

    void set(const char* name, const char* value);
};
static_assert(std::is_trivially_destructible_v<SqlNames>);

// The statement with every {name} replaced. A brace that opens no known name is an internal error, except that {}
// stands for itself, the empty dayset.
char* expand_sql(const char* statement, const SqlNames& names);

// Runs one statement with a fresh snapshot; returns the number of rows processed (SPI_processed).
// SPI must be connected.
uint64 run_sql(const char* statement, const SqlNames& names);

// What a statement's $1, $2, … stand for.
struct SqlParameter {
    Oid type;
    Datum value;
    bool is_null = false;
};

// Runs a statement that is no template; see run_sql().
uint64 run_plain_sql(const char* statement, std::initializer_list<SqlParameter> parameters);

// As above, with parameters.
uint64 run_sql(const char* statement, const SqlNames& names, std::initializer_list<SqlParameter> parameters);

// Calls run() with a snapshot of what is committed now, whatever the transaction's own.
template <typename Run>
uint64 under_latest_snapshot(Run run) {
    CommandCounterIncrement();
    PushActiveSnapshot(GetLatestSnapshot());
    const uint64 rows = run();
    PopActiveSnapshot();
    return rows;
}

// Runs a query under the latest snapshot; returns the number of rows.
uint64 query_latest(const char* statement, const SqlNames& names, std::initializer_list<SqlParameter> parameters);

// Makes a plan that lives until SPI_finish().
SPIPlanPtr make_plan(const char* statement, std::initializer_list<SqlParameter> parameters);

// Makes a plan that outlives the transaction, and runs one. The parameters' types are those that it was made with.
SPIPlanPtr keep_plan(const char* statement, std::initializer_list<SqlParameter> parameters);
uint64 run_plan(SPIPlanPtr plan, std::initializer_list<SqlParameter> parameters, bool read_only);

// Runs a statement on rows as they are committed now, whatever the transaction's snapshot.
uint64 run_plan_latest(SPIPlanPtr plan, std::initializer_list<SqlParameter> parameters);

// A value, and whether it is null.
struct SqlValue {
    Datum value;
    bool is_null;
};

// A column, from 1 on, of a row of the last query. Raises 55000 if it has not the type that it is read by: what a
// statement returns depends on tables of others.
SqlValue result_value(uint64 row, int column, Oid type);

// The first column of the first row of a query, of type text; NULL if it is null or there is no row.
char* query_text(const char* statement, const SqlNames& names);

// Puts the rows of the last query into the result of a set-returning function. Raises 55000 if their types differ.
void return_rows(ReturnSetInfo* result);

} // namespace availability

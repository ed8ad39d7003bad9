// Statements that the extension runs through SPI, written as templates: {name} stands for an identifier or literal that is
// already quoted.
#pragma once

#include <initializer_list>

#include "boundary.hpp"

extern "C" {
#include <executor/spi.h>
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
    static constexpr int kMost = 24;
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

// The first column of the first row of a query; *is_null is also set when there is no row.
Datum query_value(const char* statement, const SqlNames& names, bool* is_null);

}  // namespace availability

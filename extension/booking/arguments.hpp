// The arguments of the booking functions.
#pragma once

#include "extension/calendar/session.hpp"
#include "extension/claim/columns.hpp"

extern "C" {
#include <datatype/timestamp.h>
#include <lib/stringinfo.h>
#include <nodes/pg_list.h>
#include <utils/acl.h>
#include <utils/uuid.h>
}

namespace availability {

// The function that runs, and the tracked table that it is given.
struct Target {
    const char* function;
    const Tracked* tracked;
    Relation relation;

    Oid reservations() const { return tracked->row.reservations; }
};

// Whether the current user has one of the rights on a table, or on a column of it.
bool has_right(Oid relation, AclMode right);

// Raises 22004 if an argument is null.
void require_argument(FunctionCallInfo fcinfo, int n, const char* name, const char* function);

// The tracked table of an argument, not locked. Raises 42704 if it is not tracked. A caller who has none of the rights
// that the statement about to run asks for gets 42501 and learns nothing, not even the answer to an earlier request.
TrackedRow writable_row(Oid reservations, AclMode right);

// Locks the table as the statement that is about to run does. Raises what writable_row() raises, and 42P01 if the table
// was dropped.
Target open_target(FunctionCallInfo fcinfo, const char* function, AclMode right);
Target open_target(Oid reservations, const char* function, AclMode right);
void close_target(const Target& target);

// The columns that the functions write.
const ClaimColumns& claim_columns(const Target& target);

// The text of an argument, or NULL. It is declared availability.argument; by 0.2, whose functions work on until the
// extension is updated, as what the function needs.
char* text_or_null(FunctionCallInfo fcinfo, int n);

// A listing or a key as a value of the column's own type.
struct KeyArgument {
    Datum value;
    const char* text; // of the column's type, so that one value has one text
};

KeyArgument key_argument(FunctionCallInfo fcinfo, int n, const char* name, const char* function, Oid type);

struct StayArgument {
    Datum value;
    DaySpan span;
    const char* text; // whatever DateStyle says
};

StayArgument stay_argument(FunctionCallInfo fcinfo, int n, const char* function);

struct HoldArgument {
    pg_uuid_t* id;
    const char* text;
};

HoldArgument hold_argument(FunctionCallInfo fcinfo, int n, const char* function);

struct Attributes {
    Datum value;   // jsonb
    List* numbers; // of the columns
    // What an INSERT says of them, each with a comma before it: columns, their values, and the columns of the object.
    StringInfoData columns;
    StringInfoData values;
    StringInfoData types;
};

// Raises 22023 if they are not an object, 42703 for a name that is not a column, 42701 for a column that the function
// fills itself.
Attributes attributes_argument(FunctionCallInfo fcinfo, int n, const Target& target, const ClaimColumns& claim);

} // namespace availability

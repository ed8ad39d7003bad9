// From a row as the server hands it over to the plain bytes that an event is read from.
#pragma once

#include "decoder/calendar_table.hpp"
#include "decoder/event.hpp"

extern "C" {
#include <access/htup.h>
}

namespace availability {

// Reads a row of the calendar into the current memory context. Never raises on data: a value that cannot be read
// is a Field::Type::kUnreadable.
CalendarRow read_row(const CalendarTable& table, TupleDesc columns, HeapTuple tuple);

} // namespace availability

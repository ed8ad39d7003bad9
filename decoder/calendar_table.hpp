// Which tables are calendar companions, and where their columns stand: looked up once a table and kept until the
// table changes, so that a row of any other table costs one hash probe.
#pragma once

#include <string_view>

#include "decoder/options.hpp"

extern "C" {
#include <utils/relcache.h>
}

namespace availability {

// A column of a calendar: its number, and its type below any domain. No column: InvalidAttrNumber.
struct CalendarColumn {
    AttrNumber number;
    Oid type;
};

struct CalendarTable {
    std::string_view name; // schema-qualified, quoted where needed; UTF-8
    bool wanted;           // by option `tables`
    CalendarColumn listing, booked, version, change;
    CalendarColumn reservation, stay, was;
};
static_assert(std::is_trivially_destructible_v<CalendarTable>);

// Begins a cache that lives as long as the decoding session's memory context, as the options do. A backend has at
// most one such session at a time.
void start_calendar_tables(MemoryContext session, const Options* options);

// The relation as a calendar companion at this place of the stream; nullptr if it is none. A calendar has the
// columns listing_id, booked, version bigint and change, of which booked is of the type dayset that
// belongs to the extension: any role can make a type of that name. Valid until the next call.
const CalendarTable* find_calendar_table(Relation relation);

} // namespace availability

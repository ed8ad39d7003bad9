// The one door to companions: tables and views that belong to whoever owns the tracked table, who is anybody.
#pragma once

#include "extension/server/boundary.hpp"

extern "C" {
#include <access/attnum.h>
#include <storage/lockdefs.h>
#include <utils/relcache.h>
}

namespace availability {

// Opens a companion; raises 55000 if somebody dropped it.
Relation open_companion(Oid companion, LOCKMODE mode);

// The number of a column; raises 55000 unless the companion has it with that type.
AttrNumber require_column(Relation companion, const char* name, Oid type);

} // namespace availability

// What pg_depend says of one object.
#pragma once

#include "extension/server/boundary.hpp"

extern "C" {
#include <catalog/objectaddress.h>
#include <nodes/pg_list.h>
}

namespace availability {

// Whether an object depends on another one in any way.
bool depends_on(const ObjectAddress& object, const ObjectAddress& referenced);

// The objects of one catalog that depend on an object, by their OIDs.
List* dependents(const ObjectAddress& referenced, Oid catalog);

// The views whose queries read a relation, by their OIDs.
List* reading_views(Oid relation);

// The extension itself.
ObjectAddress our_extension();

// Whether a view's query reads a relation.
bool view_reads(Oid view, Oid relation);

} // namespace availability

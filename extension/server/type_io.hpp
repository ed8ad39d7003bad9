// Values as text, by their types' own functions.
#pragma once

#include "extension/server/boundary.hpp"

namespace availability {

// In the current memory context.
char* output_text(Oid type, Datum value);

Datum input_text(Oid type, char* text);

} // namespace availability

// Which expressions call nobody's code.
#pragma once

#include "extension/server/boundary.hpp"

extern "C" {
#include <nodes/nodes.h>
}

namespace availability {

// Whether evaluating an expression runs nothing but immutable functions of the server's own, written in C, on values of
// its own types and of enums. All else is run as whoever gave it: a function such as query_to_xml() comes with the
// server and yet runs what it is told, and one that compares rows calls the functions of the columns' types.
bool is_harmless(Node* expression);

} // namespace availability

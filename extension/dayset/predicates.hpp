// The function that checks a stay for an index condition.
#pragma once

#include "extension/server/boundary.hpp"

extern "C" Datum availability_checked_stay(PG_FUNCTION_ARGS);

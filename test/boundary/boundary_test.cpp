// Functions that let an exception go, as a fault inside the core would. For t/010_boundary.pl;
// never installed.

#include <stdexcept>
#include <string>

#include "extension/server/boundary.hpp"

extern "C" {
PG_MODULE_MAGIC;
}

AVAILABILITY_FUNCTION(availability_test_bad_alloc) {
    throw std::bad_alloc();
}

// Has a message on the C heap, longer than the report's buffer.
AVAILABILITY_FUNCTION(availability_test_runtime_error) {
    const std::string on_the_heap(1000, 'x');
    throw std::runtime_error("the core gave up: " + on_the_heap);
}

AVAILABILITY_FUNCTION(availability_test_int) {
    throw 42;
}

// An ordinary error of PostgreSQL must pass through as it is.
AVAILABILITY_FUNCTION(availability_test_ereport) {
    ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("day out of range")));
}

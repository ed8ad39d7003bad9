// The module itself: what the server checks when it loads the library.

#include "boundary.hpp"

extern "C" {
PG_MODULE_MAGIC;
}

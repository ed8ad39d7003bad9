// The one way to PostgreSQL's headers from C++. Standard headers must come before it, since its macros
// (Min, Max, ERROR, Assert, snprintf …) shadow their names.
#pragma once

// What the macros of postgres.h would break if it came first.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <new>
#include <type_traits>

extern "C" {
#include <postgres.h>
#include <fmgr.h>
}

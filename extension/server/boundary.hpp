// The boundary between C++ and PostgreSQL: the one wrapper of every function and callback that the server calls.
//
// Two rules meet here. ereport(ERROR) is a longjmp and runs no destructor, so nothing with a destructor may be alive
// across a PostgreSQL call. And a C++ exception that leaves a callback ends the backend and restarts the
// cluster, so none may leave: the wrapper catches everything, copies what it says into a fixed buffer, lets
// the exception go, and only then reports.
//
// The body of an entry has four steps: read the arguments (detoast), call the core, let the core's
// objects go, return a Datum or ereport.
#pragma once

#include <cstring>
#include <exception>
#include <new>
#include <type_traits>

#include "extension/server/postgres.hpp"

namespace availability {

// What is left of an exception once its handler has ended.
struct CaughtException {
    int sqlstate;
    char message[256];
};
static_assert(std::is_trivially_destructible_v<CaughtException>);

[[noreturn]] inline void report(const CaughtException& caught) {
    ereport(ERROR, (errcode(caught.sqlstate), errmsg("%s", caught.message)));
    pg_unreachable();
}

// Calls body(args…) and turns an exception into an ordinary ERROR: std::bad_alloc into 53200, everything
// else into XX000. PostgreSQL's own errors pass through as they are.
template <typename Body, typename... Args>
auto guarded(Body body, Args... args) -> decltype(body(args...)) {
    CaughtException caught;
    try {
        return body(args...);
    } catch (const std::bad_alloc&) {
        caught.sqlstate = ERRCODE_OUT_OF_MEMORY;
        strlcpy(caught.message, "out of memory", sizeof(caught.message));
    } catch (const std::exception& exception) {
        caught.sqlstate = ERRCODE_INTERNAL_ERROR;
        strlcpy(caught.message, exception.what(), sizeof(caught.message));
    } catch (...) {
        caught.sqlstate = ERRCODE_INTERNAL_ERROR;
        strlcpy(caught.message, "unknown exception", sizeof(caught.message));
    }
    report(caught);
}

} // namespace availability

// Defines an SQL-callable function:
//   AVAILABILITY_FUNCTION(availability_is_empty) {
//       … PG_RETURN_BOOL(…);
//   }
#define AVAILABILITY_FUNCTION(name)                                                                                    \
    static Datum name##_body(PG_FUNCTION_ARGS);                                                                        \
    extern "C" {                                                                                                       \
    PG_FUNCTION_INFO_V1(name);                                                                                         \
    AVAILABILITY_EXPORT Datum name(PG_FUNCTION_ARGS) {                                                                 \
        /* A lambda is a type of its own, so that the body becomes part of the wrapper. */                             \
        return availability::guarded([](FunctionCallInfo call) { return name##_body(call); }, fcinfo);                 \
    }                                                                                                                  \
    }                                                                                                                  \
    static Datum name##_body([[maybe_unused]] PG_FUNCTION_ARGS)

#include "extension/server/compat.hpp"

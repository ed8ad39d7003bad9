// The least that a test program needs: named tests, checks, one line a test on standard output.
#pragma once

#include <cstdio>

namespace test {

inline int failed_tests = 0;
inline bool current_failed = false;

inline void report(const char* name, bool passed) {
    std::printf("%s - %s\n", passed ? "ok" : "not ok", name);
    std::fflush(stdout);
    failed_tests += !passed;
}

// Runs one test; it passes unless a CHECK in it fails.
template <typename Body>
void run(const char* name, Body body) {
    current_failed = false;
    body();
    report(name, !current_failed);
}

inline void check(bool holds, const char* file, int line, const char* what) {
    if (holds)
        return;
    std::printf("# %s:%d: %s\n", file, line, what);
    current_failed = true;
}

// What main() returns.
inline int exit_status() {
    return failed_tests == 0 ? 0 : 1;
}

} // namespace test

#define CHECK(condition) test::check((condition), __FILE__, __LINE__, #condition)

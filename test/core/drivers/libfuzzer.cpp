// Runs a fuzz target under libFuzzer.

#include <cstdio>
#include <cstdlib>

#include "../fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (const char* wrong = examine(data, size)) {
        std::fprintf(stderr, "%s\n", wrong);
        std::abort();
    }
    return 0;
}

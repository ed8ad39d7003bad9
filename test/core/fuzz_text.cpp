// Fuzz target: text from anyone, as it comes to the input function.

#include "fuzz.hpp"
#include "hostile.hpp"

const char* examine(const std::uint8_t* data, std::size_t size) {
    return test::examine_text(data, size);
}

// Fuzz target: bytes from anyone, as they come to `recv`, to the cast from bytea and from a corrupt
// page.

#include "fuzz.hpp"
#include "hostile.hpp"

const char* examine(const std::uint8_t* data, std::size_t size) {
    return test::examine_bytes(data, size);
}

#include "service/http/assets.hpp"

// The assembler takes the files as they are: the Makefile says where they lie, and that they are needed.
#define EMBED(name, file)                                                                                              \
    __asm__(".pushsection .rodata\n.global availability_" #name "_begin\n.global availability_" #name "_end\n"         \
            "availability_" #name "_begin:\n.incbin \"" AVAILABILITY_ASSETS "/" file "\"\navailability_" #name         \
            "_end:\n.byte 0\n.popsection\n");                                                                          \
    extern "C" const char availability_##name##_begin[];                                                               \
    extern "C" const char availability_##name##_end[]

EMBED(openapi, "openapi.json");

namespace availability::service {

std::string_view openapi_json() {
    return {availability_openapi_begin,
            static_cast<std::size_t>(availability_openapi_end - availability_openapi_begin)};
}

} // namespace availability::service

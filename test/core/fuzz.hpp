// A fuzz target is one function, which libFuzzer (drivers/libfuzzer.cpp) or a plain program
// (drivers/replay.cpp) calls with each input.
#pragma once

#include <cstddef>
#include <cstdint>

// Returns nullptr, or what is wrong; crashing is wrong too.
const char* examine(const std::uint8_t* data, std::size_t size);

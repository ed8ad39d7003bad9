// The commands of the program. Each returns its exit status.
#pragma once

#include <cstdint>
#include <string>

#include "relay/settings.hpp"

namespace availability::relay {

inline constexpr int kExitFailure = 1; // it may work another time
inline constexpr int kExitUsage = 2;   // flags or settings
inline constexpr int kExitPerson = 3;  // a person has to act: the slot is lost, say

// `read_again` reads the settings anew for SIGHUP; an error, empty if there is none.
using ReadSettings = std::string (*)(Settings* settings);

int run(const Settings& settings, bool bootstrap, ReadSettings read_again);
// Prints events from now on: a line each, or as JSON. `count`: ends after as many; 0 for never.
int tail(const Settings& settings, bool json, std::uint64_t count);
// Says how a relay is, by its own account (/readyz, /metrics) and that of the database.
int status(const Settings& settings);
// Compares what Redis holds with the database; `repair` mends it.
int verify(const Settings& settings, bool repair);

} // namespace availability::relay

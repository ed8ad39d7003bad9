// The command run.
#pragma once

#include <string>

#include "service/settings.hpp"

namespace availability::service {

// Reads the settings anew for SIGHUP; an error, empty if there is none.
using ReadSettings = std::string (*)(Settings* settings);

// Serves until SIGTERM or SIGINT; returns the exit status.
int run(const Settings& settings, ReadSettings read_again);

} // namespace availability::service

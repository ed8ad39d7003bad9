// The commands run and bootstrap.

#include <csignal>

#include <boost/asio/io_context.hpp>
#include <spdlog/spdlog.h>

#include "relay/commands.hpp"
#include "relay/relay.hpp"
#include "relay/signals.hpp"
#include "relay/supervisor.hpp"

namespace availability::relay {

int run(const Settings& settings, bool bootstrap, ReadSettings read_again) {
    std::signal(SIGPIPE, SIG_IGN);
    // One thread turns it.
    boost::asio::io_context io(1);
    RunOptions options;
    options.bootstrap = bootstrap;
    options.end_when_loaded = bootstrap;
    options.on_ready = [] { notify_supervisor("READY=1\nSTATUS=streaming"); };
    Relay relay(io, settings, options);
    Signals signals(io, relay, read_again, [&relay] { relay.drain(); });
    Watchdog watchdog(io);
    if (const std::string error = relay.start(); !error.empty()) {
        spdlog::error("{}", error);
        return kExitFailure;
    }
    io.run();
    if (!relay.fatal_error().empty()) {
        spdlog::error("{}", relay.fatal_error());
        return kExitPerson;
    }
    return 0;
}

} // namespace availability::relay

// The commands run and bootstrap.

#include <csignal>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <spdlog/spdlog.h>

#include "relay/commands.hpp"
#include "relay/logging.hpp"
#include "relay/relay.hpp"
#include "relay/supervisor.hpp"

namespace availability::relay {

namespace {

// Signals on the event loop: the first SIGTERM or SIGINT drains, the second ends at once.
class Signals {
  public:
    Signals(boost::asio::io_context& io, Relay& relay, ReadSettings read_again)
        : signals_(io, SIGTERM, SIGINT, SIGHUP), io_(io), relay_(relay), read_again_(read_again) {
        wait();
    }

  private:
    void wait() {
        signals_.async_wait([this](boost::system::error_code error, int signal) {
            if (error)
                return;
            if (signal == SIGHUP)
                reload();
            else if (std::exchange(ending_, true))
                return io_.stop();
            else
                end();
            wait();
        });
    }
    void end() {
        notify_supervisor("STOPPING=1");
        relay_.drain();
    }
    void reload() {
        Settings settings;
        if (const std::string error = read_again_(&settings); !error.empty()) {
            spdlog::error("the settings stay as they were: {}", error);
            return;
        }
        set_up_log(settings.log_level, settings.log_format);
        relay_.reload(settings);
        spdlog::info("settings read anew");
    }

    boost::asio::signal_set signals_;
    boost::asio::io_context& io_;
    Relay& relay_;
    ReadSettings read_again_;
    bool ending_ = false;
};

} // namespace

int run(const Settings& settings, bool bootstrap, ReadSettings read_again) {
    std::signal(SIGPIPE, SIG_IGN);
    // One thread turns it.
    boost::asio::io_context io(1);
    RunOptions options;
    options.bootstrap = bootstrap;
    options.end_when_loaded = bootstrap;
    options.on_ready = [] { notify_supervisor("READY=1\nSTATUS=streaming"); };
    Relay relay(io, settings, options);
    Signals signals(io, relay, read_again);
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

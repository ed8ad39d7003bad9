// availability-relay: reads one slot; keeps Redis and Kafka exact; gives the stream to any number of services.

#include <cstdio>
#include <deque>
#include <exception>
#include <utility>

#include <unistd.h>

#include <CLI/CLI.hpp>

#include "relay/commands.hpp"
#include "relay/logging.hpp"
#include "relay/settings.hpp"

namespace {

using namespace availability::relay;

// Where the settings come from; SIGHUP reads them once more.
std::string config_file;
std::deque<std::pair<const Option*, std::string>> given; // flags

std::string read_settings(Settings* settings) {
    if (!config_file.empty())
        if (std::string error = read_file(config_file, settings); !error.empty())
            return error;
    if (std::string error = read_environment(environ, settings); !error.empty())
        return error;
    for (const auto& [option, text] : given)
        if (std::string error = set_option(settings, *option, text); !error.empty())
            return error;
    return check(*settings);
}

void add_options(CLI::App& app) {
    app.add_option("-c,--config", config_file, "the settings, a TOML file")->envname("AVAILABILITY_RELAY_CONFIG");
    for (const Option& option : options())
        app.add_option_function<std::string>(
               std::string("--") + option.name,
               [&option](const std::string& text) { given.emplace_back(&option, text); }, option.help)
            ->group("Settings (each also in the file and in the environment)");
}

int main_with(int count, char** arguments) {
    CLI::App app("Reads one replication slot of availability_decoder; keeps Redis and Kafka exact; gives the stream to "
                 "read services.");
    app.name("availability-relay");
    app.set_version_flag("--version", "availability-relay " AVAILABILITY_VERSION);
    add_options(app);
    app.fallthrough();
    bool only_check = false;
    app.add_flag("--check", only_check, "checks the settings, prints them without secrets, and ends");
    CLI::App* run_command = app.add_subcommand("run", "streams until it is told to end");
    CLI::App* bootstrap_command = app.add_subcommand(
        "bootstrap", "makes the slot anew, begins an epoch, gives every calendar to the sinks, and ends");
    CLI::App* verify_command = app.add_subcommand("verify", "compares what Redis holds with the database");
    bool repair = false;
    verify_command->add_flag("--repair", repair, "writes what differs");
    CLI::App* tail_command = app.add_subcommand("tail", "prints events from now on");
    bool json = false;
    std::uint64_t events = 0;
    tail_command->add_flag("--json", json, "as the decoder's JSON");
    tail_command->add_option("--count", events, "ends after as many");
    CLI::App* status_command = app.add_subcommand("status", "says how the relay and its slot are");
    app.require_subcommand(0, 1);

    try {
        app.parse(count, arguments);
    } catch (const CLI::ParseError& error) {
        const int status = app.exit(error);
        return status == 0 ? 0 : kExitUsage;
    }
    Settings settings;
    if (const std::string error = read_settings(&settings); !error.empty()) {
        std::fprintf(stderr, "availability-relay: %s\n", error.c_str());
        return kExitUsage;
    }
    if (only_check) {
        std::fputs(print(settings).c_str(), stdout);
        return 0;
    }
    set_up_log(settings.log_level, settings.log_format);
    if (*run_command)
        return run(settings, false, read_settings);
    if (*bootstrap_command)
        return run(settings, true, read_settings);
    if (*verify_command)
        return verify(settings, repair);
    if (*tail_command)
        return tail(settings, json, events);
    if (*status_command)
        return status(settings);
    std::fputs(app.help().c_str(), stderr);
    return kExitUsage;
}

} // namespace

int main(int count, char** arguments) {
    try {
        return main_with(count, arguments);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "availability-relay: %s\n", error.what());
        return kExitFailure;
    }
}

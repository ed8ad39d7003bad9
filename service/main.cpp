// availability-service: answers availability over HTTP from memory, Redis and the database; and books.

#include <cstdio>
#include <deque>
#include <exception>
#include <utility>

#include <unistd.h>

#include <CLI/CLI.hpp>

#include "relay/logging.hpp"
#include "service/http/tracing.hpp"
#include "service/run.hpp"
#include "service/settings.hpp"

namespace {

using namespace availability::service;
namespace options = availability::options;

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;

// Where the settings come from; SIGHUP reads them once more.
std::string config_file;
std::deque<std::pair<std::size_t, std::string>> given; // flags, by the number of the option

std::string read_settings(Settings* settings) {
    const auto bound = options::bind(availability::service::options(), settings);
    if (!config_file.empty())
        if (std::string error = options::read_file(config_file, bound); !error.empty())
            return error;
    if (std::string error = options::read_environment(environ, kEnvironmentPrefix, bound); !error.empty())
        return error;
    for (const auto& [number, text] : given)
        if (std::string error = options::set_from_text(bound[number], text); !error.empty())
            return error;
    return check(*settings);
}

void add_options(CLI::App& app) {
    app.add_option("-c,--config", config_file, "the settings, a TOML file")
        ->envname(std::string(kEnvironmentPrefix) + "CONFIG");
    const auto& table = availability::service::options();
    for (std::size_t i = 0; i < table.size(); ++i)
        app.add_option_function<std::string>(
               std::string("--") + table[i].name, [i](const std::string& text) { given.emplace_back(i, text); },
               table[i].help)
            ->group("Settings (each also in the file and in the environment)");
}

int main_with(int count, char** arguments) {
    CLI::App app("Answers availability over HTTP from memory, Redis and the database; and books.");
    app.name("availability-service");
    app.set_version_flag("--version",
                         std::string("availability-service " AVAILABILITY_VERSION) + tracing::suffix_of_version());
    add_options(app);
    app.fallthrough();
    bool only_check = false;
    app.add_flag("--check", only_check, "checks the settings, prints them without secrets, and ends");
    CLI::App* run_command = app.add_subcommand("run", "serves until it is told to end");
    app.require_subcommand(0, 1);
    try {
        app.parse(count, arguments);
    } catch (const CLI::ParseError& error) {
        const int status = app.exit(error);
        return status == 0 ? 0 : kExitUsage;
    }
    Settings settings;
    if (const std::string error = read_settings(&settings); !error.empty()) {
        std::fprintf(stderr, "availability-service: %s\n", error.c_str());
        return kExitUsage;
    }
    if (only_check) {
        std::fputs(options::print(options::bind(availability::service::options(), &settings)).c_str(), stdout);
        return 0;
    }
    if (*run_command) {
        availability::relay::set_up_log(settings.log_level, settings.log_format);
        return run(settings, read_settings);
    }
    std::fputs(app.help().c_str(), stderr);
    return kExitUsage;
}

} // namespace

int main(int count, char** arguments) {
    try {
        return main_with(count, arguments);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "availability-service: %s\n", error.what());
        return kExitFailure;
    }
}

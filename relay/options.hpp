// What the settings of a program are made of: one table of options, which says which there are, how they are named,
// what they mean and where their values go. The file (TOML), the environment and the flags are read by it, in this
// order: the later wins.
//
//   option redis.nodes:   [redis] nodes = […]     PREFIX_REDIS_NODES=…     --redis.nodes …
//
// Lists are given with commas between outside of the file; tables as name=value. An option whose name ends with
// "conninfo" is libpq's and is printed without its password; of a table, what the keys call a secret is hidden.
//
// Each program has a struct of its settings, whose members are the values and begin with the defaults, and a
// std::vector<OptionOf<Settings>>.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace availability::options {

using List = std::vector<std::string>;
using Map = std::map<std::string, std::string>;

template <typename Settings>
using FieldOf = std::variant<std::string Settings::*, bool Settings::*, std::int64_t Settings::*, double Settings::*,
                             List Settings::*, Map Settings::*>;

template <typename Settings>
struct OptionOf {
    const char* name; // "redis.nodes"
    FieldOf<Settings> field;
    const char* help;
    bool secret = false;     // never printed
    bool reloadable = false; // SIGHUP takes it over
};

// An option and the value of it in some settings, whatever their type.
struct Bound {
    const char* name;
    std::variant<std::string*, bool*, std::int64_t*, double*, List*, Map*> value;
    bool secret;
};

template <typename Settings>
std::vector<Bound> bind(const std::vector<OptionOf<Settings>>& table, Settings* settings) {
    std::vector<Bound> bound;
    bound.reserve(table.size());
    for (const OptionOf<Settings>& option : table)
        std::visit(
            [&](auto field) {
                bound.push_back({option.name, &(settings->*field), option.secret});
            },
            option.field);
    return bound;
}

// PREFIX and the name: "AVAILABILITY_RELAY_" and "REDIS_NODES".
std::string environment_name(const std::string& prefix, const char* name);

// Sets an option from text, as it stands in the environment or after a flag. Returns an error, empty if there is none.
std::string set_from_text(const Bound& option, const std::string& text);

// Reads a TOML file. Returns an error that names the file and the line, empty if there is none. Unknown keys and wrong
// types are errors.
std::string read_file(const std::string& path, const std::vector<Bound>& options);
// The same of a text; `name` stands for the file.
std::string read_toml(const std::string& text, const std::string& name, const std::vector<Bound>& options);
// Takes what the environment says. An unknown variable that begins with the prefix is an error, but for PREFIX_CONFIG,
// which says which file to read.
std::string read_environment(char** environment, const std::string& prefix, const std::vector<Bound>& options);

// All options with their values as a TOML file, secrets as "***".
std::string print(const std::vector<Bound>& options);

// The names of options that differ and need a restart.
template <typename Settings>
std::vector<std::string> need_restart(const std::vector<OptionOf<Settings>>& table, const Settings& before,
                                      const Settings& after) {
    std::vector<std::string> names;
    for (const OptionOf<Settings>& option : table)
        std::visit(
            [&](auto field) {
                if (!option.reloadable && before.*field != after.*field)
                    names.push_back(option.name);
            },
            option.field);
    return names;
}

// Takes over those that can be.
template <typename Settings>
void reload(const std::vector<OptionOf<Settings>>& table, const Settings& from, Settings* to) {
    for (const OptionOf<Settings>& option : table)
        if (option.reloadable)
            std::visit([&](auto field) { to->*field = from.*field; }, option.field);
}

// --- what checks of settings share -----------------------------------------------------------------------------------

bool is_one_of(const std::string& value, std::initializer_list<const char*> values);
// host:port, with a port from 0 to 65535.
bool has_port(const std::string& address);
// What is wrong with a conninfo, without quoting it; empty if nothing is.
std::string check_conninfo(const char* name, const std::string& conninfo);
// What is wrong with log.level or log.format.
std::string check_log(const std::string& level, const std::string& format);

} // namespace availability::options

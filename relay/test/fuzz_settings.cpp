// Fuzz target: a settings file. One that is taken is printed as one that says the same.

#include <string>

#include "relay/settings.hpp"
#include "test/core/fuzz.hpp"

using namespace availability::relay;

const char* examine(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    Settings settings;
    if (!read_toml(text, "file", &settings).empty())
        return nullptr;
    check(settings);
    // Secrets are not there to be read again.
    settings.database_conninfo.clear();
    settings.http_token.clear();
    settings.redis_password.clear();
    settings.kafka_properties.clear();
    const std::string printed = print(settings);
    Settings again;
    if (!read_toml(printed, "printed", &again).empty())
        return "what is printed can't be read";
    again.database_conninfo.clear();
    return print(again) == printed ? nullptr : "what is printed is read as another";
}

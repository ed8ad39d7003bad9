// The service's settings: every option everywhere, what is refused, what is printed.

#include "service/settings.hpp"
#include "test/core/check.hpp"

using namespace availability;
using namespace availability::service;

namespace {

constexpr char kGood[] =
    "[database]\nconninfo = \"dbname=app password=hush\"\ntables = [\"public.bookings_calendar\"]\n"
    "[relay]\nurls = [\"a:9187\"]\ntoken = \"hush\"\n";

std::string error_of(const std::string& text) {
    Settings settings;
    std::string error = options::read_toml(text, "service.toml", options::bind(service::options(), &settings));
    return error.empty() ? check(settings) : error;
}

void mistakes() {
    const std::string good = kGood;
    CHECK(error_of(good) == "");
    CHECK(error_of("[database]\ntabels = []\n") == "service.toml:2: unknown option database.tabels");
    CHECK(error_of("") == "database.tables must name at least one calendar companion");
    CHECK(error_of("[database]\ntables = [\"public.bookings\"]\n").find("is no calendar companion") !=
          std::string::npos);
    CHECK(error_of("[database]\ntables = [\"public.b_calendar\"]\n").find("need relay.urls") != std::string::npos);
    CHECK(error_of(good + "[reader]\nmode = \"fast\"\n").find("reader.mode") == 0);
    CHECK(error_of(good + "[reader]\nmode = \"redis\"\n") == "reader.mode redis needs redis.nodes");
    CHECK(error_of(good + "[reader]\ncanary_share = 1.5\n").find("must be from 0 to 1") != std::string::npos);
    CHECK(error_of(good + "[control]\nlisten = \"127.0.0.1:1\"\n").find("needs control.token") != std::string::npos);
    CHECK(error_of(good + "[http]\nmax_waiting = 0\n") == "http.max_waiting must be from 1 to 2147483647");
    CHECK(error_of(good + "[http]\nidle_timeout_seconds = -1\n").find("http.idle_timeout_seconds must be") == 0);
    CHECK(error_of(good + "[http]\nlisten = \"here\"\n") == "http.listen must be address:port");
    CHECK(error_of(good + "[redis]\nnodes = [\"a:1\"]\nkey_prefixes = []\n").find("redis.key_prefixes") == 0);
}

void names() {
    CHECK(Settings::reservations_of("public.bookings_calendar") == "\"public\".\"bookings\"");
    CHECK(Settings::reservations_of("s.\"My bookings_calendar\"") == "\"s\".\"My bookings\"");
    CHECK(Settings::reservations_of("public.bookings").empty() &&
          Settings::reservations_of("bookings_calendar").empty());
    CHECK(Settings::reservations_of("public._calendar").empty());
}

void every_option_everywhere() {
    const auto& table = service::options();
    for (std::size_t i = 0; i < table.size(); ++i) {
        Settings flag;
        const auto bound = options::bind(table, &flag);
        const std::string text = bound[i].value.index() == 1 ? "true" : bound[i].value.index() <= 3 ? "7" : "a,b";
        CHECK(options::set_from_text(bound[i], text).empty());
        Settings variable;
        const std::string assignment = options::environment_name(kEnvironmentPrefix, table[i].name) + "=" + text;
        char* environment[] = {const_cast<char*>(assignment.c_str()), nullptr};
        CHECK(options::read_environment(environment, kEnvironmentPrefix, options::bind(table, &variable)).empty());
        CHECK(options::print(bound) == options::print(options::bind(table, &variable)));
        Settings plain;
        CHECK(table[i].secret || options::print(bound) != options::print(options::bind(table, &plain)) ||
              bound[i].value.index() == 1);
    }
    char* environment[] = {const_cast<char*>("AVAILABILITY_SERVICE_RELAY_URL=a:1"), nullptr};
    Settings settings;
    CHECK(options::read_environment(environment, kEnvironmentPrefix, options::bind(table, &settings)) ==
          "unknown option AVAILABILITY_SERVICE_RELAY_URL in the environment");
}

void secrets() {
    Settings settings;
    const auto bound = options::bind(service::options(), &settings);
    CHECK(options::read_toml(std::string(kGood) + "[redis]\npassword = \"hush\"\n[control]\ntoken = \"hush\"\n",
                             "service.toml", bound)
              .empty());
    settings.database_bookings_conninfo = "host=b password=hush";
    CHECK(options::print(bound).find("hush") == std::string::npos &&
          options::print(bound).find("host='b'") != std::string::npos);
}

} // namespace

int main() {
    test::run("settings: mistakes are named", mistakes);
    test::run("settings: the tracked table of a companion", names);
    test::run("settings: every option in environment and flags", every_option_everywhere);
    test::run("settings: secrets are never printed", secrets);
    return test::exit_status();
}

// The settings: where they come from, what is refused, what is printed.

#include "relay/settings.hpp"
#include "test/core/check.hpp"

using namespace availability::relay;

namespace {

constexpr char kGood[] =
    "[database]\nconninfo = \"dbname=app password=hush\"\ntables = [\"public.reservations_calendar\"]\n";

std::string error_of(const std::string& text) {
    Settings settings;
    std::string error = read_toml(text, "relay.toml", &settings);
    return error.empty() ? check(settings) : error;
}

void a_file() {
    Settings settings;
    CHECK(read_toml(std::string(kGood) + "[redis]\nnodes = [\"a:1\", \"b:2\"]\nttl_spread = "
                                         "0\n[kafka.properties]\n\"bootstrap.servers\" = \"k:9092\"\n"
                                         "\"linger.ms\" = 5\n",
                    "relay.toml", &settings)
              .empty());
    CHECK(check(settings).empty());
    CHECK(settings.redis_nodes.size() == 2 && settings.redis_ttl_spread == 0 &&
          settings.kafka_properties.at("linger.ms") == "5");
}

void mistakes_are_named() {
    CHECK(error_of("[database]\nslott = \"x\"\n") == "relay.toml:2: unknown option database.slott");
    CHECK(error_of("\n\n[databas]\n") == "relay.toml:3: unknown option databas");
    CHECK(error_of("[relay]\n\nqueue_bytes = \"much\"\n") == "relay.toml:3: relay.queue_bytes must be an integer");
    CHECK(error_of("[redis]\nnodes = \"a:1\"\n") == "relay.toml:2: redis.nodes must be a list of strings");
    CHECK(error_of("[redis]\n\nnöde = 1\n").rfind("relay.toml:3: ", 0) == 0);
    CHECK(error_of(std::string(kGood) +
                   "# für den Betrieb\n[http]\ntoken = \"schlüssel \\\" ü\"\n[log]\nlevel = 'ü'\n") ==
          "log.level must be debug, info, warning or error");
    CHECK(error_of(std::string(kGood) + "[http]\ntoken = \"\"\"ü\n\"ü\"\"\"\"\n") == "");
    CHECK(error_of("[redis\n").rfind("relay.toml:1: ", 0) == 0);
    CHECK(error_of("") == "database.tables must name at least one calendar companion");
    CHECK(error_of(std::string(kGood) + "slot = \"A\"\n").rfind("database.slot must be", 0) == 0);
    CHECK(error_of(std::string(kGood) + "[redis]\nnodes = [\"a\"]\n") == "redis.nodes: \"a\" is not host:port");
    CHECK(error_of(std::string(kGood) + "[kafka.properties]\nacks = \"1\"\n")
              .rfind("kafka.properties must have bootstrap.servers", 0) == 0);
    CHECK(error_of("[database]\nconninfo = \"dbname=x\"\ntables = [\"a.b\", \"c.d\"]\n[redis]\nnodes=[\"a:1\"]\n") ==
          "redis.key_prefixes must name as many prefixes as there are tables");
}

void every_option_everywhere() {
    for (const Option& option : options()) {
        Settings settings;
        const std::string text = option.field.index() == 1   ? "true"
                                 : option.field.index() <= 1 ? "x"
                                 : option.field.index() <= 3 ? "7"
                                                             : "a=b";
        const std::string assignment = environment_name(option) + "=" + text;
        char* environment[] = {const_cast<char*>("PATH=/bin"), const_cast<char*>(assignment.c_str()), nullptr};
        CHECK(read_environment(environment, &settings).empty());
        Settings flag;
        CHECK(set_option(&flag, option, text).empty());
        CHECK(print(settings) == print(flag));
        CHECK(print(settings).find(std::string(option.name).substr(std::string(option.name).find('.') + 1) + " = ") !=
              std::string::npos);
        // What is printed is a file that says the same, but for secrets.
        Settings again;
        CHECK(option.secret || option.field.index() == 5 || std::string(option.name) == "database.conninfo" ||
              (read_toml(print(settings), "printed", &again).empty() && print(again) == print(settings)));
    }
    Settings settings;
    char* environment[] = {const_cast<char*>("AVAILABILITY_RELAY_REDIS_NODE=a:1"), nullptr};
    CHECK(read_environment(environment, &settings) ==
          "unknown option AVAILABILITY_RELAY_REDIS_NODE in the environment");
}

void secrets_are_never_printed() {
    Settings settings;
    CHECK(read_toml(std::string(kGood) + "[redis]\npassword = \"hush\"\n[http]\ntoken = "
                                         "\"hush\"\n[kafka.properties]\n\"sasl.password\" = \"hush\"\n"
                                         "\"ssl.key.password\" = \"hush\"\n\"ssl.key.pem\" = \"hush\"\n",
                    "relay.toml", &settings)
              .empty());
    CHECK(print(settings).find("hush") == std::string::npos);
    CHECK(print(settings).find("***") != std::string::npos);
    settings.database_conninfo = "postgresql://user:hush@host/app";
    CHECK(print(settings).find("hush") == std::string::npos && print(settings).find("host") != std::string::npos);
    settings.database_conninfo = "password=hush =";
    CHECK(print(settings).find("hush") == std::string::npos && check(settings) == "database.conninfo is malformed");
}

void reloading() {
    Settings running;
    Settings anew;
    anew.log_level = "debug";
    anew.redis_layout = "months";
    const auto names = need_restart(running, anew);
    CHECK(names.size() == 1 && names[0] == "redis.layout");
    reload(anew, &running);
    CHECK(running.log_level == "debug" && running.redis_layout == "calendar");
}

} // namespace

int main() {
    test::run("settings: a file", a_file);
    test::run("settings: mistakes are named with their line", mistakes_are_named);
    test::run("settings: every option in file, environment and flags", every_option_everywhere);
    test::run("settings: secrets are never printed", secrets_are_never_printed);
    test::run("settings: what can be reloaded", reloading);
    return test::exit_status();
}

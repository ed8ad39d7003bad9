// The signals of a program on its event loop: the first SIGTERM or SIGINT drains it, the second ends it at once; SIGHUP
// reads its settings anew.
#pragma once

#include <csignal>
#include <functional>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <spdlog/spdlog.h>

#include "relay/logging.hpp"
#include "relay/supervisor.hpp"

namespace availability::relay {

// Of a Program with reload(const Settings&), whose settings have log_level and log_format.
template <typename Settings, typename Program>
class Signals {
  public:
    // Reads the settings; an error, empty if there is none.
    using Read = std::string (*)(Settings* settings);

    Signals(boost::asio::io_context& io, Program& program, Read read_again, std::function<void()> drain)
        : signals_(io, SIGTERM, SIGINT, SIGHUP), io_(io), program_(program), read_again_(read_again),
          drain_(std::move(drain)) {
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
        drain_();
    }
    void reload() {
        Settings settings;
        if (const std::string error = read_again_(&settings); !error.empty()) {
            spdlog::error("the settings stay as they were: {}", error);
            return;
        }
        set_up_log(settings.log_level, settings.log_format);
        program_.reload(settings);
        spdlog::info("settings read anew");
    }

    boost::asio::signal_set signals_;
    boost::asio::io_context& io_;
    Program& program_;
    Read read_again_;
    std::function<void()> drain_;
    bool ending_ = false;
};

} // namespace availability::relay

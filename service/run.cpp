#include "service/run.hpp"

#include <csignal>
#include <cstdlib>
#include <exception>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <spdlog/spdlog.h>

#include "relay/logging.hpp"
#include "relay/supervisor.hpp"
#include "service/http/tracing.hpp"
#include "service/service.hpp"

namespace availability::service {

namespace {

// Signals on the event loop: the first SIGTERM or SIGINT drains, the second ends at once.
class Signals {
  public:
    Signals(boost::asio::io_context& io, Service& service, ReadSettings read_again)
        : signals_(io, SIGTERM, SIGINT, SIGHUP), io_(io), service_(service), read_again_(read_again) {
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
        relay::notify_supervisor("STOPPING=1");
        service_.drain([this] { io_.stop(); });
    }
    void reload() {
        Settings settings;
        if (const std::string error = read_again_(&settings); !error.empty()) {
            spdlog::error("the settings stay as they were: {}", error);
            return;
        }
        relay::set_up_log(settings.log_level, settings.log_format);
        service_.reload(settings);
        spdlog::info("settings read anew");
    }

    boost::asio::signal_set signals_;
    boost::asio::io_context& io_;
    Service& service_;
    ReadSettings read_again_;
    bool ending_ = false;
};

int serve(boost::asio::io_context& io, const Settings& settings, ReadSettings read_again) {
    try {
        Service service(io, settings);
        Signals signals(io, service, read_again);
        relay::Watchdog watchdog(io);
        if (const std::string error = service.start([] { relay::notify_supervisor("READY=1\nSTATUS=serving"); });
            !error.empty()) {
            spdlog::error("{}", error);
            return 1;
        }
        io.run();
    } catch (const std::exception& error) {
        spdlog::error("{}", error.what());
        return 1;
    }
    return 0;
}

} // namespace

int run(const Settings& settings, ReadSettings read_again) {
    std::signal(SIGPIPE, SIG_IGN);
    // One thread turns it.
    boost::asio::io_context io(1);
    if (const std::string error = tracing::start(io); !error.empty()) {
        spdlog::error("{}", error);
        return 1;
    }
    const int status = serve(io, settings, read_again);
    if (!tracing::stop())
        std::_Exit(status);
    return status;
}

} // namespace availability::service

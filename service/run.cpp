#include "service/run.hpp"

#include <csignal>
#include <cstdlib>
#include <exception>

#include <boost/asio/io_context.hpp>
#include <spdlog/spdlog.h>

#include "relay/signals.hpp"
#include "relay/supervisor.hpp"
#include "service/http/tracing.hpp"
#include "service/service.hpp"

namespace availability::service {

namespace {

int serve(boost::asio::io_context& io, const Settings& settings, ReadSettings read_again) {
    try {
        Service service(io, settings);
        relay::Signals signals(io, service, read_again, [&] { service.drain([&io] { io.stop(); }); });
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

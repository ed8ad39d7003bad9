#include "relay/supervisor.hpp"

#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace availability::relay {

void notify_supervisor(std::string_view state) {
    const char* path = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    if (path == nullptr || (path[0] != '/' && path[0] != '@') || std::strlen(path) >= sizeof(address.sun_path))
        return;
    address.sun_family = AF_UNIX;
    const std::size_t size = std::strlen(path);
    std::memcpy(address.sun_path, path, size);
    if (path[0] == '@') // of the abstract name space
        address.sun_path[0] = '\0';
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
           static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size));
    close(fd);
}

Watchdog::Watchdog(boost::asio::io_context& io) : timer_(io) {
    const char* text = std::getenv("WATCHDOG_USEC");
    const long long asked = text != nullptr ? std::atoll(text) : 0;
    if (asked <= 0)
        return;
    interval_ = std::chrono::microseconds(asked / 3);
    tick();
}

void Watchdog::tick() {
    notify_supervisor("WATCHDOG=1");
    timer_.expires_after(interval_);
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error)
            tick();
    });
}

} // namespace availability::relay

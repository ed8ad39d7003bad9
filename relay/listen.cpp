#include "relay/listen.hpp"

#include <spdlog/spdlog.h>

namespace availability::relay {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

std::string listen_at(tcp::acceptor* acceptor, const std::string& name, const std::string& address) {
    const std::size_t colon = address.rfind(':');
    std::string host = address.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    error_code error;
    tcp::resolver resolver(acceptor->get_executor());
    const auto found = resolver.resolve(host, address.substr(colon + 1),
                                        tcp::resolver::passive | tcp::resolver::numeric_service, error);
    if (error || found.empty())
        return "could not resolve " + name + " " + address + ": " + error.message();
    const tcp::endpoint endpoint = *found.begin();
    acceptor->open(endpoint.protocol(), error);
    if (!error)
        acceptor->set_option(tcp::acceptor::reuse_address(true), error);
    if (!error)
        acceptor->bind(endpoint, error);
    if (!error)
        acceptor->listen(asio::socket_base::max_listen_connections, error);
    if (error)
        return "could not listen at " + name + " " + address + ": " + error.message();
    spdlog::info("{}: listening at {}:{}", name, host, acceptor->local_endpoint(error).port());
    return {};
}

} // namespace availability::relay

// Opens a socket that listens.
#pragma once

#include <string>

#include <boost/asio/ip/tcp.hpp>

namespace availability::relay {

// At host:port or [::1]:port; `name` is that of the option that says so. Returns an error, empty if there is none.
std::string listen_at(boost::asio::ip::tcp::acceptor* acceptor, const std::string& name, const std::string& address);

} // namespace availability::relay

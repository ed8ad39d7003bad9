// What libpq is to connect with, its hosts resolved beforehand: libpq itself would block the loop for as long as the
// resolver takes.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>

namespace availability::database {

using Parameters = std::vector<std::pair<std::string, std::string>>;

struct ConnectParameters {
    std::string problem; // not empty: there is nothing to connect to
    Parameters parameters;
    std::size_t hosts = 1; // that libpq tries, one after the other
};

// Calls `done` once, later. `conninfo` is libpq's: keywords and values, or a URI. What it does not say has the defaults
// of `defaults`. Of many addresses, the one with the number `first`, modulo how many there are, is tried first. Hosts
// that come from a service file are left to libpq.
void resolve(boost::asio::io_context& io, const std::string& conninfo, const Parameters& defaults, std::size_t first,
             std::function<void(ConnectParameters)> done);

} // namespace availability::database

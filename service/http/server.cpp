#include "service/http/server.hpp"

#include <vector>

#include <spdlog/spdlog.h>

#include "service/http/connection.hpp"

namespace availability::service {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// After an accept that failed, for want of descriptors perhaps.
constexpr std::chrono::milliseconds kAcceptAgain(100);
constexpr std::chrono::milliseconds kSweepInterval(250);

} // namespace

Server::Server(asio::io_context& io, ServerOptions options, Handler& handler)
    : io_(io), shared_{std::move(options), handler}, acceptor_(io), accept_again_(io), sweeper_(io) {}

Server::~Server() {
    close();
}

std::string Server::listen() {
    const std::string& address = shared_.options.listen;
    const std::size_t colon = address.rfind(':');
    std::string host = address.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    error_code error;
    tcp::resolver resolver(io_);
    const auto found = resolver.resolve(host, address.substr(colon + 1),
                                        tcp::resolver::passive | tcp::resolver::numeric_service, error);
    if (error || found.empty())
        return "could not resolve " + shared_.options.name + " " + address + ": " + error.message();
    const tcp::endpoint endpoint = *found.begin();
    acceptor_.open(endpoint.protocol(), error);
    if (!error)
        acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error)
        acceptor_.bind(endpoint, error);
    if (!error)
        acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error)
        return "could not listen at " + shared_.options.name + " " + address + ": " + error.message();
    port_ = acceptor_.local_endpoint(error).port();
    spdlog::info("{}: listening at {}:{}", shared_.options.name, host, port_);
    accept();
    sweep();
    return {};
}

void Server::accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
        if (error == asio::error::operation_aborted || shared_.draining)
            return;
        if (error) {
            accept_again_.expires_after(kAcceptAgain);
            accept_again_.async_wait([this](error_code cancelled) {
                if (!cancelled)
                    accept();
            });
            return;
        }
        if (shared_.counters.connections >= shared_.options.max_connections) {
            ++shared_.counters.refused; // and closed
        } else {
            ++shared_.counters.accepted;
            std::make_shared<Connection>(shared_, std::move(socket))->start();
        }
        accept();
    });
}

void Server::sweep() {
    sweeper_.expires_after(kSweepInterval);
    sweeper_.async_wait([this](error_code error) {
        if (error)
            return;
        const auto now = std::chrono::steady_clock::now();
        std::vector<std::shared_ptr<Connection>> late;
        for (Connection* connection : shared_.connections)
            if (connection->is_late(now))
                late.push_back(connection->shared_from_this());
        for (const auto& connection : late)
            connection->time_out();
        sweep();
    });
}

void Server::drain() {
    shared_.draining = true;
    error_code ignored;
    acceptor_.close(ignored);
    accept_again_.cancel();
    std::vector<std::shared_ptr<Connection>> all;
    all.reserve(shared_.connections.size());
    for (Connection* connection : shared_.connections)
        all.push_back(connection->shared_from_this());
    for (const auto& connection : all)
        connection->drain();
}

void Server::close() {
    shared_.draining = true;
    error_code ignored;
    acceptor_.close(ignored);
    accept_again_.cancel();
    sweeper_.cancel();
    std::vector<std::shared_ptr<Connection>> all;
    all.reserve(shared_.connections.size());
    for (Connection* connection : shared_.connections)
        all.push_back(connection->shared_from_this());
    for (const auto& connection : all)
        connection->abandon();
}

} // namespace availability::service

#include "service/http/server.hpp"

#include <vector>

#include "relay/listen.hpp"
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
    : shared_{std::move(options), handler}, acceptor_(io), accept_again_(io), sweeper_(io) {}

Server::~Server() {
    close();
}

std::string Server::listen() {
    if (std::string error = relay::listen_at(&acceptor_, shared_.options.name, shared_.options.listen); !error.empty())
        return error;
    error_code error;
    port_ = acceptor_.local_endpoint(error).port();
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

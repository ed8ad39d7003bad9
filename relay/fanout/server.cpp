#include "relay/fanout/server.hpp"

#include "relay/fanout/session.hpp"
#include "relay/listen.hpp"

namespace availability::relay {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// After an accept that failed, for want of descriptors perhaps.
constexpr std::chrono::milliseconds kAcceptAgain(100);

} // namespace

Server::Server(asio::io_context& io, const Settings& settings, const Store& store, Ring& ring, Hooks hooks)
    : shared_{io, settings, store, ring, std::move(hooks), {}, {}, {}}, acceptor_(io), accept_again_(io) {}

Server::~Server() {
    close();
}

std::string Server::listen() {
    if (std::string error = listen_at(&acceptor_, "http.listen", shared_.settings.http_listen); !error.empty())
        return error;
    error_code error;
    port_ = acceptor_.local_endpoint(error).port();
    accept();
    return {};
}

void Server::accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
        if (error == asio::error::operation_aborted)
            return;
        if (error) {
            accept_again_.expires_after(kAcceptAgain);
            accept_again_.async_wait([this](error_code cancelled) {
                if (!cancelled)
                    accept();
            });
            return;
        }
        if (shared_.counters.connections >= static_cast<std::size_t>(shared_.settings.http_max_connections))
            ++shared_.counters.refused; // and closed
        else
            std::make_shared<Session>(shared_, std::move(socket))->start();
        accept();
    });
}

void Server::notify() {
    if (shared_.waiting.empty())
        return;
    std::vector<std::shared_ptr<Session>> woken;
    woken.reserve(shared_.waiting.size());
    for (Session* session : shared_.waiting)
        woken.push_back(session->shared_from_this());
    shared_.waiting.clear();
    for (const auto& session : woken)
        session->wake();
}

// A copy: sessions that end take themselves out of the set.
std::vector<std::shared_ptr<Session>> Server::all_sessions() {
    std::vector<std::shared_ptr<Session>> all;
    all.reserve(shared_.sessions.size());
    for (Session* session : shared_.sessions)
        all.push_back(session->shared_from_this());
    return all;
}

void Server::drop_slow() {
    if (shared_.counters.subscribers == 0)
        return;
    for (const auto& session : all_sessions())
        session->drop_if_overtaken();
}

void Server::end_streams(const std::string& reason) {
    for (const auto& session : all_sessions())
        session->end(reason);
}

void Server::close() {
    error_code ignored;
    acceptor_.close(ignored);
    accept_again_.cancel();
    for (const auto& session : all_sessions())
        session->abandon();
}

} // namespace availability::relay

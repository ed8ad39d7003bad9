// What a relay says, for tests: the decoder's messages, and a server that says what it is told to.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <protozero/pbf_writer.hpp>

#include "relay/event.hpp"
#include "relay/wire.hpp"

namespace test {

using namespace availability;

// A message of decoder/event.proto.
inline std::string message(relay::EventKind kind, const relay::Key& listing, std::int64_t version,
                           std::string_view booked, std::uint64_t lsn, std::uint64_t seq,
                           const std::string& table = "public.reservations_calendar") {
    std::string bytes;
    protozero::pbf_writer writer(bytes);
    writer.add_enum(1, static_cast<int>(kind));
    writer.add_string(2, table);
    if (listing.kind == relay::Key::Kind::kNumber)
        writer.add_int64(3, listing.number);
    else if (listing.kind == relay::Key::Kind::kText)
        writer.add_string(4, listing.text.data(), listing.text.size());
    if (kind != relay::EventKind::kUnreadable) {
        writer.add_int64(9, version);
        writer.add_bytes(10, booked.data(), booked.size());
    } else {
        writer.add_string(14, "cannot be read");
    }
    writer.add_uint64(11, lsn);
    writer.add_uint64(12, seq);
    writer.add_sint64(13, 5);
    return bytes;
}

// A server on a port of its own. Each connection takes the next answer of the script, once its request has come; when
// the script has ended, connections wait.
class FakeRelay {
  public:
    struct Answer {
        std::string bytes;
        std::size_t piece = 65536;          // written at once
        std::chrono::milliseconds pause{0}; // between pieces
        bool stays = false;                 // open, until another answer is wanted or the relay ends
    };

    FakeRelay() {
        listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0)
            std::abort();
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~FakeRelay() {
        ended_ = true;
        thread_.join();
        ::close(listener_);
    }

    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    void answer(Answer answer) {
        const std::lock_guard<std::mutex> lock(mutex_);
        script_.push_back(std::move(answer));
    }
    std::vector<std::string> requests() const {
        const std::lock_guard<std::mutex> lock(mutex_);
        return requests_;
    }
    // The target of a request, "" if it has not come.
    std::string target(std::size_t number) const {
        const auto all = requests();
        return number < all.size() ? all[number].substr(4, all[number].find(' ', 4) - 4) : "";
    }

    static std::string status(const std::string& line) {
        return "HTTP/1.1 " + line + "\r\nContent-Length: 4\r\nConnection: close\r\n\r\nwhy\n";
    }
    // In chunks of a size; without the last one if it is not whole.
    static std::string chunked(const std::string& body, std::size_t chunk, bool whole) {
        std::string bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
        char size[16];
        for (std::size_t at = 0; at < body.size(); at += chunk) {
            const std::string part = body.substr(at, chunk);
            std::snprintf(size, sizeof(size), "%zx\r\n", part.size());
            bytes += size + part + "\r\n";
        }
        return whole ? bytes + "0\r\n\r\n" : bytes;
    }

  private:
    static bool readable(int socket, int milliseconds) {
        pollfd poll_of{socket, POLLIN, 0};
        return ::poll(&poll_of, 1, milliseconds) > 0;
    }
    void serve() {
        std::vector<int> open;
        while (!ended_) {
            if (!readable(listener_, 5))
                continue;
            const int socket = ::accept(listener_, nullptr, nullptr);
            std::string request;
            char part[4096];
            while (!ended_ && request.find("\r\n\r\n") == std::string::npos) {
                if (!readable(socket, 5))
                    continue;
                const auto got = ::recv(socket, part, sizeof(part), 0);
                if (got <= 0)
                    break;
                request.append(part, static_cast<std::size_t>(got));
            }
            Answer answer;
            answer.stays = true;
            {
                const std::lock_guard<std::mutex> lock(mutex_);
                requests_.push_back(request);
                if (!script_.empty()) {
                    answer = script_.front();
                    script_.pop_front();
                }
            }
            for (std::size_t at = 0; at < answer.bytes.size() && !ended_; at += answer.piece) {
                const std::string piece = answer.bytes.substr(at, answer.piece);
                if (::send(socket, piece.data(), piece.size(), MSG_NOSIGNAL) < 0)
                    break;
                if (answer.pause.count() > 0)
                    std::this_thread::sleep_for(answer.pause);
            }
            if (answer.stays)
                open.push_back(socket);
            else
                ::close(socket);
        }
        for (const int socket : open)
            ::close(socket);
    }

    int listener_ = -1;
    int port_ = 0;
    std::atomic<bool> ended_{false};
    mutable std::mutex mutex_;
    std::deque<Answer> script_;
    std::vector<std::string> requests_;
    std::thread thread_;
};

} // namespace test

#include "relay/dead_letters.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <spdlog/spdlog.h>

#include "relay/clock.hpp"
#include "relay/source/lsn.hpp"

namespace availability::relay {

namespace {

// Bytes of the UTF-8 character that the text begins with; 0 if it is none (RFC 3629).
std::size_t utf8_size(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80)
        return 1;
    const std::size_t size = first >= 0xc2 && first < 0xe0   ? 2
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
    if (size == 0 || text.size() < size)
        return 0;
    for (std::size_t i = 1; i < size; ++i)
        if ((byte(i) & 0xc0) != 0x80)
            return 0;
    if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f) || (first == 0xf0 && byte(1) < 0x90) ||
        (first == 0xf4 && byte(1) > 0x8f))
        return 0;
    return size;
}

} // namespace

std::string json_string(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
        const std::size_t size = utf8_size(text);
        const auto c = static_cast<unsigned char>(text[0]);
        if (size == 0)
            out += "\xef\xbf\xbd";
        else if (c == '"' || c == '\\')
            (out += '\\') += text[0];
        else if (c < 0x20 || c == 0x7f)
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
            out.append(text.substr(0, size));
        text.remove_prefix(size == 0 ? 1 : size);
    }
    return out + '"';
}

std::string format_dead_letter(std::string_view sink, const std::string& table, const Event& event,
                               std::string_view reason) {
    std::string raw(4 * ((event.raw.size() + 2) / 3) + 1, '\0');
    raw.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(raw.data()),
                                                        reinterpret_cast<const unsigned char*>(event.raw.data()),
                                                        static_cast<int>(event.raw.size()))));
    std::string listing = "null";
    if (event.listing.kind == Key::Kind::kNumber)
        listing = std::to_string(event.listing.number);
    else if (event.listing.kind == Key::Kind::kText)
        listing = json_string(event.listing.text);
    return fmt::format(R"({{"at":{},"sink":{},"reason":{},"event":"{}","table":{},"listing":{},)"
                       R"("version":{},"lsn":"{}","seq":{},"raw":"{}"}})",
                       now_us(), json_string(sink), json_string(reason), word_of(event.kind), json_string(table),
                       listing, event.version, format_lsn(event.position.lsn), event.position.seq, raw);
}

DeadLetters::~DeadLetters() {
    if (fd_ >= 0)
        ::close(fd_);
}

std::string DeadLetters::open() {
    if (path_.empty())
        return {};
    const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return fmt::format("could not open {}: {}", path_, std::strerror(errno));
    if (fd_ >= 0)
        ::close(fd_);
    fd_ = fd;
    return {};
}

void DeadLetters::add(std::string_view sink, const std::string& table, const Event& event, std::string_view reason) {
    const std::string line = format_dead_letter(sink, table, event, reason) + "\n";
    if (fd_ >= 0 && ::write(fd_, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && ::fsync(fd_) == 0)
        spdlog::error("{} could not take an event, which is in the dead letters: {}", sink, reason);
    else
        spdlog::error("{} could not take an event: {}", sink, std::string_view(line).substr(0, line.size() - 1));
}

} // namespace availability::relay

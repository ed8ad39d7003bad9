#include "relay/redis/scripts.hpp"

#include <array>

#include <openssl/evp.h>

namespace availability::relay::redis {

namespace {

std::string sha1_hex(std::string_view bytes) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha1(), nullptr);
    std::string hex;
    for (unsigned int i = 0; i < size; i++) {
        hex += "0123456789abcdef"[digest[i] >> 4];
        hex += "0123456789abcdef"[digest[i] & 15];
    }
    return hex;
}

std::array<std::string, layout::kScripts> make_names() {
    std::array<std::string, layout::kScripts> names;
    for (std::size_t i = 0; i < names.size(); i++)
        names[i] = sha1_hex(layout::source_of(static_cast<layout::Script>(i)));
    return names;
}

} // namespace

const std::string& name_of(layout::Script script) {
    static const auto kNames = make_names();
    return kNames[static_cast<std::size_t>(script)];
}

std::vector<std::string> script_sources() {
    std::vector<std::string> sources;
    for (int i = 0; i < layout::kScripts; i++)
        sources.emplace_back(layout::source_of(static_cast<layout::Script>(i)));
    return sources;
}

} // namespace availability::relay::redis

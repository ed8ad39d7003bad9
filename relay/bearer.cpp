#include "relay/bearer.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace availability::relay {

bool is_authorized(std::string_view header, std::string_view token) {
    constexpr std::string_view kScheme = "Bearer ";
    const std::string_view given =
        header.substr(0, kScheme.size()) == kScheme ? header.substr(kScheme.size()) : std::string_view();
    unsigned char expected_hash[SHA256_DIGEST_LENGTH];
    unsigned char given_hash[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), expected_hash);
    SHA256(reinterpret_cast<const unsigned char*>(given.data()), given.size(), given_hash);
    return CRYPTO_memcmp(expected_hash, given_hash, sizeof(expected_hash)) == 0;
}

} // namespace availability::relay

#include "service/http/page.hpp"

#include <openssl/evp.h>

namespace availability::service {

namespace {

// The build makes a literal of the file.
constexpr std::string_view kHtml =
#include AVAILABILITY_PAGE
    ;

std::string sha256_of(std::string_view text) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr);
    unsigned char encoded[2 * EVP_MAX_MD_SIZE];
    const int length = EVP_EncodeBlock(encoded, digest, static_cast<int>(size));
    return {reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(length)};
}

std::string source_of_element(std::string_view name) {
    const std::string begin = '<' + std::string(name) + '>';
    const std::string end = "</" + std::string(name) + '>';
    const std::size_t first = kHtml.find(begin) + begin.size();
    return "'sha256-" + sha256_of(kHtml.substr(first, kHtml.find(end, first) - first)) + "'";
}

} // namespace

const Page& page() {
    static const Page made = {
        kHtml,
        '"' + sha256_of(kHtml) + '"',
        "default-src 'none'; script-src " + source_of_element("script") + "; style-src " + source_of_element("style") +
            "; img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'",
    };
    return made;
}

} // namespace availability::service

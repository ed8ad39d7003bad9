// The front page: service/http/page.html, built in.
#pragma once

#include <string>
#include <string_view>

namespace availability::service {

struct Page {
    std::string_view html;
    std::string etag; // quoted
    // Lets in the page's own style and script, by their hashes, and nothing else; connections to the page's origin.
    std::string content_security_policy;
};

const Page& page();

} // namespace availability::service

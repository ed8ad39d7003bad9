// Fuzz target: requests to the HTTP server, as it reads them: the bytes, the head, the target, the token.

#include <string>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "relay/bearer.hpp"
#include "relay/fanout/session.hpp"
#include "test/core/fuzz.hpp"

namespace http = boost::beast::http;
using namespace availability::relay;

const char* examine(const std::uint8_t* data, std::size_t size) {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(8192);
    parser.body_limit(0);
    boost::system::error_code error;
    parser.put(boost::asio::buffer(data, size), error);
    if (parser.is_header_done()) {
        const auto& request = parser.get();
        const Route route = route_of({request.method_string().data(), request.method_string().size()},
                                     {request.target().data(), request.target().size()});
        if (route.kind == Route::Kind::kStream && request.method() != http::verb::get)
            return "a stream by another method";
        const auto header = request[http::field::authorization];
        if (is_authorized({header.data(), header.size()}, "open sesame") != (header == "Bearer open sesame"))
            return "the token opens to another, or not to itself";
    }
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    route_of("GET", text);
    route_of("GET", "/stream?" + std::string(text));
    return nullptr;
}

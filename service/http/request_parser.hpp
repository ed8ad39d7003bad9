// Reads one request by Beast's parser, which knows HTTP/1; what it finds goes straight into a Request, without a
// container of fields in between.
#pragma once

#include <boost/beast/http/basic_parser.hpp>

#include "service/http/request.hpp"

namespace availability::service {

class RequestParser final : public boost::beast::http::basic_parser<true> {
  public:
    RequestParser(Request* request, const RequestLimits& limits);

    // Why a request is refused: a status, for what boost says or what was found; 400 if nothing better is known.
    static unsigned status_of(const boost::system::error_code& error);

  private:
    using error_code = boost::system::error_code;
    using string_view = boost::beast::string_view;
    using field = boost::beast::http::field;

    void on_request_impl(boost::beast::http::verb method, string_view method_text, string_view target, int version,
                         error_code& error) override;
    void on_response_impl(int, string_view, int, error_code&) override {}
    void on_field_impl(field name, string_view name_text, string_view value, error_code& error) override;
    void on_header_impl(error_code& error) override;
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(string_view body, error_code& error) override;
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code& error) override;
    void on_finish_impl(error_code&) override {}

    Request* request_;
    std::size_t target_limit_;
};

} // namespace availability::service

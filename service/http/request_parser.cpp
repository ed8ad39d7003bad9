#include "service/http/request_parser.hpp"

#include <boost/beast/http/error.hpp>

namespace availability::service {

namespace http = boost::beast::http;

namespace {

Method method_of(http::verb verb) {
    switch (verb) {
    case http::verb::get:
        return Method::kGet;
    case http::verb::head:
        return Method::kHead;
    case http::verb::options:
        return Method::kOptions;
    case http::verb::post:
        return Method::kPost;
    case http::verb::put:
        return Method::kPut;
    case http::verb::delete_:
        return Method::kDelete;
    default:
        return Method::kOther;
    }
}

// Where a field's value goes; null if nothing looks at it.
std::string* slot_of(http::field name, boost::beast::string_view text, Request* request) {
    switch (name) {
    case http::field::accept:
        return &request->accept;
    case http::field::authorization:
        return &request->authorization;
    case http::field::content_type:
        return &request->content_type;
    case http::field::if_none_match:
        return &request->if_none_match;
    case http::field::prefer:
        return &request->prefer;
    case http::field::unknown:
        if (boost::beast::iequals(text, "traceparent"))
            return &request->traceparent;
        if (boost::beast::iequals(text, "idempotency-key"))
            return &request->idempotency_key;
        return nullptr;
    default:
        return nullptr;
    }
}

} // namespace

RequestParser::RequestParser(Request* request, const RequestLimits& limits)
    : request_(request), target_limit_(limits.target_bytes) {
    request_->clear();
    header_limit(limits.header_bytes);
    body_limit(limits.body_bytes);
    eager(true);
}

unsigned RequestParser::status_of(const boost::system::error_code& error) {
    if (error == http::error::header_limit)
        return 431;
    if (error == http::error::body_limit)
        return 413;
    if (error == http::error::buffer_overflow)
        return 414;
    if (error == http::error::bad_version)
        return 505;
    return 400;
}

void RequestParser::on_request_impl(http::verb method, string_view, string_view target, int version,
                                    error_code& error) {
    if (target.size() > target_limit_) {
        error = http::error::buffer_overflow;
        return;
    }
    request_->method = method_of(method);
    request_->is_old = version < 11;
    request_->hosts = request_->is_old ? 1 : 0; // HTTP/1.0 asks for none
    request_->target.assign(target.data(), target.size());
}

void RequestParser::on_field_impl(field name, string_view name_text, string_view value, error_code& error) {
    if (is_header_done())
        return; // after the last chunk: no field of the head
    if (name == field::host) {
        request_->hosts += !request_->is_old;
    } else if (name == field::transfer_encoding) {
        // Beast takes other encodings for none, and what follows for the next request: a proxy before it may see one
        // request where we see two (RFC 9112, 6.1).
        if (request_->is_old || !boost::beast::iequals(value, "chunked"))
            error = http::error::bad_transfer_encoding;
    } else if (name == field::expect) {
        request_->expects_continue = boost::beast::iequals(value, "100-continue");
    } else if (std::string* slot = slot_of(name, name_text, request_)) {
        // Lists may come in parts; one value may not.
        const bool is_list = name == field::accept || name == field::if_none_match || name == field::prefer;
        const bool seen = !slot->empty() || (slot == &request_->idempotency_key && request_->has_idempotency_key);
        if (seen && !is_list)
            request_->repeated = true;
        if (seen)
            slot->append(",");
        slot->append(value.data(), value.size());
        request_->has_idempotency_key |= slot == &request_->idempotency_key;
    }
}

void RequestParser::on_header_impl(error_code&) {
    request_->keep_alive = keep_alive();
}

std::size_t RequestParser::on_body_impl(string_view body, error_code&) {
    request_->body.append(body.data(), body.size());
    return body.size();
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, string_view body, error_code&) {
    request_->body.append(body.data(), body.size());
    return body.size();
}

} // namespace availability::service

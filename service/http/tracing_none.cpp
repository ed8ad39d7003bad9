#include "service/http/tracing.hpp"

namespace availability::service::tracing {

class Span {};

const char* suffix_of_version() {
    return "";
}

std::string start(boost::asio::io_context&) {
    return {};
}

bool stop() {
    return true;
}

std::shared_ptr<Span> begin(const Exchange&) {
    return nullptr;
}

void end(Span&, const Exchange&, unsigned) {}

std::shared_ptr<Span> begin_statement(Span*, database::BookingRequest::Action) {
    return nullptr;
}

void end_statement(Span&, const database::QueryError&) {}

std::string traceparent_of(const Span&) {
    return {};
}

} // namespace availability::service::tracing

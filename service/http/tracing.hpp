// Spans of OpenTelemetry: one of each request to the API, and under it one of the statement of a booking. Built in by
// `make OTEL=1` (tracing_otel.cpp); else nothing here does anything (tracing_none.cpp), and there is no span.
//
// A span says which route, status and tier it was, never which listing, which would tell who looks at what and have no
// end of values. It waits in memory for a thread of its own to send it; when there is no more room, it is dropped. So
// no collector, however slow, holds a request up.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "service/database/bookings.hpp"

namespace availability::service {

class Exchange;

namespace tracing {

// Ends at the latest with its last pointer.
class Span;

// What --version says behind the version; empty without OpenTelemetry.
const char* suffix_of_version();

// Begins to send spans to where the OTEL_* variables of the environment say; none, if they don't. `io` is for what is
// to be logged. Returns an error, empty if there is none.
std::string start(boost::asio::io_context& io);
// Sends what waits; from now on there are no spans. False: after two seconds that had not ended, and a thread is still
// at it, which needs all that is static: the process must leave without taking that down.
bool stop();

// The span of a request whose route is known: of the trace that its traceparent names, or of one that begins. It began
// when the request did. Null: none is made of it.
std::shared_ptr<Span> begin(const Exchange& exchange);
void end(Span& span, const Exchange& exchange, unsigned status);

// The span of a booking's statement, in that of its request; null in, null out.
std::shared_ptr<Span> begin_statement(Span* request, database::BookingRequest::Action action);
void end_statement(Span& span, const database::QueryError& error);

// For what is called from within it.
std::string traceparent_of(const Span& span);

} // namespace tracing

} // namespace availability::service

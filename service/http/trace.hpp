// W3C Trace Context: traceparent taken, checked, carried on, or begun.
#pragma once

#include <string>
#include <string_view>

namespace availability::service {

// Whether it is a traceparent of version 00, or the beginning of a later one that says the same.
bool is_traceparent(std::string_view text);
// The traceparent of what this service does for a request: its trace goes on with a span of ours, or, if there is none,
// or none that can be read, a trace begins, sampled or not as `sampled` says.
std::string continue_trace(std::string_view traceparent, bool sampled = false);

} // namespace availability::service

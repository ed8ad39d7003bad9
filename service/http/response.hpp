// Writes answers: heads, JSON, problem documents (RFC 9457). All appends to strings that keep their memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "extension/core/dayset_view.hpp"
#include "service/http/exchange.hpp"

namespace availability::service {

// The head of an answer, up to and with its empty line. `content_length` -1: none, the answer ends with the
// connection or is a stream of events. `now` is the time of the Date field, seconds since 1970.
void append_head(const Reply& reply, std::int64_t content_length, bool keep_alive, std::int64_t now, std::string* out);

// --- JSON
// -------------------------------------------------------------------------------------------------------------

void append_number(std::int64_t number, std::string* out);
// With its quotes.
void append_string(std::string_view text, std::string* out);
// "yyyy-mm-dd".
void append_date(Day day, std::string* out);
// "yyyy-mm-ddThh:mm:ss.uuuuuuZ", of microseconds since 1970; null of 0 and before.
void append_time(std::int64_t microseconds, std::string* out);
// The days of a set within a span: [["2027-07-03","2027-07-10"],…].
void append_ranges(const DaysetView& days, DaySpan within, std::string* out);

// --- problems
// ---------------------------------------------------------------------------------------------------------

struct Problem {
    unsigned status;
    std::string_view type;        // the end of its URN
    std::string_view title;       // the same for each of its type
    std::string_view detail = {}; // of this one
    std::string_view more = {};   // further members, beginning with a comma
    int retry_after = -1;
    std::string_view allow = {};
    bool close = false;
};
// Answers with it.
void refuse(Exchange& exchange, const Problem& problem);
// The document, in place of what `out` held; and the head that goes with it.
Reply write_problem(const Problem& problem, std::string* out);

// --- entity tags
// ------------------------------------------------------------------------------------------------------

// W/"…" of a number.
void append_etag(std::uint64_t number, std::string* out);
// Whether If-None-Match names the tag, by weak comparison.
bool matches(std::string_view if_none_match, std::string_view etag);

} // namespace availability::service

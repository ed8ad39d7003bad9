#include "service/http/response.hpp"

#include <charconv>
#include <ctime>

#include "relay/dead_letters.hpp"

namespace availability::service {

namespace {

std::string_view phrase_of(unsigned status) {
    switch (status) {
    case 200:
        return "200 OK";
    case 201:
        return "201 Created";
    case 204:
        return "204 No Content";
    case 304:
        return "304 Not Modified";
    case 400:
        return "400 Bad Request";
    case 401:
        return "401 Unauthorized";
    case 403:
        return "403 Forbidden";
    case 404:
        return "404 Not Found";
    case 405:
        return "405 Method Not Allowed";
    case 408:
        return "408 Request Timeout";
    case 409:
        return "409 Conflict";
    case 410:
        return "410 Gone";
    case 413:
        return "413 Content Too Large";
    case 414:
        return "414 URI Too Long";
    case 415:
        return "415 Unsupported Media Type";
    case 422:
        return "422 Unprocessable Content";
    case 429:
        return "429 Too Many Requests";
    case 431:
        return "431 Request Header Fields Too Large";
    case 500:
        return "500 Internal Server Error";
    case 503:
        return "503 Service Unavailable";
    case 504:
        return "504 Gateway Timeout";
    case 505:
        return "505 HTTP Version Not Supported";
    default:
        return "500 Internal Server Error";
    }
}

// "Date: …", made anew once a second.
std::string_view date_field(std::int64_t now) {
    static thread_local std::int64_t made_for = -1;
    static thread_local char text[64];
    static thread_local std::size_t size = 0;
    if (now != made_for) {
        const std::time_t time = now;
        std::tm parts{};
        gmtime_r(&time, &parts);
        // The C locale's names: the program never sets another.
        size = std::strftime(text, sizeof(text), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
        made_for = now;
    }
    return {text, size};
}

void append_two(int number, std::string* out) {
    out->push_back(static_cast<char>('0' + number / 10));
    out->push_back(static_cast<char>('0' + number % 10));
}

} // namespace

std::string_view word_of(Route route) {
    static constexpr std::string_view kWords[kRoutes] = {
        "availability", "calendar", "months", "next_gap", "many",  "search",  "book",    "move", "cancel",  "hold",
        "confirm",      "release",  "events", "health",   "ready", "metrics", "openapi", "page", "control", "none"};
    return kWords[static_cast<int>(route)];
}

void append_head(const Reply& reply, std::int64_t content_length, bool keep_alive, std::int64_t now, std::string* out) {
    const auto field = [&](std::string_view name, std::string_view value) {
        if (!value.empty())
            out->append(name).append(value).append("\r\n");
    };
    out->append("HTTP/1.1 ").append(phrase_of(reply.status)).append("\r\n");
    out->append(date_field(now));
    if (reply.status != 204 && reply.status != 304)
        field("Content-Type: ", reply.content_type);
    field("Cache-Control: ", reply.cache_control);
    field("ETag: ", reply.etag);
    field("Allow: ", reply.allow);
    field("Location: ", reply.location);
    if (!reply.policy.empty()) {
        field("Content-Security-Policy: ", reply.policy);
        out->append("X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n");
    }
    if (reply.challenge)
        out->append("WWW-Authenticate: Bearer\r\n");
    if (reply.retry_after >= 0) {
        out->append("Retry-After: ");
        append_number(reply.retry_after, out);
        out->append("\r\n");
    }
    if (content_length >= 0 && reply.status != 204 && reply.status != 304) {
        out->append("Content-Length: ");
        append_number(content_length, out);
        out->append("\r\n");
    }
    out->append(keep_alive ? "\r\n" : "Connection: close\r\n\r\n");
}

void append_number(std::int64_t number, std::string* out) {
    char text[24];
    const auto end = std::to_chars(text, text + sizeof(text), number);
    out->append(text, end.ptr);
}

void append_string(std::string_view text, std::string* out) {
    for (const char c : text)
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E || c == '"' || c == '\\') {
            out->append(relay::json_string(text));
            return;
        }
    out->push_back('"');
    out->append(text);
    out->push_back('"');
}

void append_date(Day day, std::string* out) {
    char text[12];
    text[0] = text[11] = '"';
    format_day(day, text + 1);
    out->append(text, sizeof(text));
}

void append_time(std::int64_t microseconds, std::string* out) {
    const std::int64_t seconds = microseconds / 1000000;
    const std::int64_t days = seconds / 86400;
    if (microseconds <= 0 || days >= kEndDay) {
        out->append("null");
        return;
    }
    const int of_day = static_cast<int>(seconds % 86400);
    append_date(static_cast<Day>(days), out);
    out->back() = 'T';
    append_two(of_day / 3600, out);
    out->push_back(':');
    append_two(of_day / 60 % 60, out);
    out->push_back(':');
    append_two(of_day % 60, out);
    out->push_back('.');
    const int rest = static_cast<int>(microseconds % 1000000);
    append_two(rest / 10000, out);
    append_two(rest / 100 % 100, out);
    append_two(rest % 100, out);
    out->append("Z\"");
}

void append_ranges(const DaysetView& days, DaySpan within, std::string* out) {
    out->push_back('[');
    bool first = true;
    for (DaySpan run = days.next_run(within.first_day); !run.empty() && run.first_day < within.end_day;
         run = days.next_run(run.end_day)) {
        const DaySpan part = intersection(run, within);
        if (!first)
            out->push_back(',');
        first = false;
        out->push_back('[');
        append_date(part.first_day, out);
        out->push_back(',');
        append_date(part.end_day, out);
        out->push_back(']');
        if (run.end_day >= within.end_day)
            break;
    }
    out->push_back(']');
}

Reply write_problem(const Problem& problem, std::string* out) {
    out->assign("{\"type\":\"urn:availability:problem:");
    out->append(problem.type).append("\",\"title\":");
    append_string(problem.title, out);
    out->append(",\"status\":");
    append_number(problem.status, out);
    if (!problem.detail.empty()) {
        out->append(",\"detail\":");
        append_string(problem.detail, out);
    }
    out->append(problem.more).append("}");
    Reply reply;
    reply.status = problem.status;
    reply.content_type = "application/problem+json";
    reply.retry_after = problem.retry_after;
    reply.allow = problem.allow;
    reply.challenge = problem.status == 401;
    reply.close = problem.close;
    return reply;
}

void refuse(Exchange& exchange, const Problem& problem) {
    // The detail may be a view of what is being replaced.
    std::string document;
    const Reply reply = write_problem(problem, &document);
    exchange.body.swap(document);
    exchange.finish(reply);
}

void append_etag(std::uint64_t number, std::string* out) {
    char text[24];
    const auto end = std::to_chars(text, text + sizeof(text), number, 16);
    out->append("W/\"").append(text, end.ptr).append("\"");
}

bool matches(std::string_view if_none_match, std::string_view etag) {
    const auto opaque = [](std::string_view tag) { return tag.substr(0, 2) == "W/" ? tag.substr(2) : tag; };
    while (!if_none_match.empty()) {
        std::size_t end = if_none_match.find(',');
        std::string_view tag = if_none_match.substr(0, end);
        if_none_match = end == std::string_view::npos ? std::string_view() : if_none_match.substr(end + 1);
        const std::size_t first = tag.find_first_not_of(" \t");
        if (first == std::string_view::npos)
            continue;
        tag = tag.substr(first, tag.find_last_not_of(" \t") - first + 1);
        if (tag == "*" || opaque(tag) == opaque(etag))
            return true;
    }
    return false;
}

} // namespace availability::service

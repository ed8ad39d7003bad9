#include "service/http/api.hpp"

#include <algorithm>

#include "service/http/assets.hpp"
#include "service/http/page.hpp"
#include "service/http/response.hpp"

namespace availability::service {

namespace {

constexpr std::string_view kReads = "GET, HEAD, OPTIONS";
constexpr std::string_view kText = "text/plain; charset=utf-8";
// The path of a target in absolute form.
std::string_view without_authority(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"})
        if (target.substr(0, scheme.size()) == scheme) {
            const std::size_t slash = target.find('/', scheme.size());
            return slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
        }
    return target;
}

} // namespace

Api::Api(Backend& backend, Events& events, ApiOptions options, Finished finished)
    : backend_(backend), events_(events), options_(std::move(options)), finished_(std::move(finished)) {}

void Api::handle(Exchange& exchange) {
    Target target;
    if (exchange.request.target == "*" && exchange.request.method == Method::kOptions) {
        Reply reply;
        reply.status = 204;
        reply.allow = "GET, HEAD, POST, DELETE, OPTIONS";
        return exchange.finish(reply);
    }
    if (!parse_target(without_authority(exchange.request.target), &target))
        return refuse(exchange, {400, "malformed-request", "The request's target is malformed"});
    route(exchange, target);
}

void Api::route(Exchange& exchange, const Target& target) {
    const std::string_view first = target.segments[0];
    if (first == "v1")
        return route_v1(exchange, target);
    if (target.count == 1) {
        if (first.empty())
            exchange.route = Route::kPage;
        else if (first == "healthz")
            exchange.route = Route::kHealth;
        else if (first == "readyz")
            exchange.route = Route::kReady;
        else if (first == "metrics")
            exchange.route = Route::kMetrics;
        else if (first == "openapi.json")
            exchange.route = Route::kOpenApi;
    }
    if (exchange.route == Route::kNone)
        return refuse(exchange,
                      {404, "not-found", "There is no such resource", "See /openapi.json for what there is."});
    if (is_allowed(exchange, kReads))
        answer_fixed(exchange);
}

void Api::route_v1(Exchange& exchange, const Target& target) {
    const auto segment = [&](std::size_t i) { return i < target.count ? target.segments[i] : std::string_view(); };
    const std::string_view what = segment(1);
    const std::size_t count = target.count;
    if (what == "listings" && count == 4) {
        const std::string_view which = segment(3);
        exchange.route = which == "availability" ? Route::kAvailability
                         : which == "calendar"   ? Route::kCalendar
                         : which == "months"     ? Route::kMonths
                         : which == "next-gap"   ? Route::kNextGap
                                                 : Route::kNone;
        if (exchange.route != Route::kNone) {
            if (is_allowed(exchange, kReads) && admit(exchange) && begin_query(exchange, target))
                read_listing(exchange, segment(2));
            return;
        }
    } else if (what == "availability" && count == 2) {
        exchange.route = Route::kMany;
        if (is_allowed(exchange, "GET, HEAD, POST, OPTIONS") && admit(exchange) && begin_query(exchange, target))
            read_many(exchange);
        return;
    } else if (what == "search" && count == 2) {
        exchange.route = Route::kSearch;
        if (is_allowed(exchange, kReads) && admit(exchange) && begin_query(exchange, target))
            search(exchange);
        return;
    } else if (what == "events" && count == 2) {
        exchange.route = Route::kEvents;
        if (is_allowed(exchange, "GET, OPTIONS") && admit(exchange) && begin_query(exchange, target))
            events(exchange);
        return;
    } else if (what == "bookings" || what == "holds") {
        return book(exchange, target);
    }
    refuse(exchange, {404, "not-found", "There is no such resource", "See /openapi.json for what there is."});
}

void Api::answer_fixed(Exchange& exchange) {
    Reply reply;
    reply.content_type = kText;
    switch (exchange.route) {
    case Route::kHealth:
        exchange.body = "ok\n";
        break;
    case Route::kReady:
        if (!backend_.ready(&exchange.body)) {
            reply.status = 503;
            reply.retry_after = 1;
        }
        // For programs, as the page is one, how the service is; for people and balancers a line.
        if (exchange.request.accept.find("application/json") != std::string::npos) {
            reply.content_type = "application/json";
            exchange.body = backend_.health();
        }
        exchange.body += '\n';
        break;
    case Route::kMetrics:
        reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
        exchange.body = backend_.metrics();
        break;
    case Route::kOpenApi:
    default:
        reply.has_fixed = true;
        reply.fixed = exchange.route == Route::kPage ? page().html : openapi_json();
        reply.content_type = exchange.route == Route::kPage ? "text/html; charset=utf-8" : "application/json";
        reply.policy =
            exchange.route == Route::kPage ? std::string_view(page().content_security_policy) : std::string_view();
        reply.cache_control = "no-cache";
        etag_.clear();
        append_etag(std::hash<std::string_view>()(reply.fixed), &etag_);
        reply.etag = etag_;
        if (matches(exchange.request.if_none_match, etag_))
            reply.status = 304;
    }
    exchange.finish(reply);
}

bool Api::is_allowed(Exchange& exchange, std::string_view methods) {
    const Method method = exchange.request.method;
    if (method == Method::kOptions) {
        Reply reply;
        reply.status = 204;
        reply.allow = methods;
        exchange.finish(reply);
        return false;
    }
    if (method != Method::kOther && methods.find(word_of(method)) != std::string_view::npos)
        return true;
    Problem problem{405, "method-not-allowed", "The resource does not have this method"};
    problem.allow = methods;
    refuse(exchange, problem);
    return false;
}

bool Api::admit(Exchange& exchange) {
    if (waiting_ < options_.max_waiting && !backend_.overloaded())
        return true;
    ++shed_;
    Problem problem{503, "overloaded", "The service has more to do than it can do in time"};
    problem.retry_after = 1;
    refuse(exchange, problem);
    return false;
}

bool Api::begin_query(Exchange& exchange, const Target& target) {
    if (const char* error = query_.parse(target.query)) {
        refuse(exchange, {400, "malformed-request", "The query is malformed", error});
        return false;
    }
    table_ = 0;
    if (const auto name = query_.get("table")) {
        const auto found = std::find(options_.tables.begin(), options_.tables.end(), *name);
        if (found == options_.tables.end()) {
            refuse(exchange, {404, "no-table", "There is no such table", *name});
            return false;
        }
        table_ = static_cast<std::uint16_t>(found - options_.tables.begin());
    }
    std::int64_t min_version = reader::kAnyVersion;
    if (query_.get("min_version") && !take_number(exchange, "min_version", 0, INT64_MAX, &min_version))
        return false;
    read_options_.min_version = min_version;
    read_options_.deadline = deadline_of(exchange, options_.read_deadline);
    return true;
}

bool Api::end_query(Exchange& exchange) {
    const std::string_view unknown = query_.unknown();
    return unknown.empty() || refuse_parameter(exchange, unknown, "is no parameter of this resource");
}

// `Prefer: wait=N` (RFC 7240) asks for an answer within N seconds.
reader::Clock::time_point Api::deadline_of(const Exchange& exchange, std::chrono::milliseconds most) const {
    std::string_view prefer = exchange.request.prefer;
    if (const std::size_t at = prefer.find("wait="); at != std::string_view::npos) {
        prefer = prefer.substr(at + 5);
        const auto seconds = parse_integer(prefer.substr(0, prefer.find_first_of(",; ")));
        if (seconds && *seconds >= 0 && *seconds < most.count() / 1000 + 1)
            most = std::min(most, std::chrono::milliseconds(*seconds * 1000));
    }
    return exchange.began + most;
}

bool Api::refuse_parameter(Exchange& exchange, std::string_view name, std::string_view what) {
    std::string more = ",\"parameter\":";
    append_string(name, &more);
    const std::string detail = std::string(name) + " " + std::string(what);
    Problem problem{400, "invalid-parameter", "A parameter is missing or has no valid value", detail};
    problem.more = more;
    refuse(exchange, problem);
    return false;
}

bool Api::take_number(Exchange& exchange, const char* name, std::int64_t least, std::int64_t most,
                      std::int64_t* number) {
    const auto text = query_.get(name);
    if (!text)
        return refuse_parameter(exchange, name, "is missing");
    const auto value = parse_integer(*text);
    if (!value || *value < least || *value > most)
        return refuse_parameter(exchange, name,
                                "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    *number = *value;
    return true;
}

bool Api::take_stay(Exchange& exchange, const char* from, const char* to) {
    const auto first = query_.get(from);
    const auto last = query_.get(to);
    return check_stay(exchange, first.value_or(""), last.value_or(""), from, to);
}

bool Api::check_stay(Exchange& exchange, std::string_view first, std::string_view last, const char* from,
                     const char* to) {
    const auto check = [&](std::string_view text, const char* name, Day* day) {
        if (text.empty())
            return refuse_parameter(exchange, name, "is missing");
        const auto date = parse_date(text);
        if (!date || *date < kFirstDay || *date > kEndDay)
            return refuse_parameter(exchange, name, "must be a date, yyyy-mm-dd, from 1970-01-01 to 2149-06-07");
        *day = *date;
        return true;
    };
    DaySpan& span = exchange.asked.span;
    if (!check(first, from, &span.first_day) || !check(last, to, &span.end_day))
        return false;
    if (span.empty())
        return refuse_parameter(exchange, to, "must be after " + std::string(from));
    if (span.days() > options_.max_days)
        return refuse_parameter(exchange, to,
                                "must be at most " + std::to_string(options_.max_days) + " days after " + from);
    return true;
}

void Api::refuse_unknown_table(Exchange& exchange) {
    Problem problem{503, "starting", "The service does not know its tables yet"};
    problem.retry_after = 1;
    refuse(exchange, problem);
}

bool Api::key_of(Exchange& exchange, std::string_view text, reader::Key* key) {
    const auto kind = backend_.kind_of_listings(table_);
    if (!kind) {
        refuse_unknown_table(exchange);
        return false;
    }
    if (text.empty() || text.size() > 256)
        return refuse_parameter(exchange, "listing", "must have 1 to 256 bytes");
    if (*kind == reader::Key::Kind::kText) {
        *key = reader::Key::of(text);
        return true;
    }
    const auto number = parse_integer(text);
    if (!number)
        return refuse_parameter(exchange, "listing", "must be a whole number");
    *key = reader::Key::of(*number);
    return true;
}

bool Api::take_listings(Exchange& exchange, std::string_view list) {
    auto& names = exchange.asked.listings;
    names.clear();
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        if (names.size() == options_.max_listings)
            return refuse_parameter(exchange, "listings", "must be at most " + std::to_string(options_.max_listings));
        names.emplace_back(list.substr(0, comma));
        list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    }
    return true;
}

} // namespace availability::service

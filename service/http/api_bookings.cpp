// Bookings and holds, by the extension's functions; what their errors are in HTTP.

#include "service/http/api.hpp"
#include "service/http/body.hpp"
#include "service/http/response.hpp"
#include "service/http/trace.hpp"
#include "service/http/tracing.hpp"

namespace availability::service {

using Action = database::BookingRequest::Action;
using ErrorKind = database::QueryError::Kind;

namespace {

constexpr std::int64_t kMaxTtl = 7 * 86400;

bool is_uuid(std::string_view text) {
    if (text.size() != 36)
        return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : std::string_view("0123456789abcdefABCDEF").find(text[i]) == std::string_view::npos)
            return false;
    }
    return true;
}

// The ranges of "Taken days: [a,b), [c,d)." as JSON; nothing if it is not that.
bool append_taken(std::string_view detail, std::string* out) {
    constexpr std::string_view kBefore = "Taken days: ";
    if (detail.substr(0, kBefore.size()) != kBefore)
        return false;
    detail.remove_prefix(kBefore.size());
    out->append(",\"taken\":[");
    while (detail.size() >= 23 && detail[0] == '[' && detail[11] == ',' && detail[22] == ')') {
        const auto first = parse_date(detail.substr(1, 10));
        const auto last = parse_date(detail.substr(12, 10));
        if (!first || !last)
            break;
        if (out->back() != '[')
            out->push_back(',');
        out->append("[\"").append(detail.substr(1, 10)).append("\",\"").append(detail.substr(12, 10)).append("\"]");
        detail.remove_prefix(detail.substr(23, 2) == ", " ? 25 : 23);
    }
    out->push_back(']');
    return true;
}

struct Meaning {
    std::string_view sqlstate; // or the class it is of
    unsigned status;
    std::string_view type;
    std::string_view title;
    bool tell; // the server's message
    int retry_after = -1;
};

// The first that fits.
constexpr Meaning kMeanings[] = {
    {"RV001", 422, "key-used-otherwise", "The idempotency key was used for another request", false},
    {"RV002", 410, "hold-expired", "The hold has expired", false},
    {"RV003", 410, "hold-gone", "The hold was confirmed or released, or never was", false},
    {"23505", 409, "conflict", "Something that must be unique is there already", true},
    {"23P01", 409, "conflict", "It conflicts with something that is there already", true},
    {"23503", 422, "no-such-reference", "Something that it names is not there", true},
    {"23", 422, "refused", "The database does not accept it", true},
    {"P0002", 404, "no-reservation", "There is no such reservation", false},
    {"21000", 409, "conflict", "Several reservations have the key", true},
    {"55000", 409, "not-bookable", "The reservation would hold no days, or holds none", true},
    {"53400", 429, "too-many-holds", "There are too many holds of this listing", false, 60},
    {"40", 503, "busy", "Others change the same at the moment", false, 1},
    {"55P03", 503, "busy", "Others change the same at the moment", false, 1},
    {"42703", 422, "unknown-attribute", "An attribute is no column", true},
    {"42701", 422, "unknown-attribute", "An attribute is the listing or the stay", true},
    {"42501", 403, "forbidden", "The service lacks the right to do so", false},
    {"22", 422, "invalid-value", "A value is not one that the database takes", true},
    {"57014", 504, "no-answer-in-time", "The database did not answer in time", false},
    {"54", 422, "invalid-value", "A value is not one that the database takes", true},
    {"53", 503, "unavailable", "The database has no room at the moment", false, 1},
    {"57", 503, "unavailable", "The database can't answer at the moment", false, 1},
    {"25006", 503, "unavailable", "The database does not take changes at the moment", false, 1},
    {"", 500, "internal", "The database refused it for a reason that is not the caller's", false},
};

const Meaning& meaning_of(std::string_view sqlstate) {
    for (const Meaning& meaning : kMeanings)
        if (sqlstate.substr(0, meaning.sqlstate.size()) == meaning.sqlstate)
            return meaning;
    return kMeanings[std::size(kMeanings) - 1];
}

std::string_view members_of(Action action) {
    switch (action) {
    case Action::kBook:
        return " listing check_in check_out attributes ";
    case Action::kHold:
        return " listing check_in check_out attributes ttl_seconds ";
    case Action::kMove:
        return " check_in check_out ";
    case Action::kConfirm:
        return " attributes ";
    default:
        return " ";
    }
}

// What went wrong on the way to the database.
Problem problem_of(const database::QueryError& error) {
    Problem problem{503, "unavailable", "The database can't be reached at the moment"};
    problem.retry_after = 1;
    if (error.kind == ErrorKind::kOverloaded) {
        problem.type = "overloaded";
        problem.title = "The service has more to do than it can do in time";
    } else if (error.sent) {
        problem.status = 504;
        problem.type = "no-answer-in-time";
        problem.title = "The database did not answer in time";
        problem.detail = "Whether it was done is not known. With the same Idempotency-Key it can be asked again.";
        problem.retry_after = -1;
    }
    return problem;
}

} // namespace

void Api::book(Exchange& exchange, const Target& target) {
    const auto segment = [&](std::size_t i) { return i < target.count ? target.segments[i] : std::string_view(); };
    const bool holds = segment(1) == "holds";
    database::BookingRequest request;
    std::string_view methods = "POST, OPTIONS";
    if (target.count == 2) {
        request.action = holds ? Action::kHold : Action::kBook;
        exchange.route = holds ? Route::kHold : Route::kBook;
    } else if (holds && target.count == 4 && segment(3) == "confirm") {
        request.action = Action::kConfirm;
        exchange.route = Route::kConfirm;
    } else if (holds && target.count == 3) {
        request.action = Action::kRelease;
        exchange.route = Route::kRelease;
        methods = "DELETE, OPTIONS";
    } else if (!holds && target.count == 4 && (segment(3) == "move" || segment(3) == "cancel")) {
        request.action = segment(3) == "move" ? Action::kMove : Action::kCancel;
        exchange.route = segment(3) == "move" ? Route::kMove : Route::kCancel;
    } else {
        return refuse(exchange,
                      {404, "not-found", "There is no such resource", "See /openapi.json for what there is."});
    }
    if (!is_allowed(exchange, methods) || !admit(exchange) || !begin_query(exchange, target) || !end_query(exchange))
        return;
    std::string& id = holds ? request.hold : request.reservation;
    if (target.count > 2 && (!decode(segment(2), false, &id) || id.empty() || id.size() > 256))
        return refuse(exchange, {400, "malformed-request", "The key is not percent-encoded UTF-8 of 1 to 256 bytes"});
    if (holds && target.count > 2 && !is_uuid(id))
        return refuse(exchange, {404, "no-hold", "There is no such hold"});
    if (!take_key(exchange, &request) || !take_body_of_booking(exchange, &request))
        return;
    submit(exchange, std::move(request));
}

bool Api::take_key(Exchange& exchange, database::BookingRequest* request) {
    if (!exchange.request.has_idempotency_key)
        return true;
    const std::string& key = exchange.request.idempotency_key;
    bool good = !key.empty() && key.size() <= 255;
    for (const char c : key)
        good &= c >= 0x20 && c < 0x7F;
    if (request->action == Action::kHold || request->action == Action::kRelease || !good) {
        const std::string_view why = good ? "holds and their release take no Idempotency-Key"
                                          : "Idempotency-Key must have 1 to 255 printable characters of ASCII";
        refuse(exchange, {400, "invalid-key", "The idempotency key can't be used", why});
        return false;
    }
    request->idempotency_key = key;
    return true;
}

bool Api::take_body_of_booking(Exchange& exchange, database::BookingRequest* request) {
    const Action action = request->action;
    const bool needed = action == Action::kBook || action == Action::kHold || action == Action::kMove;
    if (exchange.request.body.empty() && !needed)
        return true;
    if (!is_json(exchange.request.content_type)) {
        refuse(exchange, {415, "not-json", "The body must be application/json"});
        return false;
    }
    Body body;
    const std::string error = parse_body(exchange.request.body, members_of(action), &body);
    if (!error.empty()) {
        refuse(exchange, {400, "invalid-body", "The body is not what it must be", error});
        return false;
    }
    reader::Key key;
    if (action == Action::kBook || action == Action::kHold) {
        if (!body.has_listing)
            return refuse_parameter(exchange, "listing", "is missing");
        if (!key_of(exchange, body.listing, &key))
            return false;
    }
    if (needed && !check_stay(exchange, body.check_in, body.check_out, "check_in", "check_out"))
        return false;
    if (body.ttl_seconds) {
        if (*body.ttl_seconds < 1 || *body.ttl_seconds > kMaxTtl)
            return refuse_parameter(exchange, "ttl_seconds", "must be from 1 to " + std::to_string(kMaxTtl));
        request->ttl = std::to_string(*body.ttl_seconds) + " seconds";
    }
    request->listing = std::move(body.listing);
    request->check_in = std::move(body.check_in);
    request->check_out = std::move(body.check_out);
    request->attributes = std::move(body.attributes);
    return true;
}

void Api::submit(Exchange& exchange, database::BookingRequest request) {
    request.reservations = options_.reservations[table_];
    request.deadline = deadline_of(exchange, options_.booking_deadline);
    const Action action = request.action;
    exchange.span = tracing::begin(exchange);
    const auto statement = tracing::begin_statement(exchange.span.get(), action);
    exchange.trace =
        exchange.span ? tracing::traceparent_of(*exchange.span) : continue_trace(exchange.request.traceparent);
    request.traceparent = statement ? tracing::traceparent_of(*statement) : exchange.trace;
    ++waiting_;
    backend_.book(std::move(request), [this, exchange = &exchange, action, statement](database::BookingAnswer answer) {
        --waiting_;
        if (statement)
            tracing::end_statement(*statement, answer.error);
        answer_booking(*exchange, action, answer);
    });
}

void Api::answer_booking(Exchange& exchange, Action action, const database::BookingAnswer& answer) {
    if (answer.error && answer.error.kind != ErrorKind::kServer)
        return refuse(exchange, problem_of(answer.error));
    if (answer.error) {
        exchange.sqlstate = answer.error.sqlstate;
        const Meaning& meaning = meaning_of(answer.error.sqlstate);
        Problem problem{meaning.status, meaning.type, meaning.title};
        std::string more;
        if (answer.error.sqlstate == "23505" && append_taken(answer.error.detail, &more)) {
            problem.type = "taken";
            problem.title = "Days of the stay are taken";
            problem.more = more;
        } else if (meaning.tell) {
            problem.detail = answer.error.message;
        }
        problem.retry_after = meaning.retry_after;
        return refuse(exchange, problem);
    }
    if (action == Action::kRelease) {
        if (!answer.released)
            return refuse(exchange, {410, "hold-gone", "The hold was confirmed or released, or never was"});
        Reply reply;
        reply.status = 204;
        return exchange.finish(reply);
    }
    std::string& out = exchange.body;
    Reply reply;
    std::string location;
    if (action == Action::kHold) {
        reply.status = 201;
        out.assign("{\"hold\":");
        append_string(answer.hold, &out);
        location = "/v1/holds/" + answer.hold;
    } else {
        reply.status = action == Action::kBook || action == Action::kConfirm ? 201 : 200;
        out.assign("{\"reservation\":");
        append_string(answer.reservation, &out);
        out.append(",\"version\":");
        append_number(answer.version, &out);
        out.append(answer.replayed ? ",\"replayed\":true" : ",\"replayed\":false");
    }
    out.push_back('}');
    reply.location = location;
    exchange.finish(reply);
}

} // namespace availability::service

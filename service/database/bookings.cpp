#include "service/database/bookings.hpp"

#include <charconv>

#include <boost/asio/post.hpp>

#include "extension/core/day.hpp"

namespace availability::database {

namespace {

using Action = BookingRequest::Action;

// yyyy-mm-dd and nothing else: what else the server takes for a date depends on its settings.
bool is_date(const std::string& text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-')
        return false;
    int parts[3] = {};
    const int begins[] = {0, 5, 8}, sizes[] = {4, 2, 2};
    for (int i = 0; i < 3; i++) {
        const char* begin = text.data() + begins[i];
        const auto read = std::from_chars(begin, begin + sizes[i], parts[i]);
        if (read.ec != std::errc() || read.ptr != begin + sizes[i] || *begin == '-')
            return false;
    }
    if (parts[1] < 1 || parts[1] > 12)
        return false;
    const CivilDate date = civil_from_day(day_from_civil({parts[0], parts[1], parts[2]}));
    return date.year == parts[0] && date.month == parts[1] && date.day == parts[2];
}

bool has_stay(Action action) {
    return action == Action::kBook || action == Action::kMove || action == Action::kHold;
}

// Only these are made harmless by their key.
bool takes_key(Action action) {
    return action != Action::kHold && action != Action::kRelease;
}

// The functions' arguments are of the type availability.argument, which reads texts by the columns' types.
Query query_of(const BookingRequest& request) {
    constexpr char kStay[] = "pg_catalog.daterange($3::pg_catalog.date, $4::pg_catalog.date)";
    const std::string kAnswer = "SELECT reservation_id, version, replayed FROM availability.";
    const std::string attributes = request.attributes.value_or("{}");
    Query query;
    switch (request.action) {
    case Action::kBook:
        query.text = kAnswer + "book($1::pg_catalog.regclass, $2, " + kStay + ", $5, $6)";
        query.parameters = {request.reservations, request.listing,         request.check_in,
                            request.check_out,    request.idempotency_key, attributes};
        break;
    case Action::kMove:
        query.text = kAnswer + "move($1::pg_catalog.regclass, $2, " + kStay + ", $5)";
        query.parameters = {request.reservations, request.reservation, request.check_in, request.check_out,
                            request.idempotency_key};
        break;
    case Action::kCancel:
        query.text = kAnswer + "cancel($1::pg_catalog.regclass, $2, $3)";
        query.parameters = {request.reservations, request.reservation, request.idempotency_key};
        break;
    case Action::kHold:
        query.text = std::string("SELECT availability.hold($1::pg_catalog.regclass, $2, ") + kStay + ", $5, $6)";
        query.parameters = {request.reservations,
                            request.listing,
                            request.check_in,
                            request.check_out,
                            request.ttl.value_or("15 minutes"),
                            attributes};
        break;
    case Action::kConfirm:
        query.text = kAnswer + "confirm($1::pg_catalog.regclass, $2, $3, $4)";
        query.parameters = {request.reservations, request.hold, attributes, request.idempotency_key};
        break;
    case Action::kRelease:
        query.text = "SELECT availability.release($2, $1::pg_catalog.regclass)";
        query.parameters = {request.reservations, request.hold};
        break;
    }
    query.deadline = request.deadline;
    query.traceparent = request.traceparent;
    return query;
}

BookingAnswer answer_of(Action action, QueryResult result) {
    BookingAnswer answer;
    answer.error = std::move(result.error);
    if (answer.error)
        return answer;
    const std::size_t columns = action == Action::kHold || action == Action::kRelease ? 1 : 3;
    if (result.rows.size() != 1 || result.rows[0].size() != columns || !result.rows[0][0]) {
        answer.error = {QueryError::Kind::kServer, true, "XX000", "the server answers what was not asked", "", "", ""};
        return answer;
    }
    const auto& row = result.rows[0];
    switch (action) {
    case Action::kHold:
        answer.hold = *row[0];
        break;
    case Action::kRelease:
        answer.released = *row[0] == "t";
        break;
    default:
        answer.reservation = *row[0];
        if (row[1])
            std::from_chars(row[1]->data(), row[1]->data() + row[1]->size(), answer.version);
        answer.replayed = row[2] == "t";
    }
    return answer;
}

} // namespace

void Bookings::submit(BookingRequest request, std::function<void(BookingAnswer)> done) {
    // Let the server say what is wrong with what is not a stay: but not as a stay of another time.
    if (has_stay(request.action) && !(is_date(request.check_in) && is_date(request.check_out))) {
        // It has an empty text in its place, which is no date: the same way to the answer as all others.
        request.check_in = request.check_out = "";
    }
    const Action action = request.action;
    Query query = query_of(request);
    const bool harmless = takes_key(action) && request.idempotency_key.has_value();
    auto again = harmless ? std::make_shared<Query>(query) : nullptr;
    pool_.submit(
        std::move(query), [submit = pool_.submitter(), action, again, done = std::move(done)](QueryResult result) {
            if (result.error.kind != QueryError::Kind::kLost || again == nullptr || Clock::now() >= again->deadline)
                return done(answer_of(action, std::move(result)));
            // If the first try took effect and there is no second answer, it is the first one's that is unknown.
            submit(*again, [action, done, first = std::move(result)](QueryResult second) {
                done(answer_of(action, second.error && !second.error.sent ? first : std::move(second)));
            });
        });
}

} // namespace availability::database

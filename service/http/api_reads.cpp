// Questions about one listing, and the stream of its changes.

#include "service/http/api.hpp"
#include "service/http/events.hpp"
#include "service/http/meta.hpp"
#include "service/http/response.hpp"

#include "relay/layout.hpp"

namespace availability::service {

namespace {

constexpr int kMaxMonths = 36;

void append_months(const DaysetView& calendar, layout::Month first, int count, std::string* out) {
    static constexpr char kDigits[] = "0123456789abcdef";
    out->append("{");
    for (layout::Month month = first; month < first + count && month <= layout::kLastMonth; ++month) {
        if (month != first)
            out->push_back(',');
        std::string name;
        layout::append_month(month, &name);
        out->append("\"").append(name, 1, std::string::npos).append("\":\"");
        for (const char byte : layout::month_bits(calendar, month)) {
            out->push_back(kDigits[static_cast<unsigned char>(byte) >> 4]);
            out->push_back(kDigits[byte & 15]);
        }
        out->push_back('"');
    }
    out->push_back('}');
}

} // namespace

void Api::read_listing(Exchange& exchange, std::string_view listing) {
    if (!decode(listing, false, &exchange.asked.listing))
        return refuse(exchange, {400, "malformed-request", "The listing is not percent-encoded UTF-8"});
    reader::Listing asked;
    asked.table = table_;
    if (!key_of(exchange, exchange.asked.listing, &asked.key) || !take_question(exchange) || !end_query(exchange))
        return;
    exchange.asked.is_text = asked.key.kind == reader::Key::Kind::kText;
    ++waiting_;
    // As small as std::function holds without memory of its own.
    backend_.read(asked, read_options_, [this, exchange = &exchange](const reader::Answer& answer) {
        --waiting_;
        answer_listing(*exchange, answer);
    });
}

// The parameters of the route.
bool Api::take_question(Exchange& exchange) {
    Exchange::Asked& asked = exchange.asked;
    std::int64_t number = 0;
    switch (exchange.route) {
    case Route::kAvailability:
        return take_stay(exchange, "check_in", "check_out");
    case Route::kCalendar:
        return take_stay(exchange, "from", "to");
    case Route::kMonths: {
        const auto from = parse_month(query_.get("from").value_or(""));
        if (!from)
            return refuse_parameter(exchange, "from", "must be a month, yyyy-mm, from 1970-01 to 2149-06");
        if (!take_number(exchange, "count", 1, kMaxMonths, &number))
            return false;
        asked.span.first_day = *from;
        asked.number = static_cast<int>(number);
        return true;
    }
    default: {
        if (!take_number(exchange, "nights", 1, options_.max_days, &number))
            return false;
        asked.number = static_cast<int>(number);
        if (query_.get("to"))
            return take_stay(exchange, "from", "to");
        const auto from = parse_date(query_.get("from").value_or(""));
        if (!from || *from < kFirstDay || *from >= kEndDay)
            return refuse_parameter(exchange, "from", "must be a date, yyyy-mm-dd, from 1970-01-01 to 2149-06-06");
        asked.span = {*from, std::min(kEndDay, *from + options_.max_days)};
        return true;
    }
    }
}

void Api::answer_listing(Exchange& exchange, const reader::Answer& answer) {
    exchange.source = static_cast<std::int8_t>(answer.source);
    exchange.stale = answer.stale;
    if (answer.outcome != reader::Answer::Outcome::kFound)
        return refuse_answer(exchange, answer);
    Reply reply;
    reply.cache_control = "no-cache";
    etag_.clear();
    append_etag(static_cast<std::uint64_t>(answer.version), &etag_);
    reply.etag = etag_;
    if (matches(exchange.request.if_none_match, etag_)) {
        reply.status = 304;
        return exchange.finish(reply);
    }
    const Exchange::Asked& asked = exchange.asked;
    std::string& out = exchange.body;
    out.assign("{\"listing\":");
    append_listing(asked.listing, asked.is_text, &out);
    switch (exchange.route) {
    case Route::kAvailability:
        out.append(answer.calendar.overlaps(asked.span) ? ",\"available\":false,\"taken\":"
                                                        : ",\"available\":true,\"taken\":");
        append_ranges(answer.calendar, asked.span, &out);
        break;
    case Route::kCalendar:
        out.append(",\"booked\":");
        append_ranges(answer.calendar, asked.span, &out);
        break;
    case Route::kMonths:
        out.append(",\"months\":");
        append_months(answer.calendar, asked.span.first_day, asked.number, &out);
        break;
    default: {
        out.append(",\"gap\":");
        const DaySpan gap = answer.calendar.next_gap(asked.span, asked.number);
        if (gap.empty()) {
            out.append("null");
        } else {
            out.push_back('[');
            append_date(gap.first_day, &out);
            out.push_back(',');
            append_date(gap.end_day, &out);
            out.push_back(']');
        }
    }
    }
    append_meta(answer.source, answer.as_of, answer.stale, &out);
    out.append(",\"version\":");
    append_number(answer.version, &out);
    out.push_back('}');
    exchange.finish(reply);
}

void Api::refuse_answer(Exchange& exchange, const reader::Answer& answer) {
    if (answer.outcome == reader::Answer::Outcome::kNoListing) {
        std::string more;
        append_meta(answer.source, answer.as_of, answer.stale, &more);
        Problem problem{404, "no-listing", "There is no such listing"};
        problem.more = more;
        return refuse(exchange, problem);
    }
    exchange.source = -1;
    Problem problem{503, "unavailable", "Nobody can tell at the moment", answer.reason};
    problem.retry_after = 1;
    refuse(exchange, problem);
}

void Api::events(Exchange& exchange) {
    const auto list = query_.get("listing");
    if (!take_listings(exchange, list.value_or("")) || !end_query(exchange))
        return;
    std::vector<reader::OwnedListing> listings;
    for (const std::string& name : exchange.asked.listings) {
        reader::Listing listing;
        listing.table = table_;
        if (!key_of(exchange, name, &listing.key))
            return;
        listings.emplace_back(listing);
    }
    events_.subscribe(exchange, table_, std::move(listings));
}

} // namespace availability::service

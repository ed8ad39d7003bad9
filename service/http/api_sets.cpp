// Questions about many listings.

#include "service/http/api.hpp"
#include "service/http/body.hpp"
#include "service/http/meta.hpp"
#include "service/http/response.hpp"

namespace availability::service {

namespace {

// FNV-1a, 64 bits.
void mix(std::string_view bytes, std::uint64_t* hash) {
    for (const char byte : bytes)
        *hash = (*hash ^ static_cast<unsigned char>(byte)) * 1099511628211ULL;
}
constexpr std::uint64_t kHashStart = 14695981039346656037ULL;

void append_one(const std::string& name, bool is_text, const reader::Answer& answer, DaySpan stay, std::string* out) {
    out->append("{\"listing\":");
    append_listing(name, is_text, out);
    switch (answer.outcome) {
    case reader::Answer::Outcome::kFound:
        out->append(answer.calendar.overlaps(stay) ? ",\"available\":false,\"taken\":"
                                                   : ",\"available\":true,\"taken\":");
        append_ranges(answer.calendar, stay, out);
        append_meta(answer.source, answer.as_of, answer.stale, out);
        out->append(",\"version\":");
        append_number(answer.version, out);
        break;
    case reader::Answer::Outcome::kNoListing:
        out->append(",\"available\":null,\"reason\":\"no-listing\"");
        append_meta(answer.source, answer.as_of, answer.stale, out);
        break;
    case reader::Answer::Outcome::kUnavailable:
        out->append(",\"available\":null,\"reason\":\"unavailable\"");
    }
    out->push_back('}');
}

} // namespace

bool Api::take_body_of_many(Exchange& exchange, std::string* check_in, std::string* check_out) {
    if (!is_json(exchange.request.content_type)) {
        refuse(exchange, {415, "not-json", "The body must be application/json"});
        return false;
    }
    Body body;
    const std::string error = parse_body(exchange.request.body, " listings check_in check_out ", &body);
    if (!error.empty()) {
        refuse(exchange, {400, "invalid-body", "The body is not what it must be", error});
        return false;
    }
    if (body.listings.size() > options_.max_listings)
        return refuse_parameter(exchange, "listings", "must be at most " + std::to_string(options_.max_listings));
    exchange.asked.listings = std::move(body.listings);
    *check_in = std::move(body.check_in);
    *check_out = std::move(body.check_out);
    return true;
}

void Api::read_many(Exchange& exchange) {
    std::string check_in;
    std::string check_out;
    if (exchange.request.method == Method::kPost) {
        if (!take_body_of_many(exchange, &check_in, &check_out) || !end_query(exchange) ||
            !check_stay(exchange, check_in, check_out, "check_in", "check_out"))
            return;
    } else if (!take_listings(exchange, query_.get("listings").value_or("")) ||
               !take_stay(exchange, "check_in", "check_out") || !end_query(exchange)) {
        return;
    }
    if (exchange.asked.listings.empty()) {
        refuse_parameter(exchange, "listings", "must name at least one");
        return;
    }
    listings_.clear();
    for (const std::string& name : exchange.asked.listings) {
        reader::Listing listing;
        listing.table = table_;
        if (!key_of(exchange, name, &listing.key))
            return;
        listings_.push_back(listing);
    }
    exchange.asked.is_text = listings_[0].key.kind == reader::Key::Kind::kText;
    ++waiting_;
    backend_.read_many(listings_, read_options_, [this, exchange = &exchange](const std::vector<reader::Answer>& all) {
        --waiting_;
        answer_many(*exchange, all);
    });
}

void Api::answer_many(Exchange& exchange, const std::vector<reader::Answer>& answers) {
    const auto& names = exchange.asked.listings;
    std::uint64_t hash = kHashStart;
    bool told = false;
    for (const reader::Answer& answer : answers) {
        const std::int64_t of_one[] = {answer.version, static_cast<std::int64_t>(answer.outcome)};
        mix({reinterpret_cast<const char*>(of_one), sizeof(of_one)}, &hash);
        exchange.stale |= answer.stale;
        told |= answer.outcome != reader::Answer::Outcome::kUnavailable;
        exchange.source = std::max(exchange.source, static_cast<std::int8_t>(answer.source));
    }
    if (!told || answers.size() != names.size())
        return refuse_answer(exchange, answers.empty() ? reader::Answer() : answers[0]);
    Reply reply;
    if (exchange.request.method != Method::kPost) {
        reply.cache_control = "no-cache";
        etag_.clear();
        append_etag(hash, &etag_);
        reply.etag = etag_;
        if (matches(exchange.request.if_none_match, etag_)) {
            reply.status = 304;
            return exchange.finish(reply);
        }
    }
    exchange.body.assign("{\"listings\":[");
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (i > 0)
            exchange.body.push_back(',');
        append_one(names[i], exchange.asked.is_text, answers[i], exchange.asked.span, &exchange.body);
    }
    exchange.body.append("]}");
    exchange.finish(reply);
}

void Api::search(Exchange& exchange) {
    const auto kind = backend_.kind_of_listings(table_);
    if (!kind)
        return refuse_unknown_table(exchange);
    reader::SetQuery query;
    query.table = table_;
    std::int64_t number = 0;
    if (query_.get("nights")) {
        if (!take_number(exchange, "nights", 1, options_.max_days, &number) || !take_stay(exchange, "from", "to"))
            return;
        query.nights = static_cast<int>(number);
        if (query.nights > exchange.asked.span.days()) {
            refuse_parameter(exchange, "nights", "must fit between from and to");
            return;
        }
    } else if (!take_stay(exchange, "check_in", "check_out")) {
        return;
    }
    query.from = exchange.asked.span.first_day;
    query.to = exchange.asked.span.end_day;
    if (query_.get("limit")) {
        if (!take_number(exchange, "limit", 1, options_.max_limit, &number))
            return;
        query.limit = static_cast<std::size_t>(number);
    }
    query.limit = std::min(query.limit, static_cast<std::size_t>(options_.max_limit));
    const auto among = query_.get("among");
    const auto after = query_.get("after");
    if (!take_listings(exchange, among.value_or("")))
        return;
    if (among && exchange.asked.listings.empty()) {
        refuse_parameter(exchange, "among", "must name at least one");
        return;
    }
    for (const std::string& name : exchange.asked.listings) {
        query.among.emplace_back();
        if (!key_of(exchange, name, &query.among.back()))
            return;
    }
    exchange.asked.listing = after.value_or("");
    if ((after && !key_of(exchange, exchange.asked.listing, &query.after)) || !end_query(exchange))
        return;
    exchange.asked.is_text = kind == reader::Key::Kind::kText;
    ++waiting_;
    backend_.search(std::move(query), read_options_, [this, exchange = &exchange](const reader::SetAnswer& answer) {
        --waiting_;
        answer_search(*exchange, answer);
    });
}

void Api::answer_search(Exchange& exchange, const reader::SetAnswer& answer) {
    if (!answer.available) {
        reader::Answer nothing;
        nothing.reason = answer.reason;
        return refuse_answer(exchange, nothing);
    }
    exchange.source = static_cast<std::int8_t>(answer.source);
    exchange.stale = answer.stale;
    std::uint64_t hash = kHashStart;
    for (const std::string& listing : answer.listings) {
        mix(listing, &hash);
        mix(",", &hash);
    }
    mix(std::to_string(answer.count), &hash);
    Reply reply;
    reply.cache_control = "no-cache";
    etag_.clear();
    append_etag(hash, &etag_);
    reply.etag = etag_;
    if (matches(exchange.request.if_none_match, etag_)) {
        reply.status = 304;
        return exchange.finish(reply);
    }
    std::string& out = exchange.body;
    out.assign("{\"listings\":[");
    for (const std::string& listing : answer.listings) {
        if (out.back() != '[')
            out.push_back(',');
        append_listing(listing, exchange.asked.is_text, &out);
    }
    out.append("],\"count\":");
    append_number(static_cast<std::int64_t>(answer.count), &out);
    out.append(answer.more ? ",\"more\":true" : ",\"more\":false");
    append_meta(answer.source, answer.as_of, answer.stale, &out);
    out.push_back('}');
    exchange.finish(reply);
}

} // namespace availability::service

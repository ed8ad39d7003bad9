#include "service/http/events.hpp"

#include "service/http/meta.hpp"
#include "service/http/response.hpp"

namespace availability::service {

using reader::Answer;
using reader::OwnedListing;

namespace {

constexpr std::chrono::seconds kAgeInterval(1);
// For the calendars that a client is told at first.
constexpr std::chrono::seconds kReadDeadline(5);

std::string text_of(const OwnedListing& listing) {
    return listing.is_text ? listing.text : std::to_string(listing.number);
}

void begin_calendar(const OwnedListing& listing, std::int64_t version, std::string* out) {
    out->append("event: calendar\nid: ");
    append_number(version, out);
    out->append("\ndata: {\"listing\":");
    append_listing(text_of(listing), listing.is_text, out);
}

void end_calendar(std::int64_t version, const DaysetView& calendar, std::string* out) {
    out->append(",\"version\":");
    append_number(version, out);
    out->append(",\"booked\":");
    append_ranges(calendar, {kFirstDay, kEndDay}, out);
}

std::string calendar_event(const OwnedListing& listing, const Answer& answer) {
    std::string out;
    begin_calendar(listing, answer.version, &out);
    if (answer.outcome == Answer::Outcome::kNoListing)
        out.append(",\"dropped\":true");
    else
        end_calendar(answer.version, answer.calendar, &out);
    append_meta(answer.source, answer.as_of, answer.stale, &out);
    out.append("}\n\n");
    return out;
}

std::string change_event(const OwnedListing& listing, const reader::Change& change) {
    std::string out;
    DaysetView calendar;
    begin_calendar(listing, change.version, &out);
    if (change.kind == relay::EventKind::kDropped)
        out.append(",\"dropped\":true");
    else if (DaysetView::open(change.booked.data(), change.booked.size(), &calendar))
        end_calendar(change.version, calendar, &out);
    out.append(",\"change\":\"").append(relay::word_of(change.kind)).append("\",\"at\":");
    append_time(change.at, &out);
    append_meta(reader::Source::kReplica, change.at, false, &out);
    out.append("}\n\n");
    return out;
}

} // namespace

Events::Events(boost::asio::io_context& io, std::size_t most, std::function<Freshness()> freshness)
    : most_(most), freshness_(std::move(freshness)), timer_(io) {}

void Events::start() {
    tick();
}

void Events::stop() {
    timer_.cancel();
    const auto all = std::move(subscribers_);
    subscribers_.clear();
    for (const SubscriberPtr& subscriber : all)
        subscriber->stream->end();
}

void Events::subscribe(Exchange& exchange, std::uint16_t table, std::vector<OwnedListing> listings) {
    if (subscribers_.size() >= most_) {
        Problem problem{503, "overloaded", "Too many clients look on"};
        problem.retry_after = 5;
        return refuse(exchange, problem);
    }
    auto subscriber = std::make_shared<Subscriber>();
    subscriber->table = table;
    subscriber->listings = std::move(listings);
    subscriber->stream = exchange.begin_events([subscriber = subscriber.get()] { subscriber->gone = true; });
    if (subscriber->gone)
        return;
    subscribers_.push_back(subscriber);
    send(*subscriber, "retry: 2000\n\n");
    tell_calendars(subscriber);
}

void Events::send(Subscriber& subscriber, std::string_view bytes) {
    ++sent_;
    if (!subscriber.gone && !subscriber.stream->send(bytes))
        subscriber.gone = true;
}

void Events::sweep() {
    subscribers_.remove_if([](const SubscriberPtr& subscriber) { return subscriber->gone; });
}

void Events::tell_calendars(const SubscriberPtr& subscriber) {
    reader::ReadOptions options;
    options.deadline = reader::Clock::now() + kReadDeadline;
    for (const OwnedListing& listing : subscriber->listings)
        backend_->read(listing.view(), options, [this, subscriber, listing](const Answer& answer) {
            if (answer.outcome != Answer::Outcome::kUnavailable)
                send(*subscriber, calendar_event(listing, answer));
        });
}

void Events::replaced() {
    sweep();
    const auto all = subscribers_;
    for (const SubscriberPtr& subscriber : all)
        if (subscriber->listings.empty())
            send(*subscriber, "event: reset\ndata: {}\n\n");
        else
            tell_calendars(subscriber);
}

void Events::changed(const reader::Change& change) {
    if (subscribers_.empty())
        return;
    if (change.listing.key.empty())
        return replaced();
    const OwnedListing listing(change.listing);
    // What could not be read is not told, but asked for.
    const bool unreadable = change.kind == relay::EventKind::kUnreadable;
    std::string event;
    for (const SubscriberPtr& subscriber : subscribers_) {
        if (subscriber->gone || subscriber->table != listing.table)
            continue;
        bool wanted = subscriber->listings.empty();
        for (const OwnedListing& asked : subscriber->listings)
            wanted |= asked == listing;
        if (!wanted)
            continue;
        if (unreadable) {
            if (!subscriber->listings.empty())
                tell_calendars(subscriber);
            continue;
        }
        if (event.empty())
            event = change_event(listing, change);
        send(*subscriber, event);
    }
}

void Events::tick() {
    sweep();
    if (!subscribers_.empty()) {
        const Freshness freshness = freshness_();
        std::string event = "event: age\ndata: {\"as_of\":";
        append_time(freshness.as_of, &event);
        event.append(",\"age_ms\":");
        if (freshness.as_of > 0)
            append_number(age_ms(freshness.as_of), &event);
        else
            event.append("null");
        event.append(freshness.streaming ? ",\"streaming\":true}\n\n" : ",\"streaming\":false}\n\n");
        for (const SubscriberPtr& subscriber : subscribers_)
            send(*subscriber, event);
    }
    timer_.expires_after(kAgeInterval);
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error)
            tick();
    });
}

} // namespace availability::service

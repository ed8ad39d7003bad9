#include "relay/redis_reader.hpp"

#include <algorithm>

#include "relay/redis/command.hpp"
#include "relay/sinks.hpp"

namespace availability::relay {

namespace {

redis::ClientOptions client_options(const redis::RedisOptions& options, boost::asio::ssl::context* tls) {
    redis::ClientOptions client = options.client;
    client.connection.tls = tls;
    return client;
}

} // namespace

bool shows(const CachedListing& cached, std::string_view booked) {
    if (cached.kind == CachedListing::Kind::kCalendar)
        return cached.booked == booked;
    DaysetView view;
    if (cached.kind != CachedListing::Kind::kMonths || !DaysetView::open(booked.data(), booked.size(), &view))
        return false;
    return std::all_of(cached.months.begin(), cached.months.end(),
                       [&](const auto& month) { return layout::month_bits(view, month.first) == month.second; });
}

RedisReader::RedisReader(boost::asio::io_context& io, const Settings& settings)
    : options_(redis_options(settings)), prefixes_(settings.redis_key_prefixes), tls_(redis::make_tls(options_)),
      client_(io, client_options(options_, tls_.get()), this) {
    client_.start();
}

RedisReader::~RedisReader() {
    client_.stop();
}

std::string RedisReader::key_of(const ListingName& name) const {
    std::string key;
    layout::append_listing_key(prefixes_[name.table], name.key().str(), &key);
    return key;
}

void RedisReader::read(std::vector<ListingName> listings, Done done) {
    listings_ = std::move(listings);
    cached_.assign(listings_.size(), {});
    done_ = std::move(done);
    left_ = listings_.size() + 1; // one for this call
    for (std::size_t i = 0; i < listings_.size(); ++i) {
        std::string key = key_of(listings_[i]);
        const std::uint16_t slot = redis::slot_of(key);
        if (options_.keys.layout == layout::Layout::kMonths)
            key += layout::kVersionSuffix;
        auto request =
            redis::call(redis::command("GET", key), [this, i](const redis::Reply* reply, std::string_view reason) {
                take_entry(i, reply, reason);
            });
        request->slot = slot;
        client_.submit(std::move(request));
    }
    one_done();
}

void RedisReader::one_done() {
    if (--left_ == 0)
        std::exchange(done_, nullptr)(std::move(cached_));
}

void RedisReader::take_entry(std::size_t index, const redis::Reply* reply, std::string_view reason) {
    CachedListing& cached = cached_[index];
    layout::Entry entry;
    if (reply == nullptr || reply->is_error()) {
        cached.kind = CachedListing::Kind::kFailed;
        cached.problem =
            reply != nullptr ? reply->text : std::string(reason) + (trouble_.empty() ? "" : ": " + trouble_);
    } else if (reply->type == redis::Reply::Type::kString) {
        if (const char* problem = layout::read_entry(options_.keys.layout, reply->text, &entry)) {
            cached.kind = CachedListing::Kind::kBroken;
            cached.problem = problem;
        } else {
            cached.stamp = entry.stamp;
            switch (entry.kind) {
            case layout::Entry::Kind::kTombstone:
                cached.kind = CachedListing::Kind::kTombstone;
                break;
            case layout::Entry::Kind::kLease:
                cached.kind = CachedListing::Kind::kLease;
                break;
            case layout::Entry::Kind::kCalendar:
                cached.kind = CachedListing::Kind::kCalendar;
                cached.booked = std::string(entry.booked);
                break;
            case layout::Entry::Kind::kMonths:
                cached.kind = CachedListing::Kind::kMonths;
                return read_months(index, entry);
            }
        }
    }
    one_done();
}

// The version is read before the months, so that an event between shows as newer days under an older version; who
// compares asks twice.
void RedisReader::read_months(std::size_t index, const layout::Entry& entry) {
    std::vector<layout::Month> months;
    const std::string key = key_of(listings_[index]);
    std::string wire;
    for (layout::Month month = entry.first_month; month < entry.first_month + layout::kMaxMonths; ++month)
        if (entry.has_month(month))
            months.push_back(month);
    if (months.empty())
        return one_done();
    redis::Command command(&wire, months.size() + 1);
    command.add("MGET");
    for (const layout::Month month : months) {
        std::string name = key;
        layout::append_month(month, &name);
        command.add(name);
    }
    auto request =
        redis::call(std::move(wire), [this, index, months](const redis::Reply* reply, std::string_view reason) {
            CachedListing& cached = cached_[index];
            if (reply == nullptr || reply->is_error() || reply->elements.size() != months.size()) {
                cached.kind = CachedListing::Kind::kFailed;
                cached.problem = reply != nullptr ? reply->text : std::string(reason);
                return one_done();
            }
            for (std::size_t i = 0; i < months.size(); ++i) {
                layout::MonthBits bits;
                if (reply->elements[i].type != redis::Reply::Type::kString)
                    continue; // expired: a miss
                if (layout::read_month(reply->elements[i].text, months[i], &bits))
                    cached.months.emplace_back(months[i], bits);
                else
                    cached.kind = CachedListing::Kind::kBroken;
            }
            one_done();
        });
    request->slot = redis::slot_of(key);
    client_.submit(std::move(request));
}

void RedisReader::remove(const ListingName& listing, const CachedListing& cached, std::function<void(bool)> done) {
    const std::string key = key_of(listing);
    std::string wire;
    redis::Command command(&wire, 2 + cached.months.size());
    command.add("UNLINK").add(
        options_.keys.layout == layout::Layout::kMonths ? key + std::string(layout::kVersionSuffix) : key);
    for (const auto& [month, bits] : cached.months) {
        std::string name = key;
        layout::append_month(month, &name);
        command.add(name);
    }
    auto request = redis::call(std::move(wire), [done = std::move(done)](const redis::Reply* reply, std::string_view) {
        done(reply != nullptr && !reply->is_error());
    });
    request->slot = redis::slot_of(key);
    client_.submit(std::move(request));
}

} // namespace availability::relay

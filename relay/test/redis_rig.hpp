// A Redis sink with a relay of its own that plays events: what the database has is a model, and Redis is compared with
// it.
#pragma once

#include <map>
#include <random>
#include <set>

#include <boost/asio/io_context.hpp>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <spdlog/spdlog.h>

#include "relay/redis/redis_sink.hpp"
#include "relay/test/fake_feed.hpp"
#include "relay/test/redis_server.hpp"

namespace test {

using availability::layout::Entry;
using availability::layout::Layout;
using availability::relay::redis::RedisOptions;
using availability::relay::redis::RedisSink;
namespace redis = availability::relay::redis;
namespace layout = availability::layout;

inline const std::string kPrefix = "avail:v3:";

inline Day today() {
    return static_cast<Day>(std::time(nullptr) / 86400);
}

inline std::string listing_key(const std::string& listing) {
    std::string key;
    layout::append_listing_key(kPrefix, listing, &key);
    return key;
}

// Calendars by listing, with what the database would say of each change.
class Model {
  public:
    struct Calendar {
        std::int64_t version = 0;
        std::string booked; // stored bytes; empty when dropped
    };

    // Changes a listing and makes its event.
    void change(std::int64_t listing, BatchMaker* batch, std::mt19937* random) {
        Calendar& calendar = calendars[listing];
        const Calendar before = calendar;
        calendar.version = ++version;
        if (!before.booked.empty() && (*random)() % 50 == 0) {
            calendar.booked.clear();
            batch->add(EventKind::kDropped, Key::of(listing), version, stored_bytes({}));
            return;
        }
        const Day day = today() + static_cast<Day>((*random)() % 500);
        DaysetView view;
        if (!before.booked.empty())
            DaysetView::open(before.booked.data(), before.booked.size(), &view);
        Dayset set(view);
        if ((*random)() % 3 == 0)
            set.remove({day, day + 40});
        else
            set.add({day, day + 1 + static_cast<Day>((*random)() % 6)});
        calendar.booked.assign(set.stored_size(), '\0');
        set.write(calendar.booked.data());
        if (before.booked.empty())
            batch->add(EventKind::kReset, Key::of(listing), version, calendar.booked);
        else
            batch->add(EventKind::kUpdated, Key::of(listing), version, calendar.booked, before.version, before.booked);
    }
    // All calendars, as a new epoch gives them.
    void give_all(Epoch epoch, FakeFeed* feed) const {
        auto batch = std::make_unique<BatchMaker>(epoch);
        for (const auto& [listing, calendar] : calendars) {
            if (calendar.booked.empty())
                batch->add(EventKind::kDropped, Key::of(listing), calendar.version, stored_bytes({}));
            else
                batch->add(EventKind::kCalendar, Key::of(listing), calendar.version, calendar.booked);
            if (batch->size() == 256) {
                feed->push(batch->take());
                batch = std::make_unique<BatchMaker>(epoch);
            }
        }
        feed->push(batch->take());
    }

    std::map<std::int64_t, Calendar> calendars;
    std::int64_t version = 1000;
};

class Rig {
  public:
    explicit Rig(RedisOptions options) : layout_(options.keys.layout) {
        spdlog::set_level(std::getenv("RELAY_TEST_LOG") != nullptr ? spdlog::level::debug : spdlog::level::off);
        options.record_interval = std::chrono::milliseconds(50);
        sink =
            std::make_unique<RedisSink>(std::move(options), availability::relay::SinkContext{io, registry, {kPrefix}});
        sink->start(&feed);
    }
    static RedisOptions options(const std::vector<std::string>& nodes, bool cluster = false,
                                Layout layout = Layout::kCalendar) {
        RedisOptions options;
        for (const std::string& node : nodes)
            options.client.nodes.push_back(*redis::parse_endpoint(node));
        options.client.cluster = cluster;
        options.client.connection.timeout = std::chrono::milliseconds(1000);
        options.client.request_deadline = std::chrono::milliseconds(3000);
        options.keys.layout = layout;
        return options;
    }
    ~Rig() {
        if (!sink)
            return;
        bool done = false;
        sink->stop([&] { done = true; });
        run_until([&] { return done; }, "the sink to stop");
    }

    void begin_epoch(bool known = false) {
        if (!known)
            epoch++;
        feed.demands.clear();
        feed.clear();
        sink->begin_epoch(epoch, known);
    }
    // As the relay does when one is demanded: everything anew.
    void begin_epoch_with_all() {
        begin_epoch();
        model.give_all(epoch, &feed);
        sink->wake();
    }
    // Changes of random listings, in batches.
    void change(int changes, int listings) {
        while (changes > 0) {
            BatchMaker batch(epoch);
            for (unsigned size = 1 + random() % 100; size > 0 && changes > 0; size--, changes--)
                model.change(static_cast<std::int64_t>(random() % static_cast<unsigned>(listings)), &batch, &random);
            feed.push(batch.take());
        }
        sink->wake();
    }
    bool run_until(const std::function<bool()>& condition, const char* what, int seconds = 60) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) {
                std::printf("# waited too long for %s (problem: %s)\n", what, feed.problem.c_str());
                return false;
            }
            io.run_one_for(std::chrono::milliseconds(20));
            if (io.stopped())
                io.restart();
        }
        return true;
    }
    bool run_until_applied() {
        return run_until([this] { return feed.idle(); }, "all to be applied");
    }
    // What a counter or gauge stands at, by the text of its sample, "name{label=\"value\"}".
    double metric(const std::string& sample) {
        const std::string text = prometheus::TextSerializer().Serialize(registry.Collect());
        const std::size_t at = text.find("\n" + sample + " ");
        return at == std::string::npos ? -1 : std::atof(text.c_str() + at + sample.size() + 2);
    }

    // Whether Redis has what the model has; `get` answers GET of a key.
    bool agrees(const std::function<std::string(const std::string&)>& get) {
        for (const auto& [listing, calendar] : model.calendars)
            if (!agrees(get, listing, calendar))
                return false;
        return true;
    }

    boost::asio::io_context io;
    prometheus::Registry registry;
    FakeFeed feed;
    std::unique_ptr<RedisSink> sink;
    Model model;
    Epoch epoch = 100;
    std::mt19937 random{1};

  private:
    bool agrees(const std::function<std::string(const std::string&)>& get, std::int64_t listing,
                const Model::Calendar& calendar) {
        const std::string key = listing_key(std::to_string(listing));
        const std::string bytes = get(layout_ == Layout::kCalendar ? key : key + std::string(layout::kVersionSuffix));
        Entry entry;
        const char* problem = layout::read_entry(layout_, bytes, &entry);
        const layout::Stamp stamp{epoch, calendar.version};
        const bool dropped = calendar.booked.empty();
        if (problem == nullptr && entry.stamp == stamp && dropped && entry.kind == Entry::Kind::kTombstone)
            return true;
        if (problem == nullptr && entry.stamp == stamp && !dropped && entry.kind == Entry::Kind::kCalendar &&
            entry.booked == calendar.booked)
            return true;
        if (problem == nullptr && entry.stamp == stamp && !dropped && entry.kind == Entry::Kind::kMonths &&
            months_agree(get, key, entry, calendar))
            return true;
        std::printf("# listing %lld: %s, epoch %llu of %llu, version %lld of %lld%s\n", static_cast<long long>(listing),
                    problem == nullptr ? "read" : problem, static_cast<unsigned long long>(entry.stamp.epoch),
                    static_cast<unsigned long long>(epoch), static_cast<long long>(entry.stamp.version),
                    static_cast<long long>(calendar.version), dropped ? ", dropped" : "");
        return false;
    }
    // Every month of the window is there and right.
    bool months_agree(const std::function<std::string(const std::string&)>& get, const std::string& key,
                      const Entry& entry, const Model::Calendar& calendar) {
        DaysetView view;
        DaysetView::open(calendar.booked.data(), calendar.booked.size(), &view);
        for (layout::Month month = layout::month_number(today()); month < layout::month_number(today()) + 18; month++) {
            std::string month_key = key;
            layout::append_month(month, &month_key);
            const std::string bytes = get(month_key);
            layout::MonthBits bits;
            if (!entry.has_month(month) || !layout::read_month(bytes, month, &bits) ||
                bits != layout::month_bits(view, month)) {
                std::printf("# %s: another month, mask %x from %d\n", month_key.c_str(), entry.mask, entry.first_month);
                return false;
            }
        }
        return true;
    }

    Layout layout_;
};

} // namespace test

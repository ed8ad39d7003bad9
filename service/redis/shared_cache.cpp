#include "service/redis/shared_cache.hpp"

#include <algorithm>
#include <map>

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "relay/clock.hpp"
#include "relay/redis/backoff.hpp"
#include "relay/redis/command.hpp"
#include "relay/redis/scripts.hpp"
#include "service/redis/batch.hpp"
#include "service/redis/entries.hpp"

namespace availability::shared_cache {

namespace asio = boost::asio;
namespace redis = relay::redis;
using database::Breaker;
using layout::Layout;
using reader::Clock;
using reader::Fill;
using reader::OwnedListing;
using reader::TierAnswer;
using redis::ErrorKind;
using redis::Reply;
using Kind = TierAnswer::Kind;
using namespace std::chrono_literals;

namespace {

constexpr auto kFillDeadline = 500ms;
// How long one reader may take to bring months that an entry lacks.
constexpr std::int64_t kCoalesceLife = 2000;

Day today() {
    return static_cast<Day>(relay::now_us() / 86400000000);
}

} // namespace

struct RedisCache::Impl : std::enable_shared_from_this<RedisCache::Impl>, redis::ClientListener {
    Impl(asio::io_context& io, Options given)
        : io(io), options(with_scripts(std::move(given))), client(io, options.client, this) {}

    static Options with_scripts(Options options) {
        options.client.connection.scripts = {std::string(layout::source_of(layout::Script::kLease)),
                                             std::string(layout::source_of(layout::Script::kFillCalendar)),
                                             std::string(layout::source_of(layout::Script::kFillMonths))};
        return options;
    }

    // --- the client's listener ---------------------------------------------------------------------------------------

    void identified(const std::string& node, const redis::Identity&) override {
        if (!last_trouble.empty())
            spdlog::info("redis: {} answers", node);
        last_trouble.clear();
    }
    void map_changed() override {
        std::map<std::string, Breaker> kept;
        for (const redis::Master& master : client.masters()) {
            const auto found = breakers.find(master.name);
            kept.emplace(master.name, found != breakers.end() ? found->second : Breaker(options.breaker));
        }
        breakers.swap(kept);
    }
    void trouble(const std::string& what) override {
        if (last_trouble.empty())
            spdlog::warn("redis: {}", what);
        last_trouble = what;
    }

    // --- reading -----------------------------------------------------------------------------------------------------

    void read(std::vector<OwnedListing> listings, bool lease, Clock::time_point deadline, reader::TierAnswered done) {
        const auto batch = std::make_shared<Batch>(io);
        const std::size_t count = listings.size();
        batch->listings = std::move(listings);
        batch->keys.resize(count);
        batch->answers.resize(count);
        batch->verdicts.resize(count, Verdict::kBroken);
        batch->lease = lease;
        batch->deadline = std::min(deadline, Clock::now() + options.timeout);
        batch->done = std::move(done);
        const bool too_many = under_way + count > options.max_under_way;
        under_way += count;
        if (too_many) {
            for (TierAnswer& answer : batch->answers)
                answer.reason = "too many reads wait for Redis";
        } else {
            make_groups(*batch);
            batch->timer.expires_at(batch->deadline);
            batch->timer.async_wait([self = shared_from_this(), batch](const boost::system::error_code& error) {
                if (!error && !batch->finished)
                    self->timed_out(batch);
            });
        }
        batch->left = 1; // this call
        for (std::size_t i = 0; i < batch->groups.size(); i++)
            ask(batch, i);
        answered(batch);
    }

    void make_groups(Batch& batch) {
        for (std::size_t i = 0; i < batch.listings.size(); i++) {
            const OwnedListing& listing = batch.listings[i];
            if ((options.layout == Layout::kMonths && !options.partial) || listing.table >= options.tables.size() ||
                !append_key(options.tables[listing.table], listing, &batch.keys[i])) {
                batch.answers[i].kind = Kind::kMiss; // there can't be an entry of it, or none that tells all
                continue;
            }
            const Table& table = options.tables[listing.table];
            const std::string_view node = client.master_of(redis::slot_of(batch.keys[i]));
            auto group = std::find_if(batch.groups.begin(), batch.groups.end(), [&](const Group& each) {
                return each.node == node && each.record_prefix == table.record_prefix;
            });
            if (group == batch.groups.end()) {
                group = batch.groups.insert(batch.groups.end(), Group());
                group->node = node;
                group->record_prefix = table.record_prefix;
            }
            group->places.push_back(i);
        }
    }

    void ask(const BatchPtr& batch, std::size_t index) {
        Group& group = batch->groups[index];
        const auto breaker = breakers.find(group.node);
        if (breaker == breakers.end() || !client.is_connected_to(group.node))
            return fail(*batch, group, "no connection to Redis");
        group.ticket = breaker->second.admit(Clock::now());
        if (!group.ticket)
            return fail(*batch, group, "Redis has not been answering");
        const std::string record = record_key(group);
        const Window window = Window::at(today(), options.months);
        if (!client.is_cluster() && options.layout == Layout::kCalendar) {
            std::string wire;
            redis::Command command(&wire, 2 + group.places.size());
            command.add("MGET").add(record);
            for (const std::size_t place : group.places)
                command.add(batch->keys[place]);
            expect(batch, group, 1);
            return send(batch, index, std::move(wire),
                        [this, batch, index](const Reply& reply) { take_all(*batch, batch->groups[index], reply); });
        }
        expect(batch, group, 1 + group.places.size());
        send(batch, index, redis::command("GET", record),
             [this, batch, index](const Reply& reply) { take_record(batch->groups[index], reply); });
        for (const std::size_t place : group.places) {
            std::string wire;
            if (options.layout == Layout::kCalendar) {
                wire = redis::command("GET", batch->keys[place]);
            } else {
                std::vector<std::string> keys;
                append_read_keys(options.layout, window, batch->keys[place], &keys);
                redis::Command command(&wire, 1 + keys.size());
                command.add("MGET"); // one command, so that all months are of one moment
                for (const std::string& key : keys)
                    command.add(key);
            }
            send(batch, index, std::move(wire), [this, batch, index, place, window](const Reply& reply) {
                take_entry(*batch, batch->groups[index], place, window, reply);
            });
        }
    }

    static void expect(const BatchPtr& batch, Group& group, std::size_t answers) {
        group.unanswered = answers;
        batch->left += answers;
    }

    // To the group's master and no other: the order on the connection is what the record's promise rests on.
    template <typename Take>
    void send(const BatchPtr& batch, std::size_t index, std::string wire, Take take) {
        const auto self = shared_from_this();
        client.submit_to(
            batch->groups[index].node,
            redis::call(std::move(wire), [self, batch, index, take](const Reply* reply, std::string_view reason) {
                if (batch->finished)
                    return;
                Group& group = batch->groups[index];
                if (reply == nullptr)
                    self->fail(*batch, group, std::string(reason));
                else
                    take(*reply);
                if (--group.unanswered == 0)
                    self->settle(group);
                self->answered(batch);
            }));
    }

    std::string record_key(const Group& group) const {
        std::string key;
        for (const redis::Master& master : client.masters())
            if (master.name == group.node)
                layout::append_record_key(group.record_prefix, redis::tag_of_slot(master.lowest_slot), &key);
        return key;
    }

    void take_all(Batch& batch, Group& group, const Reply& reply) {
        if (reply.is_error() || reply.elements.size() != group.places.size() + 1)
            return fail(batch, group, reply.is_error() ? reply.text : "Redis answers what was not asked");
        take_record(group, reply.elements[0]);
        for (std::size_t i = 0; i < group.places.size(); i++)
            take_entry(batch, group, group.places[i], Window(), reply.elements[i + 1]);
    }

    void take_record(Group& group, const Reply& reply) {
        layout::Record record;
        if (reply.type == Reply::Type::kString && layout::read_record(reply.text, &record) == nullptr) {
            group.epoch = record.epoch;
            // The database's clock may have been ahead for a while, and as_of never goes back: no record is younger
            // than its writing.
            group.as_of = std::min(record.as_of, record.written);
        } else if (reply.is_error()) {
            refused(group, reply);
        }
    }

    // What Redis says instead of an answer. True: the entry is a miss all the same.
    bool refused(Group& group, const Reply& reply) {
        const ErrorKind kind = redis::read_error(reply.text).kind;
        if (kind == ErrorKind::kMoved || kind == ErrorKind::kAsk) {
            counters.redirected++;
            client.map_is_old();
            return true;
        }
        if (kind == ErrorKind::kWrongType)
            return true;
        group.failed = true;
        trouble(group.node + ": " + reply.text);
        return false;
    }

    void take_entry(Batch& batch, Group& group, std::size_t place, Window window, const Reply& reply) {
        TierAnswer& answer = batch.answers[place];
        Verdict& verdict = batch.verdicts[place];
        if (reply.is_error()) {
            if (refused(group, reply))
                answer.kind = Kind::kMiss; // not to be leased: verdict stays kBroken
            else
                answer.reason = reply.text;
            return;
        }
        answer.kind = Kind::kMiss;
        if (options.layout == Layout::kMonths)
            verdict = reply.type == Reply::Type::kArray
                          ? read_months(reply.elements.data(), reply.elements.size(), window, group.epoch, &answer)
                          : Verdict::kBroken;
        else if (reply.type == Reply::Type::kString)
            verdict = read_calendar(reply.text, group.epoch, &answer);
        else
            verdict = reply.type == Reply::Type::kNil ? Verdict::kNothing : Verdict::kBroken;
        if (group.epoch == 0) { // nothing says that anything holds good
            verdict = Verdict::kBroken;
            return;
        }
        count(verdict);
        if (verdict == Verdict::kFound || verdict == Verdict::kTombstone) {
            answer.kind = verdict == Verdict::kFound ? Kind::kFound : Kind::kNoListing;
            answer.as_of = group.as_of;
        } else {
            answer.epoch = group.epoch;
        }
    }

    void count(Verdict verdict) {
        counters.found += verdict == Verdict::kFound;
        counters.tombstones += verdict == Verdict::kTombstone;
        counters.misses +=
            verdict == Verdict::kNothing || verdict == Verdict::kIncomplete || verdict == Verdict::kLease;
        counters.other_epoch += verdict == Verdict::kOtherEpoch;
        counters.broken += verdict == Verdict::kBroken;
    }

    void fail(Batch& batch, Group& group, const std::string& reason) {
        group.failed = true;
        for (const std::size_t place : group.places)
            if (batch.answers[place].kind == Kind::kFailed)
                batch.answers[place].reason = reason;
    }

    // All that a master was asked has been answered, or its connection is gone.
    void settle(Group& group) {
        const auto breaker = breakers.find(group.node);
        if (breaker == breakers.end())
            return;
        const auto now = Clock::now();
        const auto trips = breaker->second.trips();
        if (group.failed)
            breaker->second.failed(group.ticket, now);
        else
            breaker->second.succeeded(group.ticket, now);
        counters.trips += breaker->second.trips() - trips;
    }

    void timed_out(const BatchPtr& batch) {
        counters.timeouts++;
        for (Group& group : batch->groups)
            if (group.unanswered > 0) {
                fail(*batch, group, "no answer from Redis in time");
                settle(group);
            }
        finish(batch);
    }

    void answered(const BatchPtr& batch) {
        if (--batch->left > 0 || batch->finished)
            return;
        if (std::exchange(batch->lease, false)) {
            batch->left = 1;
            for (Group& group : batch->groups)
                for (const std::size_t place : group.places)
                    take_lease(batch, group, place);
            return answered(batch);
        }
        finish(batch);
    }

    // Later, even if nothing had to be asked.
    void finish(const BatchPtr& batch) {
        batch->finished = true;
        batch->timer.cancel();
        under_way -= batch->answers.size();
        for (TierAnswer& answer : batch->answers) {
            counters.failed += answer.kind == Kind::kFailed;
            if (answer.kind == Kind::kFailed && answer.reason.empty())
                answer.reason = "Redis did not answer for this listing";
        }
        asio::post(io, [batch] { batch->done(std::move(batch->answers)); });
    }

    // --- leases and fills --------------------------------------------------------------------------------------------

    void take_lease(const BatchPtr& batch, const Group& group, std::size_t place) {
        TierAnswer& answer = batch->answers[place];
        if (answer.kind != Kind::kMiss)
            return;
        const Verdict verdict = batch->verdicts[place];
        if (verdict == Verdict::kLease) {
            answer.kind = Kind::kBusy;
            counters.busy++;
            return;
        }
        if (verdict == Verdict::kBroken)
            return;
        const std::string& key = batch->keys[place];
        const std::uint64_t token = redis::random_bits();
        batch->left++;
        // Months that an entry lacks: the entry itself stands in the way of a stale fill. A lease would take it away
        // from those who need other months.
        std::string wire = verdict == Verdict::kIncomplete
                               ? redis::command("SET", key + std::string(layout::kCoalesceSuffix), token_bytes(token),
                                                "NX", "PX", kCoalesceLife)
                               : lease_command(options.layout, key, group.epoch, token, kLeaseLife.count());
        run(group.node, redis::slot_of(key), std::move(wire), batch->deadline,
            [self = shared_from_this(), batch, place, token](const Reply* reply) {
                if (batch->finished)
                    return;
                self->take_leased(batch->answers[place], token, reply);
                self->answered(batch);
            });
    }

    void take_leased(TierAnswer& answer, std::uint64_t token, const Reply* reply) {
        if (reply == nullptr || reply->is_error()) {
            counters.lease_refused++; // and the miss remains one
        } else if (reply->is_integer(static_cast<std::int64_t>(layout::Leased::kGranted)) ||
                   reply->type == Reply::Type::kStatus) {
            counters.granted++;
            answer.kind = Kind::kGranted;
            answer.token = token;
        } else {
            // Another's lease, or an entry that has come between: who asks again reads it beside a record.
            counters.busy++;
            answer.kind = Kind::kBusy;
        }
    }

    // A script, or a command that needs no record: null if it was not answered. Errors are not waited out.
    template <typename Handler>
    void run(const std::string& node, std::uint16_t slot, std::string wire, Clock::time_point deadline,
             Handler handler) {
        const std::string again = wire;
        client.submit_to(node, redis::call(std::move(wire), [self = shared_from_this(), slot, again, deadline,
                                                             handler](const Reply* reply, std::string_view) {
                             if (self->stopped || reply == nullptr || !reply->is_error() ||
                                 redis::read_error(reply->text).kind != ErrorKind::kNoScript)
                                 return handler(reply);
                             // The client loads them and tries again.
                             auto request = redis::call(
                                 again, [handler](const Reply* second, std::string_view) { handler(second); });
                             request->slot = slot;
                             request->deadline = deadline;
                             self->client.submit(std::move(request));
                         }));
    }

    void fill(std::vector<Fill> fills) {
        const auto now = Clock::now();
        const Window window = Window::at(today(), options.months);
        for (const Fill& each : fills) {
            std::string key;
            if (each.epoch == 0 || now - each.read_at > kLeaseLife || each.listing.table >= options.tables.size() ||
                !append_key(options.tables[each.listing.table], each.listing, &key)) {
                counters.fills_dropped++;
                continue;
            }
            const std::uint16_t slot = redis::slot_of(key);
            const std::string node(client.master_of(slot));
            const auto breaker = breakers.find(node);
            if (breaker == breakers.end() || breaker->second.state(now) != Breaker::State::kClosed) {
                counters.fills_dropped++;
                continue;
            }
            run(node, slot, fill_command(options.layout, window, key, each, lives_of(each, window)),
                now + kFillDeadline, [self = shared_from_this()](const Reply* reply) {
                    if (reply == nullptr || reply->is_error())
                        self->counters.fills_failed++;
                    else if (reply->is_integer(1))
                        self->counters.filled++;
                    else
                        self->counters.fills_lost++;
                });
        }
    }

    std::int64_t spread(std::chrono::milliseconds life) const {
        const double chance = static_cast<double>(redis::random_bits() >> 11) * 0x1p-53 * 2 - 1;
        return life.count() == 0
                   ? 0
                   : std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(life.count()) *
                                                                         (1 + options.ttl_spread * chance)));
    }

    Lives lives_of(const Fill& fill, Window window) const {
        if (fill.no_listing)
            return {spread(options.unknown_ttl), 0};
        if (options.layout == Layout::kCalendar)
            return {spread(options.ttl), 0};
        // As the relay writes them: the version outlives the months.
        if (options.ttl.count() == 0)
            return {0, static_cast<std::int64_t>(window.days().end_day - today() + 62) * 86400000};
        const double longest = static_cast<double>(options.ttl.count()) * (1 + options.ttl_spread);
        return {2 * (static_cast<std::int64_t>(longest) + 1), spread(options.ttl)};
    }

    asio::io_context& io;
    const Options options;
    redis::Client client;
    std::map<std::string, Breaker> breakers; // of the masters
    Counters counters;
    std::size_t under_way = 0;
    std::string last_trouble;
    bool stopped = false;
};

RedisCache::RedisCache(asio::io_context& io, Options options) : impl_(std::make_shared<Impl>(io, std::move(options))) {}

RedisCache::~RedisCache() {
    stop();
}

void RedisCache::start() {
    impl_->client.start();
}

void RedisCache::stop() {
    impl_->stopped = true;
    impl_->client.stop();
}

void RedisCache::read(std::vector<OwnedListing> listings, bool lease, Clock::time_point deadline,
                      reader::TierAnswered done) {
    impl_->read(std::move(listings), lease, deadline, std::move(done));
}

void RedisCache::fill(std::vector<Fill> fills) {
    if (!impl_->stopped)
        impl_->fill(std::move(fills));
}

bool RedisCache::usable() const {
    const auto now = Clock::now();
    return !impl_->stopped && std::any_of(impl_->breakers.begin(), impl_->breakers.end(), [&](const auto& each) {
        return each.second.would_admit(now) && impl_->client.is_connected_to(each.first);
    });
}

const Counters& RedisCache::counters() const {
    return impl_->counters;
}

int RedisCache::breaker() const {
    const auto now = Clock::now();
    int worst = 0;
    for (const auto& [name, breaker] : impl_->breakers)
        worst = std::max(worst, static_cast<int>(breaker.state(now)));
    return worst;
}

const std::string& RedisCache::last_trouble() const {
    return impl_->last_trouble;
}

} // namespace availability::shared_cache

#include "service/tiers.hpp"

#include <boost/asio/ssl/context.hpp>

#include "relay/redis/redis_sink.hpp"
#include "service/redis/shared_cache.hpp"

namespace availability::service {

namespace {

std::chrono::milliseconds milliseconds(double seconds) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

database::PoolOptions pool_options(const Settings& settings, const std::string& conninfo, std::int64_t connections,
                                   const char* name) {
    database::PoolOptions options;
    options.conninfo = conninfo;
    options.connections = static_cast<std::size_t>(connections);
    options.max_queue = static_cast<std::size_t>(settings.database_max_queue);
    options.connect_timeout = milliseconds(settings.database_connect_timeout_seconds);
    options.application_name = name;
    options.prepare = settings.database_prepare;
    return options;
}

std::unique_ptr<reader::Feed> make_feed(boost::asio::io_context& io, const Settings& settings,
                                        reader::Replica* replica) {
    if (settings.relay_urls.empty())
        return nullptr;
    reader::FeedOptions options;
    options.relays = settings.relay_urls;
    options.token = settings.relay_token;
    options.tables = settings.database_tables;
    options.timeout = milliseconds(settings.relay_timeout_seconds);
    return std::make_unique<reader::Feed>(io, std::move(options), replica);
}

reader::ReaderOptions reader_options(const Settings& settings) {
    using std::chrono::milliseconds;
    reader::ReaderOptions options;
    options.routing = routing_of(settings);
    options.max_age = milliseconds(settings.reader_max_age_milliseconds);
    options.max_stale = milliseconds(settings.reader_max_stale_milliseconds);
    options.l1_bytes = static_cast<std::size_t>(settings.reader_l1_bytes);
    options.l1_ttl = service::milliseconds(settings.reader_l1_ttl_seconds);
    options.l1_hot_ttl = service::milliseconds(settings.reader_l1_hot_ttl_seconds);
    options.unknown_ttl = service::milliseconds(settings.reader_unknown_ttl_seconds);
    options.hot_listings = static_cast<std::size_t>(settings.reader_hot_listings);
    options.warm = settings.reader_warm;
    options.batch_delay = std::chrono::microseconds(settings.reader_batch_delay_microseconds);
    options.max_batch = static_cast<std::size_t>(settings.reader_max_batch);
    options.lease_wait = milliseconds(settings.reader_lease_wait_milliseconds);
    options.max_waiting = static_cast<std::size_t>(settings.reader_max_waiting);
    return options;
}

void tell_pool(Metrics& metrics, const char* name, const database::Pool::State& state) {
    const Metrics::Labels labels = {{"pool", name}};
    metrics.gauge("pool_connections", "Connections to the database.", static_cast<double>(state.connections), labels);
    metrics.gauge("pool_busy", "Connections that a statement has.", static_cast<double>(state.busy), labels);
    metrics.gauge("pool_queued", "Statements that wait for a connection.", static_cast<double>(state.queued), labels);
    metrics.counter("pool_connects_total", "Connections that were made.", static_cast<double>(state.connects), labels);
    metrics.counter("pool_losses_total", "Connections that were lost.", static_cast<double>(state.losses), labels);
    metrics.counter("pool_refused_total", "Statements that were refused: the queue was full, or the breaker open.",
                    static_cast<double>(state.refused), labels);
    metrics.counter("pool_timeouts_total", "Statements without an answer in time.", static_cast<double>(state.timeouts),
                    labels);
}

class RedisTier final : public Cache {
  public:
    RedisTier(boost::asio::io_context& io, const Settings& settings) {
        relay::redis::RedisOptions files;
        files.tls = settings.redis_tls;
        files.tls_ca_file = settings.redis_tls_ca_file;
        files.tls_cert_file = settings.redis_tls_cert_file;
        files.tls_key_file = settings.redis_tls_key_file;
        tls_ = relay::redis::make_tls(files);
        shared_cache::Options options;
        for (const std::string& node : settings.redis_nodes)
            if (const auto endpoint = relay::redis::parse_endpoint(node))
                options.client.nodes.push_back(*endpoint);
        options.client.cluster = settings.redis_cluster;
        options.client.connection.username = settings.redis_username;
        options.client.connection.password = settings.redis_password;
        options.client.connection.tls = tls_.get();
        options.client.connection.tls_server_name = settings.redis_tls_server_name;
        options.client.connection.timeout = std::chrono::milliseconds(settings.redis_timeout_milliseconds);
        for (const std::string& prefix : settings.redis_key_prefixes)
            options.tables.push_back({prefix, settings.redis_record_prefix});
        options.layout = settings.redis_layout == "months" ? layout::Layout::kMonths : layout::Layout::kCalendar;
        options.months = static_cast<int>(settings.redis_months);
        options.ttl = std::chrono::seconds(settings.redis_ttl_seconds);
        options.ttl_spread = settings.redis_ttl_spread;
        cache_ = std::make_unique<shared_cache::RedisCache>(io, std::move(options));
    }
    void start() override { cache_->start(); }
    void stop() override { cache_->stop(); }
    reader::SharedCache& cache() override { return *cache_; }
    int breaker() const override { return cache_->breaker(); }
    std::string trouble() const override { return cache_->last_trouble(); }
    void tell(Metrics& metrics) const override {
        const shared_cache::Counters& counters = cache_->counters();
        const auto tell = [&](const char* outcome, std::uint64_t total) {
            metrics.counter("redis_reads_total", "Listings that were read in Redis, by what was there.",
                            static_cast<double>(total), {{"outcome", outcome}});
        };
        tell("found", counters.found);
        tell("tombstone", counters.tombstones);
        tell("miss", counters.misses);
        tell("other_epoch", counters.other_epoch);
        tell("broken", counters.broken);
        tell("failed", counters.failed);
        metrics.counter("redis_timeouts_total", "Reads without an answer in time.",
                        static_cast<double>(counters.timeouts));
    }

  private:
    std::unique_ptr<boost::asio::ssl::context> tls_;
    std::unique_ptr<shared_cache::RedisCache> cache_;
};

} // namespace

std::unique_ptr<Cache> make_cache(boost::asio::io_context& io, const Settings& settings) {
    return settings.has_redis() ? std::make_unique<RedisTier>(io, settings) : nullptr;
}

reader::Routing routing_of(const Settings& settings) {
    reader::Routing routing;
    reader::parse_mode(settings.reader_mode, &routing.mode);
    reader::parse_mode(settings.reader_canary, &routing.canary);
    routing.canary_share = settings.reader_canary_share;
    routing.kill_switch = settings.reader_kill_switch;
    return routing;
}

Tiers::Tiers(boost::asio::io_context& io, const Settings& settings)
    : reads(io,
            pool_options(settings, settings.database_conninfo, settings.database_connections, "availability-service")),
      writes(io, pool_options(settings, settings.bookings_conninfo(), settings.database_bookings_connections,
                              "availability-service bookings")),
      tables(reads, settings.database_tables), calendars(io, reads, tables), sets(reads, tables), bookings(writes),
      cache(make_cache(io, settings)), replica(settings.database_tables.size()),
      feed(make_feed(io, settings, &replica)),
      reader(io, reader_options(settings),
             {feed != nullptr ? &replica : nullptr, feed.get(), cache != nullptr ? &cache->cache() : nullptr,
              &calendars, &sets}) {}

void Tiers::start() {
    reads.start();
    writes.start();
    if (cache != nullptr)
        cache->start();
    if (feed != nullptr)
        feed->start();
    reader.start();
}

void Tiers::stop() {
    reader.stop();
    if (feed != nullptr)
        feed->stop();
    if (cache != nullptr)
        cache->stop();
    writes.stop();
    reads.stop();
}

void Tiers::tell(Metrics& metrics) const {
    tell_pool(metrics, "reads", reads.state());
    tell_pool(metrics, "bookings", writes.state());
    const auto breaker = [&](const char* name, int state) {
        metrics.gauge("breaker", "Circuit breaker: 0 closed, 1 half open, 2 open.", state, {{"towards", name}});
    };
    breaker("database", reads.state().breaker);
    breaker("bookings", writes.state().breaker);
    if (cache != nullptr) {
        breaker("redis", cache->breaker());
        cache->tell(metrics);
    }
    if (feed == nullptr)
        return;
    const reader::Feed::Counters& counters = feed->counters();
    const auto count = [&](const char* name, const char* help, std::uint64_t total) {
        metrics.counter(name, help, static_cast<double>(total));
    };
    count("feed_snapshots_total", "Snapshots that were taken.", counters.snapshots);
    count("feed_streams_total", "Streams that were begun.", counters.streams);
    count("feed_losses_total", "Streams that were lost.", counters.losses);
    count("feed_events_total", "Events that came.", counters.events);
    count("feed_broken_frames_total", "Frames that could not be read.", counters.broken_frames);
    metrics.gauge("feed_streaming", "1 while the stream runs.", feed->state() == reader::Feed::State::kStreaming);
    metrics.gauge("replica_listings", "Calendars in memory.", static_cast<double>(replica.listings()));
    metrics.gauge("replica_bytes", "Memory of the calendars.", static_cast<double>(replica.bytes()));
}

} // namespace availability::service

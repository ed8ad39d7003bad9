#include "service/service.hpp"

#include <algorithm>
#include <cstring>

#include <sys/resource.h>

#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "relay/clock.hpp"
#include "service/control/control.hpp"
#include "service/control/verification.hpp"
#include "service/http/api.hpp"
#include "service/http/events.hpp"
#include "service/http/response.hpp"
#include "service/http/server.hpp"
#include "service/http/trace.hpp"
#include "service/http/tracing.hpp"
#include "service/tiers.hpp"

namespace availability::service {

namespace {

using reader::Answer;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPulse(50);
constexpr milliseconds kDrainPoll(20);
constexpr int kFailuresLogged = 10; // a second
// Files beside those of clients and of the pools: listeners, the control endpoints, the relay, Redis, the loop's own.
constexpr std::size_t kOtherFiles = 64;
constexpr std::size_t kLeastConnections = 16;

milliseconds of_seconds(double seconds) {
    return milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

// Clients leave room for the files that their answers need: with none left, a connection to the database, to Redis or
// to a relay that is lost could not be made anew.
std::size_t most_connections(const Settings& settings) {
    const auto wanted = static_cast<std::size_t>(settings.http_max_connections);
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
        return wanted;
    const auto limit = static_cast<std::size_t>(files.rlim_cur);
    const std::size_t others = kOtherFiles + static_cast<std::size_t>(settings.database_connections) +
                               static_cast<std::size_t>(settings.database_bookings_connections);
    const std::size_t most = std::max(limit, others + kLeastConnections) - others;
    if (wanted <= most)
        return wanted;
    spdlog::warn("http.max_connections: {} instead of {}, since no more than {} files may be open", most, wanted,
                 limit);
    return most;
}

ServerOptions api_server_options(const Settings& settings) {
    ServerOptions options;
    options.name = "http.listen";
    options.listen = settings.http_listen;
    options.limits.header_bytes = static_cast<std::uint32_t>(settings.http_max_header_bytes);
    options.limits.target_bytes = static_cast<std::size_t>(settings.http_max_target_bytes);
    options.limits.body_bytes = static_cast<std::size_t>(settings.http_max_body_bytes);
    options.max_connections = most_connections(settings);
    options.header_timeout = of_seconds(settings.http_header_timeout_seconds);
    options.body_timeout = of_seconds(settings.http_body_timeout_seconds);
    options.idle_timeout = of_seconds(settings.http_idle_timeout_seconds);
    options.write_timeout = of_seconds(settings.http_write_timeout_seconds);
    options.event_bytes = static_cast<std::size_t>(settings.http_stream_bytes);
    return options;
}

ServerOptions control_server_options(const Settings& settings) {
    ServerOptions options;
    options.name = "control.listen";
    options.listen = settings.control_listen;
    options.max_connections = 20;
    return options;
}

// What a request calls a table: its name, or the table's own without _calendar.
ApiOptions api_options(const Settings& settings) {
    ApiOptions options;
    for (std::size_t i = 0; i < settings.database_tables.size(); ++i) {
        const std::string reservations = Settings::reservations_of(settings.database_tables[i]);
        options.reservations.push_back(reservations);
        std::string name = settings.database_tables[i];
        name = name.substr(name.rfind('.') + 1);
        name.erase(std::remove(name.begin(), name.end(), '"'), name.end());
        name.resize(name.size() - std::strlen("_calendar"));
        options.tables.push_back(settings.database_names.empty() ? name : settings.database_names[i]);
    }
    return options;
}

void take_limits(const Settings& settings, ApiOptions* options) {
    options->read_deadline = milliseconds(settings.http_read_deadline_milliseconds);
    options->booking_deadline = milliseconds(settings.http_booking_deadline_milliseconds);
    options->max_listings = static_cast<std::size_t>(settings.http_max_listings);
    options->max_days = static_cast<int>(settings.http_max_days);
    options->max_limit = static_cast<int>(settings.http_max_limit);
    options->max_waiting = static_cast<std::size_t>(settings.http_max_waiting);
}

const char* word_of_state(reader::Feed::State state) {
    static constexpr const char* kWords[] = {"loading", "streaming", "broken"};
    return kWords[static_cast<int>(state)];
}

} // namespace

struct Service::Impl final : Backend {
    Impl(boost::asio::io_context& io, Settings settings_given)
        : settings(std::move(settings_given)), owner(std::make_unique<Tiers>(io, settings)),
          verification(tiers.reads, tiers.tables, metrics_registry),
          events(io, static_cast<std::size_t>(settings.http_max_streams), [this] { return freshness(); }),
          api(*this, events, api_options(settings),
              [this](const Exchange& exchange, unsigned status) { finished(exchange, status); }),
          control(control_hooks()), server(io, api_server_options(settings), api), pulse(io), drain_timer(io) {
        take_limits(settings, &api.options());
        events.set_backend(this);
        verification.set(settings.verification_share, static_cast<std::size_t>(settings.verification_max_waiting));
        if (!settings.control_listen.empty())
            control_server = std::make_unique<Server>(io, control_server_options(settings), control);
        for (const std::string& kind : settings.database_kinds)
            kinds.push_back(kind == "text" ? reader::Key::Kind::kText : reader::Key::Kind::kNumber);
        kinds.resize(settings.database_tables.size(), reader::Key::Kind::kNone);
    }
    ~Impl() override {
        // From the top down: nobody asks any more, then nobody answers.
        server.close();
        if (control_server != nullptr)
            control_server->close();
        events.stop();
        if (tiers.feed != nullptr)
            tiers.feed->remove_listener(&events);
        tiers.stop();
        // What waits is told so, while there is somebody to tell.
        owner.reset();
    }

    // --- Backend
    // ------------------------------------------------------------------------------------------------------

    void read(const reader::Listing& listing, const reader::ReadOptions& options, reader::Answered done) override {
        if (!verification.wants())
            return tiers.reader.read(listing, options, std::move(done));
        tiers.reader.read(listing, options,
                          [this, owned = reader::OwnedListing(listing), done = std::move(done)](const Answer& answer) {
                              verification.sample(owned, answer);
                              done(answer);
                          });
    }
    void read_many(const std::vector<reader::Listing>& listings, const reader::ReadOptions& options,
                   reader::AllAnswered done) override {
        tiers.reader.read_many(listings, options, std::move(done));
    }
    void search(reader::SetQuery query, const reader::ReadOptions& options,
                std::function<void(const reader::SetAnswer&)> done) override {
        tiers.reader.search(std::move(query), options, std::move(done));
    }
    void book(database::BookingRequest request, std::function<void(database::BookingAnswer)> done) override {
        tiers.bookings.submit(std::move(request), std::move(done));
    }
    std::optional<reader::Key::Kind> kind_of_listings(std::uint16_t table) const override {
        if (kinds[table] == reader::Key::Kind::kNone)
            return std::nullopt;
        return kinds[table];
    }
    bool ready(std::string* why) const override {
        if (draining)
            *why = "the service is ending";
        else if (!knows_kinds())
            *why = "the tables are not known yet: the database has not answered";
        else if (asks_database_first() && !reached_database())
            *why = "the database has not answered yet";
        else if (!tiers.reader.ready())
            *why = std::string("mode ") + std::string(reader::word_of(tiers.reader.routing().mode)) +
                   ": its first tier can't tell";
        else
            return *why = "ready", true;
        return false;
    }
    std::string health() const override {
        static constexpr const char* kBreakers[] = {"closed", "half_open", "open"};
        const reader::Routing routing = tiers.reader.routing();
        std::string why;
        std::string out = "{\"ready\":";
        out += ready(&why) ? "true" : "false";
        out += ",\"why\":";
        append_string(why, &out);
        out += fmt::format(",\"mode\":\"{}\",\"kill_switch\":{},\"canary\":{{\"mode\":\"{}\",\"share\":{}}}",
                           reader::word_of(routing.mode), routing.kill_switch, reader::word_of(routing.canary),
                           routing.canary_share);
        if (const auto age = tiers.reader.age(); age.count() >= 0)
            out += fmt::format(",\"lag_ms\":{}", age.count() / 1000);
        if (routing.mode == reader::Mode::kReplica)
            out += fmt::format(",\"listings\":{}", tiers.replica.listings());
        out += fmt::format(",\"tiers\":{{\"relay\":\"{}\",\"redis\":\"{}\",\"database\":\"{}\"}}}}",
                           tiers.feed == nullptr ? "none" : word_of_state(tiers.feed->state()),
                           tiers.cache == nullptr ? "none" : kBreakers[tiers.cache->breaker()],
                           kBreakers[tiers.reads.state().breaker]);
        return out;
    }
    bool overloaded() const override { return lag > milliseconds(settings.http_max_lag_milliseconds); }
    std::string metrics() override {
        tell();
        return metrics_registry.serialize();
    }

    // --- what is done beside requests
    // ---------------------------------------------------------------------------------

    bool asks_database_first() const {
        const reader::Routing routing = tiers.reader.routing();
        return routing.kill_switch || routing.mode == reader::Mode::kDatabase;
    }
    bool reached_database() const { return tiers.reads.state().connects > 0; }
    bool knows_kinds() const { return std::find(kinds.begin(), kinds.end(), reader::Key::Kind::kNone) == kinds.end(); }
    // Asks the database about its tables; about the first one even if all are known, until it has answered once: it is
    // the first tier of some modes.
    void learn_kinds() {
        for (std::uint16_t table = 0; table < kinds.size(); ++table)
            if (kinds[table] == reader::Key::Kind::kNone || (table == 0 && !reached_database()))
                tiers.tables.describe(
                    table, database::Clock::now() + std::chrono::seconds(2),
                    [this, table](const database::Table* known, const database::QueryError& error) {
                        if (known != nullptr)
                            kinds[table] = known->has_numbers() ? reader::Key::Kind::kNumber : reader::Key::Kind::kText;
                        else if (error.kind == database::QueryError::Kind::kServer)
                            spdlog::warn("table {}: {}", settings.database_tables[table], error.message);
                    });
    }

    // How late the loop comes to what is due: a queue that grows before it shows anywhere else.
    void beat() {
        due = steady_clock::now() + kPulse;
        pulse.expires_at(due);
        pulse.async_wait([this](boost::system::error_code error) {
            if (error)
                return;
            const auto late = steady_clock::now() - due;
            lag = (lag + std::chrono::duration_cast<std::chrono::microseconds>(late)) / 2;
            ++beats;
            if (beats % 20 == 1 && !(knows_kinds() && reached_database()))
                learn_kinds();
            if (beats % 20 == 0)
                failures_logged = 0;
            std::string why;
            if (on_ready && ready(&why))
                std::exchange(on_ready, nullptr)();
            beat();
        });
    }

    Events::Freshness freshness() const {
        if (tiers.feed == nullptr)
            return {};
        return {tiers.feed->as_of(), tiers.feed->state() == reader::Feed::State::kStreaming};
    }

    void finished(const Exchange& exchange, unsigned status) {
        const double seconds = std::chrono::duration<double>(steady_clock::now() - exchange.began).count();
        metrics_registry.observe(exchange.route, exchange.source, status, exchange.stale, seconds);
        const auto span = exchange.span ? exchange.span : tracing::begin(exchange);
        if (span)
            tracing::end(*span, exchange, status);
        const bool failed = status >= 500 && exchange.route != Route::kReady && failures_logged < kFailuresLogged;
        const bool sampled = settings.log_requests > 0 && unit(random) < settings.log_requests;
        if (!failed && !sampled)
            return;
        failures_logged += failed;
        const std::string trace = span                     ? tracing::traceparent_of(*span)
                                  : exchange.trace.empty() ? continue_trace(exchange.request.traceparent, true)
                                                           : exchange.trace;
        const std::string source =
            exchange.source < 0 ? "none" : std::string(reader::word_of(static_cast<reader::Source>(exchange.source)));
        spdlog::log(
            failed ? spdlog::level::warn : spdlog::level::info,
            "request method={} route={} status={} sqlstate={} source={} stale={} microseconds={:.0f} traceparent={} "
            "target={}",
            word_of(exchange.request.method), word_of(exchange.route), status, exchange.sqlstate, source,
            exchange.stale, seconds * 1e6, trace, printable(exchange.request.target));
    }

    // --- control
    // ------------------------------------------------------------------------------------------------------

    Control::Hooks control_hooks() {
        Control::Hooks hooks;
        hooks.routing = [this] { return tiers.reader.routing(); };
        hooks.set_routing = [this](const reader::Routing& routing) { return set_routing(routing); };
        hooks.share = [this] { return verification.share(); };
        hooks.set_share = [this](double share) {
            verification.set(share, static_cast<std::size_t>(settings.verification_max_waiting));
        };
        hooks.status = [this] { return status(); };
        hooks.token = [this] { return settings.control_token; };
        return hooks;
    }
    std::string set_routing(const reader::Routing& routing) {
        for (const reader::Mode mode : {routing.mode, routing.canary}) {
            if ((mode == reader::Mode::kReplica || mode == reader::Mode::kNear) && tiers.feed == nullptr)
                return "replica and near need relay.urls";
            if (mode == reader::Mode::kRedis && tiers.cache == nullptr)
                return "redis needs redis.nodes";
        }
        tiers.reader.set_routing(routing);
        return {};
    }
    std::string status() const {
        std::string out = "{\"ready\":";
        std::string why;
        out += ready(&why) ? "true" : "false";
        out += ",\"why\":";
        append_string(why, &out);
        out += ",\"mode\":";
        append_string(reader::word_of(tiers.reader.routing().mode), &out);
        if (tiers.feed != nullptr) {
            out += ",\"feed\":{\"state\":";
            append_string(word_of_state(tiers.feed->state()), &out);
            out += ",\"relay\":";
            append_string(tiers.feed->relay(), &out);
            out += ",\"problem\":";
            append_string(tiers.feed->problem(), &out);
            out += ",\"as_of\":";
            append_time(tiers.feed->as_of(), &out);
            out += "}";
        }
        if (tiers.cache != nullptr) {
            out += ",\"redis\":{\"breaker\":" + std::to_string(tiers.cache->breaker()) + ",\"problem\":";
            append_string(tiers.cache->trouble(), &out);
            out += "}";
        }
        const auto pool = [&](const char* name, const database::Pool::State& state) {
            out += std::string(",\"") + name + "\":{\"breaker\":" + std::to_string(state.breaker) +
                   ",\"connections\":" + std::to_string(state.connections) +
                   ",\"queued\":" + std::to_string(state.queued) + ",\"problem\":";
            append_string(state.last_trouble, &out);
            out += "}";
        };
        pool("database", tiers.reads.state());
        pool("bookings", tiers.writes.state());
        return out + "}";
    }

    void tell();

    Settings settings;
    Metrics metrics_registry;
    std::unique_ptr<Tiers> owner;
    Tiers& tiers = *owner;
    Verification verification;
    Events events;
    Api api;
    Control control;
    Server server;
    std::unique_ptr<Server> control_server;
    boost::asio::steady_timer pulse;
    boost::asio::steady_timer drain_timer;
    steady_clock::time_point due{};
    std::chrono::microseconds lag{0};
    std::uint64_t beats = 0;
    int failures_logged = 0;
    bool draining = false;
    std::vector<reader::Key::Kind> kinds;
    std::function<void()> on_ready;
    std::minstd_rand random{std::random_device()()};
    std::uniform_real_distribution<double> unit;
};

void Service::Impl::tell() {
    Metrics& m = metrics_registry;
    const auto count = [&](const char* name, const char* help, std::uint64_t total,
                           const Metrics::Labels& labels = {}) {
        m.counter(name, help, static_cast<double>(total), labels);
    };
    const reader::ReaderCounters& r = tiers.reader.counters();
    for (int source = 0; source < 4; ++source)
        count("reads_total", "Calendars that were told, by tier.", r.by_source[source],
              {{"source", std::string(reader::word_of(static_cast<reader::Source>(source)))}});
    count("reads_stale_total", "Calendars that were told although older than reader.max_age.", r.stale);
    count("reads_unavailable_total", "Reads that no tier could answer.", r.unavailable);
    count("reads_coalesced_total", "Misses that joined another's query.", r.coalesced);
    count("read_batches_total", "Batches of misses.", r.batches);
    count("reads_refused_total", "Reads beyond reader.max_waiting.", r.refused);
    count("l1_hits_total", "Reads that the near cache answered.", r.l1_hits);
    count("l1_misses_total", "Reads that it could not answer.", r.l1_misses);
    count("l1_evicted_total", "Entries that went for want of room.", r.l1_evicted);
    count("l1_rejected_total", "Calendars that were not let in.", r.l1_rejected);
    count("l1_invalidated_total", "Entries that the stream replaced or removed.", r.l1_invalidated);
    count("leases_total", "Leases in Redis.", r.leases_granted, {{"outcome", "granted"}});
    count("leases_total", "Leases in Redis.", r.leases_busy, {{"outcome", "busy"}});
    count("fills_total", "Calendars that were written to Redis.", r.fills);
    count("fills_dropped_total", "Fills that came too late.", r.fills_dropped);
    count("min_version_misses_total", "Answers that were older than min_version asked for.", r.min_version_misses);
    const auto age = tiers.reader.age();
    m.gauge("age_seconds", "Age of what memory tells; -1: not known.",
            age.count() < 0 ? -1 : static_cast<double>(age.count()) / 1e6);
    tiers.tell(m);

    const Verification::Counters& v = verification.counters();
    const auto verified = [&](const char* result, std::uint64_t total) {
        count("verifications_total", "Answers that were compared with the database, by result.", total,
              {{"result", result}});
    };
    verified("agrees", v.agrees);
    verified("newer", v.newer);
    verified("mismatch", v.mismatch);
    verified("undecided", v.undecided);
    verified("failed", v.failed);
    verified("left_out", v.left_out);
    m.gauge("verification_share", "Share of the answers that is compared.", verification.share());

    const ServerCounters& s = server.counters();
    m.gauge("http_connections", "Connections to the API.", static_cast<double>(s.connections));
    m.gauge("event_streams", "Clients of /v1/events.", static_cast<double>(s.streams));
    m.gauge("requests_waiting", "Requests that wait for an answer.", static_cast<double>(api.waiting()));
    count("http_connections_refused_total", "Connections beyond http.max_connections.", s.refused);
    count("http_malformed_total", "Requests that could not be read.", s.malformed);
    count("http_timeouts_total", "Connections whose request or answer took too long.", s.timeouts);
    count("event_streams_dropped_total", "Clients of /v1/events that were too slow.", s.slow_streams);
    count("requests_shed_total", "Requests that were refused since there was too much to do.", api.shed());
    m.gauge("loop_lag_seconds", "How late the event loop comes to what is due.",
            static_cast<double>(lag.count()) / 1e6);
    std::string why;
    m.gauge("ready", "1 while /readyz is green.", ready(&why));
    const reader::Routing routing = tiers.reader.routing();
    m.gauge("kill_switch", "1 while all reads go to the database.", routing.kill_switch);
    m.gauge("canary_share", "Share of the listings that are read in the canary's mode.", routing.canary_share);
}

Service::Service(boost::asio::io_context& io, Settings settings)
    : impl_(std::make_unique<Impl>(io, std::move(settings))) {}

Service::~Service() = default;

std::string Service::start(std::function<void()> on_ready) {
    if (std::string error = impl_->server.listen(); !error.empty())
        return error;
    if (impl_->control_server != nullptr)
        if (std::string error = impl_->control_server->listen(); !error.empty())
            return error;
    impl_->on_ready = std::move(on_ready);
    impl_->tiers.start();
    if (impl_->tiers.feed != nullptr)
        impl_->tiers.feed->add_listener(&impl_->events);
    impl_->events.start();
    impl_->beat();
    return {};
}

void Service::reload(const Settings& settings) {
    Impl& impl = *impl_;
    const reader::Routing before = routing_of(impl.settings);
    const reader::Routing after = routing_of(settings);
    for (const std::string& name : options::need_restart(options(), impl.settings, settings))
        spdlog::warn("{} changes with the next start", name);
    options::reload(options(), settings, &impl.settings);
    take_limits(impl.settings, &impl.api.options());
    impl.server.options().max_connections = most_connections(impl.settings);
    impl.verification.set(settings.verification_share, static_cast<std::size_t>(settings.verification_max_waiting));
    // What was set at run time stays, unless the file says something new.
    if (before.mode != after.mode || before.canary != after.canary || before.canary_share != after.canary_share ||
        before.kill_switch != after.kill_switch)
        if (const std::string error = impl.set_routing(after); !error.empty())
            spdlog::error("the routing stays as it was: {}", error);
}

void Service::drain(std::function<void()> done) {
    Impl& impl = *impl_;
    impl.draining = true;
    spdlog::info("draining");
    const auto end = std::make_shared<std::function<void(steady_clock::time_point)>>();
    *end = [&impl, done = std::move(done), weak = std::weak_ptr(end)](steady_clock::time_point deadline) {
        if (impl.server.counters().connections == 0 || steady_clock::now() >= deadline)
            return impl.tiers.writes.drain(done);
        impl.drain_timer.expires_after(kDrainPoll);
        impl.drain_timer.async_wait([again = weak.lock(), deadline](boost::system::error_code error) {
            if (!error)
                (*again)(deadline);
        });
    };
    impl.drain_timer.expires_after(of_seconds(impl.settings.http_drain_delay_seconds));
    impl.drain_timer.async_wait([&impl, end](boost::system::error_code error) {
        if (error)
            return;
        impl.events.stop();
        impl.server.drain();
        (*end)(steady_clock::now() + of_seconds(impl.settings.http_drain_seconds));
    });
}

} // namespace availability::service

#include "service/database/pool.hpp"

#include <algorithm>
#include <deque>
#include <list>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

#include "relay/redis/backoff.hpp"
#include "relay/source/pg_connection.hpp"
#include "service/database/connection.hpp"

namespace availability::database {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Kind = QueryError::Kind;

namespace {

struct Pending {
    Query query;
    std::function<void(QueryResult)> done;
    Breaker::Ticket ticket;
    std::uint64_t number = 0;
    bool again = false; // it has been tried with a prepared statement that was not there
};

bool is_any_of(const std::string& sqlstate, std::initializer_list<const char*> states) {
    return std::find(states.begin(), states.end(), sqlstate) != states.end();
}

// Of a pooler between, which gave another connection of the server to this transaction.
bool says_not_prepared(const std::string& sqlstate) {
    return is_any_of(sqlstate, {"26000", "42P05"});
}

Parameters defaults(const PoolOptions& options) {
    return {{"fallback_application_name", options.application_name},
            {"client_encoding", "UTF8"},
            {"target_session_attrs", "primary"},
            {"gssencmode", "disable"}, // its library may block
            // A peer that vanished is noticed though nothing is asked of it.
            {"keepalives_idle", "10"},
            {"keepalives_interval", "5"},
            {"keepalives_count", "3"},
            {"tcp_user_timeout", "10000"}};
}

} // namespace

struct Pool::Impl : std::enable_shared_from_this<Pool::Impl> {
    using ConnectionPtr = std::shared_ptr<Connection>;

    Impl(asio::io_context& io, PoolOptions given)
        : io(io), options(std::move(given)), breaker(options.breaker), expiry(io), again(io),
          prepares(options.prepare) {
        options.connections = std::max<std::size_t>(options.connections, 1);
    }

    void answer(std::function<void(QueryResult)> done, Kind kind, const char* what) {
        QueryResult result;
        result.error.kind = kind;
        result.error.message = what;
        asio::post(io,
                   [self = shared_from_this(), done = std::move(done), result = std::move(result)] { done(result); });
    }

    // --- queries -----------------------------------------------------------------------------------------------------

    void submit(Query query, std::function<void(QueryResult)> done) {
        const auto now = Clock::now();
        if (stopped || draining)
            return answer(std::move(done), Kind::kUnreachable, "the pool is being closed");
        if (query.deadline <= now) {
            counted.timeouts++;
            return answer(std::move(done), Kind::kTimeout, "the deadline has passed");
        }
        for (const auto& parameter : query.parameters)
            if (parameter && parameter->find('\0') != std::string::npos) {
                QueryResult result;
                result.error = {Kind::kServer, false, "22021", "a text has a NUL in it", "", "", ""};
                asio::post(io, [done = std::move(done), result] { done(result); });
                return;
            }
        if (queue.size() >= options.max_queue) {
            counted.refused++;
            return answer(std::move(done), Kind::kOverloaded, "too many queries wait for the database");
        }
        const Breaker::Ticket ticket = breaker.admit(now);
        if (!ticket) {
            counted.refused++;
            return answer(std::move(done), Kind::kUnreachable, "the database has not been answering");
        }
        auto pending = std::make_shared<Pending>();
        pending->query = std::move(query);
        pending->done = std::move(done);
        pending->ticket = ticket;
        queue.push_back(std::move(pending));
        dispatch();
    }

    void dispatch() {
        while (!queue.empty()) {
            const auto idle = std::find_if(connections.begin(), connections.end(),
                                           [](const ConnectionPtr& each) { return each->is_idle(); });
            if (idle == connections.end())
                break;
            auto pending = std::move(queue.front());
            queue.pop_front();
            execute(*idle, std::move(pending));
        }
        // A server that has room for no more is left alone for a while; those that wait are served by what there is.
        // With no connection at all the breaker says when to try.
        if (!connections.empty() && Clock::now() < more_not_before)
            return watch_deadlines();
        for (std::size_t wanted = std::min(queue.size(), options.connections);
             connecting < wanted && connections.size() + connecting < options.connections;)
            connect(Breaker::Ticket());
        watch_deadlines();
    }

    void execute(const ConnectionPtr& connection, std::shared_ptr<Pending> pending) {
        const bool prepared = prepares && !pending->again;
        connection->execute(pending->query, prepared,
                            [self = shared_from_this(), connection, pending, prepared](QueryResult result) {
                                self->executed(connection, pending, prepared, std::move(result));
                            });
    }

    void executed(const ConnectionPtr& connection, const std::shared_ptr<Pending>& pending, bool prepared,
                  QueryResult result) {
        const auto now = Clock::now();
        const QueryError& error = result.error;
        if (error.kind == Kind::kServer && says_not_prepared(error.sqlstate) && prepared && !pending->again &&
            pending->query.deadline > now) {
            // Nothing was done: the transaction is rolled back.
            if (std::exchange(prepares, false))
                spdlog::warn(
                    "database: prepared statements don't last ({}): no more are made; PgBouncer keeps them from "
                    "1.21 on, with max_prepared_statements",
                    error.message);
            pending->again = true;
            return execute(connection, pending);
        }
        if (connection->is_overdue()) {
            counted.timeouts++;
            connection->when_settled(
                [weak = weak_from_this(), raw = connection.get(), ticket = pending->ticket](bool works) {
                    if (const auto self = weak.lock())
                        self->settled(raw->shared_from_this(), ticket, works);
                });
            return pending->done(std::move(result));
        }
        const bool closed = connection->is_closed();
        const bool not_there = closed || error.kind == Kind::kLost || (error.kind == Kind::kServer && error.fatal);
        if (not_there)
            breaker.failed(pending->ticket, now);
        else
            breaker.succeeded(pending->ticket, now);
        counted.timeouts += error.kind == Kind::kTimeout;
        if (not_there) {
            trouble(relay::one_line(error.message));
            remove(connection);
        }
        pending->done(std::move(result));
        proceed();
    }

    // A connection whose server did not answer by a deadline: it did so soon after, or never.
    void settled(const ConnectionPtr& connection, Breaker::Ticket ticket, bool works) {
        if (works) {
            breaker.succeeded(ticket, Clock::now());
        } else {
            breaker.failed(ticket, Clock::now());
            trouble("no answer from the server");
            remove(connection);
        }
        proceed();
    }

    // Those whose deadline passes while they wait.
    void watch_deadlines() {
        auto first = Clock::time_point::max();
        for (const auto& pending : queue)
            first = std::min(first, pending->query.deadline);
        if (first == Clock::time_point::max() || first == watched)
            return;
        watched = first;
        expiry.expires_at(first);
        expiry.async_wait([self = weak_from_this()](const boost::system::error_code& error) {
            if (const auto impl = self.lock(); !error && impl)
                impl->expire();
        });
    }

    void expire() {
        watched = Clock::time_point::max();
        const auto now = Clock::now();
        std::deque<std::shared_ptr<Pending>> waiting;
        waiting.swap(queue);
        for (auto& pending : waiting) {
            if (pending->query.deadline > now) {
                queue.push_back(std::move(pending));
                continue;
            }
            counted.timeouts++;
            // Behind others that are served it says nothing of the server.
            if (connections.empty())
                breaker.failed(pending->ticket, now);
            else
                breaker.withdrawn(pending->ticket, now);
            answer(std::move(pending->done), Kind::kTimeout, "no connection was free by the deadline");
        }
        watch_deadlines();
    }

    void refuse_queue(const char* what, bool failed) {
        std::deque<std::shared_ptr<Pending>> waiting;
        waiting.swap(queue);
        const auto now = Clock::now();
        for (auto& pending : waiting) {
            if (failed)
                breaker.failed(pending->ticket, now);
            else
                breaker.withdrawn(pending->ticket, now);
            answer(std::move(pending->done), Kind::kUnreachable, what);
        }
    }

    // --- connections -------------------------------------------------------------------------------------------------

    // With a ticket it is the pool's own try, not that of a query.
    void connect(Breaker::Ticket ticket) {
        connecting++;
        const auto deadline = Clock::now() + options.connect_timeout;
        resolve(io, options.conninfo, defaults(options), first_host,
                [weak = weak_from_this(), ticket, deadline](ConnectParameters parameters) {
                    const auto self = weak.lock();
                    if (!self || self->stopped)
                        return;
                    if (!parameters.problem.empty())
                        return self->connect_failed(ticket, parameters.problem);
                    auto connection = std::make_shared<Connection>(self->io);
                    self->opening.push_back(connection);
                    connection->connect(parameters.parameters, deadline,
                                        [weak, connection, ticket](const std::string& problem) {
                                            if (const auto impl = weak.lock())
                                                impl->connected(connection, ticket, problem);
                                        });
                });
    }

    void connected(const ConnectionPtr& connection, Breaker::Ticket ticket, const std::string& problem) {
        opening.remove(connection);
        if (!problem.empty()) {
            first_host++; // libpq alone would begin with the same one again
            return connect_failed(ticket, problem);
        }
        connecting--;
        tries = 0;
        connect_failures = 0;
        counted.connects++;
        if (ticket)
            breaker.succeeded(ticket, Clock::now());
        if (!connections_were_had)
            spdlog::info("database: connected");
        connections_were_had = true;
        connections.push_back(connection);
        connection->when_lost([weak = weak_from_this(), raw = connection.get()] {
            const auto self = weak.lock();
            if (!self)
                return;
            self->trouble("the server closed a connection");
            self->remove(raw->shared_from_this());
            self->proceed();
        });
        proceed();
    }

    void connect_failed(Breaker::Ticket ticket, const std::string& problem) {
        connecting--;
        trouble(problem);
        more_not_before = Clock::now() + relay::redis::backoff(connect_failures++, 100ms, 5000ms);
        if (ticket)
            breaker.failed(ticket, Clock::now());
        if (connections.empty() && connecting == 0)
            refuse_queue("the database can't be reached", true);
        proceed();
    }

    void trouble(const std::string& what) {
        if (what != last_trouble || connections_were_had)
            spdlog::warn("database: {}", what);
        connections_were_had = false;
        last_trouble = what;
    }

    void remove(const ConnectionPtr& connection) {
        const auto found = std::find(connections.begin(), connections.end(), connection);
        if (found == connections.end())
            return;
        counted.losses++;
        connections.erase(found);
        connection->close();
    }

    void proceed() {
        if (stopped)
            return;
        dispatch();
        if (draining && busy() == 0 && drained)
            return stop();
        if (!draining && connections.empty() && connecting == 0)
            connect_again();
    }

    // One connection is kept, or tried for, though nobody asks: so that the next who does finds it.
    void connect_again() {
        const auto now = Clock::now();
        const auto at = std::max(now + relay::redis::backoff(tries, 50ms, 5000ms),
                                 breaker.state(now) == Breaker::State::kOpen ? breaker.retry_at() : now);
        tries++;
        again.expires_at(at);
        again.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
            const auto self = weak.lock();
            if (error || !self || self->stopped || self->draining || !self->connections.empty() || self->connecting > 0)
                return;
            if (const Breaker::Ticket ticket = self->breaker.admit(Clock::now()))
                self->connect(ticket);
            else
                self->connect_again();
        });
    }

    // --- the end -----------------------------------------------------------------------------------------------------

    std::size_t busy() const {
        return static_cast<std::size_t>(
            std::count_if(connections.begin(), connections.end(),
                          [](const ConnectionPtr& each) { return !each->is_idle() && !each->is_closed(); }));
    }

    void drain(std::function<void()> done) {
        draining = true;
        drained = std::move(done);
        refuse_queue("the pool is being closed", false);
        if (busy() == 0)
            stop();
    }

    void stop() {
        if (auto done = std::exchange(drained, nullptr))
            asio::post(io, std::move(done));
        if (std::exchange(stopped, true))
            return;
        refuse_queue("the pool is being closed", false);
        again.cancel();
        expiry.cancel();
        for (const auto& connection : opening)
            connection->close();
        opening.clear();
        for (const auto& connection : connections)
            connection->abort();
        connections.clear();
        connecting = 0;
    }

    asio::io_context& io;
    PoolOptions options;
    Breaker breaker;
    asio::steady_timer expiry;
    asio::steady_timer again;
    Clock::time_point watched = Clock::time_point::max();
    std::deque<std::shared_ptr<Pending>> queue;
    std::vector<ConnectionPtr> connections; // that are connected
    std::list<ConnectionPtr> opening;
    std::size_t connecting = 0;
    std::size_t first_host = 0;
    unsigned tries = 0;            // for the one connection that is kept
    unsigned connect_failures = 0; // in a row
    Clock::time_point more_not_before{};
    bool prepares;
    bool stopped = false;
    bool draining = false;
    bool connections_were_had = false;
    std::string last_trouble;
    std::function<void()> drained;
    State counted;
};

Pool::Pool(asio::io_context& io, PoolOptions options) : impl_(std::make_shared<Impl>(io, std::move(options))) {}

Pool::~Pool() {
    impl_->stop();
}

void Pool::start() {
    if (const Breaker::Ticket ticket = impl_->breaker.admit(Clock::now()))
        impl_->connect(ticket);
}

void Pool::submit(Query query, std::function<void(QueryResult)> done) {
    impl_->submit(std::move(query), std::move(done));
}

Pool::Submit Pool::submitter() const {
    return [weak = impl_->weak_from_this()](Query query, std::function<void(QueryResult)> done) {
        if (const auto impl = weak.lock())
            return impl->submit(std::move(query), std::move(done));
        QueryResult result;
        result.error.kind = Kind::kUnreachable;
        result.error.message = "the pool is being closed";
        done(std::move(result));
    };
}

void Pool::drain(std::function<void()> done) {
    impl_->drain(std::move(done));
}

void Pool::stop() {
    impl_->stop();
}

bool Pool::usable() const {
    return !impl_->stopped && !impl_->draining && impl_->breaker.would_admit(Clock::now());
}

Pool::State Pool::state() const {
    State state = impl_->counted;
    state.connections = impl_->connections.size();
    state.busy = impl_->busy();
    state.queued = impl_->queue.size();
    state.breaker = static_cast<int>(impl_->breaker.state(Clock::now()));
    state.prepares = impl_->prepares;
    state.trips = impl_->breaker.trips();
    state.last_trouble = impl_->last_trouble;
    return state;
}

} // namespace availability::database

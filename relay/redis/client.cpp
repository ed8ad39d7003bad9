#include "relay/redis/client.hpp"

#include <algorithm>
#include <set>

#include "relay/redis/backoff.hpp"
#include "relay/redis/command.hpp"

namespace availability::relay::redis {

using namespace std::chrono_literals;

namespace {

constexpr auto kTick = 10ms;
constexpr auto kFirstRetry = 10ms;
constexpr auto kLongestRetry = 1000ms;
constexpr auto kLongestReconnect = 2000ms;
// Maps are asked for no more often.
constexpr auto kRefreshPause = 100ms;
// So many redirections are followed at once; a longer chase waits between.
constexpr unsigned kEagerRedirections = 4;

} // namespace

Client::Client(boost::asio::io_context& io, ClientOptions options, ClientListener* listener)
    : io_(io), options_(std::move(options)), listener_(listener), timer_(io) {
    if (options_.cluster)
        slots_.resize(kSlots);
}

Client::~Client() {
    stop();
}

void Client::start() {
    if (options_.cluster) {
        refresh();
    } else {
        rebuild_masters();
        connection_to(node_at(options_.nodes[current_]));
    }
    schedule_tick();
}

void Client::stop() {
    if (stopped_)
        return;
    stopped_ = true;
    timer_.cancel();
    for (const auto& [name, node] : nodes_)
        if (node->connection != nullptr)
            node->connection->abandon();
    nodes_.clear();
    parked_.clear();
}

bool Client::is_connected_to(const std::string& node) const {
    const auto found = nodes_.find(node);
    return found != nodes_.end() && found->second->connection != nullptr && found->second->connection->is_ready();
}

std::string_view Client::master_of(std::uint16_t slot) const {
    if (!options_.cluster)
        return masters_.empty() ? std::string_view() : masters_[0].name;
    return slot < slots_.size() && slots_[slot] != nullptr ? std::string_view(slots_[slot]->name) : std::string_view();
}

// --- nodes ---------------------------------------------------------------------------------------

Client::Node* Client::node_at(const Endpoint& endpoint) {
    std::string name = endpoint.str();
    std::unique_ptr<Node>& node = nodes_[name];
    if (node == nullptr) {
        node = std::make_unique<Node>();
        node->endpoint = endpoint;
        node->name = std::move(name);
    }
    return node.get();
}

Client::Node* Client::node_of(const Connection& connection) {
    const auto found = nodes_.find(connection.endpoint().str());
    return found != nodes_.end() && found->second->connection.get() == &connection ? found->second.get() : nullptr;
}

Client::Node* Client::node_for(std::uint16_t slot) {
    if (!options_.cluster)
        return node_at(options_.nodes[current_]);
    if (slot != Request::kAnySlot)
        return slots_[slot];
    for (const auto& [name, node] : nodes_)
        if (node->connection != nullptr && node->connection->is_ready())
            return node.get();
    return node_at(options_.nodes[current_]);
}

Connection* Client::connection_to(Node* node) {
    if (node->connection != nullptr)
        return node->connection->is_closed() ? nullptr : node->connection.get();
    if (Clock::now() < node->retry_at)
        return nullptr;
    node->connection =
        std::make_shared<Connection>(io_, options_.connection, node->endpoint, static_cast<ConnectionOwner*>(this));
    counters_.connections++;
    node->connection->start();
    return node->connection.get();
}

void Client::ready(Connection& connection, const Identity& identity) {
    Node* node = node_of(connection);
    if (node == nullptr)
        return;
    if (!options_.cluster && !identity.is_master) {
        node->failures++;
        return connection.close("it is a replica");
    }
    node->failures = 0;
    listener_->identified(node->name, identity);
}

void Client::lost(Connection& connection, const std::string& reason, std::deque<RequestPtr> unanswered) {
    Node* node = node_of(connection);
    const std::string what = connection.endpoint().str() + ": " + reason;
    if (node != nullptr) {
        counters_.losses += node->failures == 0;
        node->connection.reset();
        node->retry_at = Clock::now() + backoff(node->failures++, 20ms, kLongestReconnect);
        listener_->trouble(what);
    }
    current_ = (current_ + 1) % options_.nodes.size();
    if (options_.cluster)
        refresh();
    else
        rebuild_masters();
    for (RequestPtr& request : unanswered)
        retry(std::move(request), what);
}

// A node that gets slots may have got them by a promotion.
void Client::identify(Node* node) {
    if (node->connection == nullptr || !node->connection->is_ready())
        return; // it will say so when it is connected
    auto identity = std::make_shared<Identity>();
    node->connection->submit(call(command("INFO", "server"), [identity](const Reply* reply, std::string_view) {
        if (reply != nullptr)
            read_info(reply->text, identity.get());
    }));
    node->connection->submit(
        call(command("INFO", "replication"), [this, identity, name = node->name](const Reply* reply, std::string_view) {
            if (reply == nullptr || identity->run_id.empty())
                return;
            read_info(reply->text, identity.get());
            listener_->identified(name, *identity);
        }));
}

void Client::identify_masters() {
    for (const Master& master : masters_)
        if (const auto found = nodes_.find(master.name); found != nodes_.end())
            identify(found->second.get());
}

// --- requests ------------------------------------------------------------------------------------

void Client::submit(RequestPtr request) {
    if (stopped_)
        return;
    if (request->deadline == Clock::time_point{})
        request->deadline = Clock::now() + options_.request_deadline;
    dispatch(std::move(request));
}

void Client::submit_to(const std::string& name, RequestPtr request) {
    if (stopped_)
        return;
    request->deadline = Clock::time_point::min(); // no second try
    const auto found = nodes_.find(name);
    if (found == nodes_.end() || found->second->connection == nullptr || !found->second->connection->is_ready())
        return request->failed("no connection to " + name);
    found->second->connection->submit(std::move(request));
}

void Client::dispatch(RequestPtr request) {
    Node* node = node_for(request->slot);
    if (node == nullptr) {
        refresh();
        return retry(std::move(request), "no node has its slot");
    }
    Connection* connection = connection_to(node);
    if (connection == nullptr)
        return park(std::move(request), kTick, "no connection to " + node->name);
    connection->submit(std::move(request));
}

void Client::retry(RequestPtr request, std::string_view reason) {
    counters_.retries++;
    const auto delay = backoff(request->attempts, kFirstRetry, kLongestRetry);
    request->attempts = static_cast<std::uint8_t>(std::min(request->attempts + 1, 255));
    park(std::move(request), delay, reason);
}

void Client::park(RequestPtr request, std::chrono::milliseconds delay, std::string_view reason) {
    const auto due = Clock::now() + delay;
    if (due > request->deadline) {
        counters_.failures++;
        return request->failed(reason);
    }
    parked_.emplace(due, std::move(request));
}

void Client::answered(Connection& connection, RequestPtr request, const Reply& reply) {
    // One for a certain node takes any answer.
    if (reply.is_error() && request->deadline != Clock::time_point::min())
        return handle_error(connection, std::move(request), reply);
    request->answered(reply);
}

void Client::handle_error(Connection& connection, RequestPtr request, const Reply& reply) {
    const ErrorReply error = read_error(reply.text);
    counters_.errors[static_cast<std::size_t>(error.kind)]++;
    switch (error.kind) {
    case ErrorKind::kMoved:
    case ErrorKind::kAsk:
        if (options_.cluster)
            return redirect(connection, std::move(request), error);
        listener_->trouble(connection.endpoint().str() + " is a node of a cluster, but redis.cluster is off");
        return retry(std::move(request), reply.text);
    case ErrorKind::kNoScript:
        // Each time with others that were on their way: loading is cheap.
        connection.load_scripts();
        if (request->attempts++ < kEagerRedirections)
            return connection.submit(std::move(request));
        return retry(std::move(request), reply.text);
    case ErrorKind::kClusterDown:
    case ErrorKind::kReadOnly:
        listener_->trouble(connection.endpoint().str() + ": " + reply.text);
        if (options_.cluster)
            refresh();
        else if (error.kind == ErrorKind::kReadOnly)
            connection.close("it is a replica");
        return retry(std::move(request), reply.text);
    case ErrorKind::kWait:
    case ErrorKind::kOutOfMemory:
    case ErrorKind::kRefused:
        listener_->trouble(connection.endpoint().str() + ": " + reply.text);
        return retry(std::move(request), reply.text);
    case ErrorKind::kWrongType:
    case ErrorKind::kOther:
        return request->answered(reply);
    }
}

void Client::redirect(Connection& connection, RequestPtr request, const ErrorReply& error) {
    Endpoint endpoint = error.endpoint;
    if (endpoint.host.empty())
        endpoint.host = connection.endpoint().host;
    Node* node = node_at(endpoint);
    if (error.kind == ErrorKind::kMoved) {
        if (slots_[error.slot] != node) {
            slots_[error.slot] = node;
            identify(node);
            rebuild_masters();
        }
        refresh();
    }
    if (request->attempts >= kEagerRedirections)
        return retry(std::move(request), "redirected too often");
    request->attempts++;
    counters_.retries++;
    Connection* target = connection_to(node);
    if (target == nullptr)
        return park(std::move(request), kTick, "no connection to " + node->name);
    target->submit(std::move(request), error.kind == ErrorKind::kAsk);
}

// --- the map -------------------------------------------------------------------------------------

void Client::refresh() {
    const auto now = Clock::now();
    if (!options_.cluster || refreshing_ || stopped_)
        return;
    // Soon: the tick comes back to it.
    if (now < refresh_at_ && refresh_at_ - now <= kRefreshPause)
        return;
    refreshing_ = true;
    Node* node = node_for(Request::kAnySlot);
    Connection* connection = connection_to(node);
    const auto again = [this] {
        refreshing_ = false;
        refresh_at_ = Clock::now() + kRefreshPause;
    };
    if (connection == nullptr) {
        current_ = (current_ + 1) % options_.nodes.size();
        return again();
    }
    RequestPtr request = call(command("CLUSTER", "SLOTS"),
                              [this, again, endpoint = node->endpoint](const Reply* reply, std::string_view reason) {
                                  again();
                                  if (reply == nullptr || reply->is_error())
                                      listener_->trouble(endpoint.str() + ": no map of the cluster: " +
                                                         (reply == nullptr ? std::string(reason) : reply->text));
                                  else
                                      take_map(*reply, endpoint);
                              });
    request->deadline = Clock::time_point::min();
    connection->submit(std::move(request));
}

void Client::take_map(const Reply& reply, const Endpoint& asked) {
    std::vector<SlotRange> ranges;
    if (!read_slots(reply, asked, &ranges))
        return listener_->trouble(asked.str() + ": its map of the cluster can't be read");
    refresh_at_ = Clock::now() + options_.refresh_interval;
    std::vector<Node*> slots(kSlots);
    std::set<Node*> gained;
    for (const SlotRange& range : ranges) {
        Node* node = node_at(range.master);
        for (std::size_t slot = range.first; slot <= range.last; slot++) {
            if (slots_[slot] != node)
                gained.insert(node);
            slots[slot] = node;
        }
    }
    slots_.swap(slots);
    for (Node* node : gained) {
        identify(node);
        connection_to(node);
    }
    forget_unused_nodes();
    rebuild_masters();
}

void Client::rebuild_masters() {
    std::vector<Master> masters;
    if (options_.cluster) {
        std::set<const Node*> seen;
        for (std::uint16_t slot = 0; slot < kSlots; slot++)
            if (slots_[slot] != nullptr && seen.insert(slots_[slot]).second)
                masters.push_back({slots_[slot]->name, slot});
    } else {
        masters.push_back({node_at(options_.nodes[current_])->name, 0});
    }
    const auto same = [](const Master& a, const Master& b) {
        return a.name == b.name && a.lowest_slot == b.lowest_slot;
    };
    if (std::equal(masters.begin(), masters.end(), masters_.begin(), masters_.end(), same))
        return;
    masters_.swap(masters);
    listener_->map_changed();
}

// Those without slots and without a connection: addresses come and go, for as long as the relay runs.
void Client::forget_unused_nodes() {
    const std::set<Node*> used(slots_.begin(), slots_.end());
    for (auto entry = nodes_.begin(); entry != nodes_.end();) {
        const bool unused = entry->second->connection == nullptr && used.count(entry->second.get()) == 0;
        entry = unused ? nodes_.erase(entry) : std::next(entry);
    }
}

// --- time ----------------------------------------------------------------------------------------

void Client::schedule_tick() {
    timer_.expires_after(kTick);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error && !stopped_)
            tick();
    });
}

void Client::tick() {
    const auto now = Clock::now();
    for (const auto& [name, node] : nodes_)
        if (node->connection != nullptr)
            node->connection->check_deadline(now);
    if (options_.cluster && now >= refresh_at_)
        refresh();
    // What is parked again meanwhile is due later.
    while (!stopped_ && !parked_.empty() && parked_.begin()->first <= now) {
        RequestPtr request = std::move(parked_.begin()->second);
        parked_.erase(parked_.begin());
        dispatch(std::move(request));
    }
    if (stopped_)
        return;
    for (const Master& master : masters_)
        if (const auto found = nodes_.find(master.name); found != nodes_.end())
            connection_to(found->second.get());
    schedule_tick();
}

} // namespace availability::relay::redis

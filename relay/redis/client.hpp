// The client of one Redis or of a Redis Cluster: brings each request to the node that has its slot and gives back one
// answer.
//
// What happens to a request on its way:
//
//   MOVED         the map takes it over, a new map is asked for; at once to the other node
//   ASK           at once to the other node after ASKING; the map stays
//   TRYAGAIN, LOADING, MASTERDOWN, BUSY, OOM, CLUSTERDOWN, READONLY, a lost connection      again after a back-off; the
//   last three with
//                 a new map
//   NOSCRIPT      the scripts are loaded, at once again on the same connection
//
// until an answer comes or its deadline passes. Requests of one slot keep their order but where one has to come again:
// what they do must not depend on it (it is guarded by stamps).
//
// Each connection, and each node that gets slots, is asked who it is before anything is sent that depends on the
// answer, on the same connection: the listener learns it before the first answer.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "relay/redis/connection.hpp"
#include "relay/redis/error_reply.hpp"
#include "relay/redis/hash_slot.hpp"
#include "relay/redis/slot_map.hpp"

namespace availability::relay::redis {

struct ClientOptions {
    std::vector<Endpoint> nodes; // at least one: the server, and others to try if it fails; or some of the cluster's
    bool cluster = false;
    ConnectionOptions connection;
    std::chrono::milliseconds request_deadline{10000};
    std::chrono::milliseconds refresh_interval{5000}; // of the map, while nothing happens
};

// A node to which keys are written.
struct Master {
    std::string name;              // its address
    std::uint16_t lowest_slot = 0; // 0 of a single server
};

class ClientListener {
  public:
    virtual ~ClientListener() = default;
    // Who answers at an address, before the answers of what it was asked after that.
    virtual void identified(const std::string& node, const Identity& identity) = 0;
    // masters() may have changed.
    virtual void map_changed() = 0;
    // A connection failed, or an error stands in the way. For people.
    virtual void trouble(const std::string& what) = 0;
};

// For metrics.
struct ClientCounters {
    std::array<std::uint64_t, 10> errors{}; // by ErrorKind
    std::uint64_t retries = 0;
    std::uint64_t connections = 0; // made
    std::uint64_t losses = 0;      // of connections that were ready
    std::uint64_t failures = 0;    // requests without an answer in time
};

class Client final : private ConnectionOwner {
  public:
    Client(boost::asio::io_context& io, ClientOptions options, ClientListener* listener);
    ~Client() override;

    void start();
    void submit(RequestPtr request);
    // To this node and no other: without redirection, and failed at once if there is no connection to it.
    void submit_to(const std::string& node, RequestPtr request);
    // Closes everything. Requests are dropped, none is answered or failed any more.
    void stop();

    // Asks every master that it is connected to who it is.
    void identify_masters();

    // Empty until the map is known.
    const std::vector<Master>& masters() const { return masters_; }
    bool is_connected_to(const std::string& node) const;
    // The master that has a slot, as far as the map is known; empty if it is not.
    std::string_view master_of(std::uint16_t slot) const;
    // A request to one node was answered with MOVED: asks for a new map, soon.
    void map_is_old() { refresh(); }
    const ClientCounters& counters() const { return counters_; }
    bool is_cluster() const { return options_.cluster; }

  private:
    struct Node {
        Endpoint endpoint;
        std::string name;
        std::shared_ptr<Connection> connection;
        unsigned failures = 0;
        Clock::time_point retry_at{};
    };

    void ready(Connection& connection, const Identity& identity) override;
    void answered(Connection& connection, RequestPtr request, const Reply& reply) override;
    void lost(Connection& connection, const std::string& reason, std::deque<RequestPtr> unanswered) override;

    Node* node_at(const Endpoint& endpoint);
    Node* node_of(const Connection& connection);
    Node* node_for(std::uint16_t slot);
    // The connection to send by; null while the node is to be left alone.
    Connection* connection_to(Node* node);
    void dispatch(RequestPtr request);
    void retry(RequestPtr request, std::string_view reason);
    void park(RequestPtr request, std::chrono::milliseconds delay, std::string_view reason);
    void redirect(Connection& connection, RequestPtr request, const ErrorReply& error);
    void handle_error(Connection& connection, RequestPtr request, const Reply& reply);
    void identify(Node* node);

    void refresh();
    void take_map(const Reply& reply, const Endpoint& asked);
    void rebuild_masters();
    void forget_unused_nodes();

    void schedule_tick();
    void tick();

    boost::asio::io_context& io_;
    ClientOptions options_;
    ClientListener* listener_;
    boost::asio::steady_timer timer_;
    bool stopped_ = false;

    std::map<std::string, std::unique_ptr<Node>> nodes_; // by name
    std::vector<Node*> slots_;                           // in a cluster: the owner of each, null if unknown
    std::vector<Master> masters_;
    std::size_t current_ = 0; // the configured node in use: of a single server, or the next to ask for a map
    bool refreshing_ = false;
    Clock::time_point refresh_at_{};
    std::multimap<Clock::time_point, RequestPtr> parked_;
    ClientCounters counters_;
};

} // namespace availability::relay::redis

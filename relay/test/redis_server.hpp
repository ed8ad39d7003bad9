// Real redis-servers for tests: each in a directory of its own, on a Unix socket or on ports that were free, gone with
// the object.
#pragma once

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "relay/redis/hash_slot.hpp"

namespace test {

// A directory that goes with the object.
class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        const char* base = std::getenv("TMPDIR");
        path_ = std::string(base != nullptr ? base : "/tmp") + "/relay-test-XXXXXX";
        if (mkdtemp(path_.data()) == nullptr)
            throw std::runtime_error("no temporary directory");
    }
    ~TemporaryDirectory() {
        const std::string command = "rm -rf '" + path_ + "'";
        if (std::system(command.c_str()) != 0)
            std::printf("# could not remove %s\n", path_.c_str());
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

// A TCP port that nobody listens on.
inline int free_port() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw std::runtime_error("no free port");
    close(fd);
    return ntohs(address.sin_port);
}

class RedisServer {
  public:
    using Options = std::vector<std::string>;

    // On a free TCP port of 127.0.0.1 and on a Unix socket. `options` are words of the command line.
    explicit RedisServer(Options options = {})
        : options_(std::move(options)), port_(free_port()), bus_port_(free_port()) {
        start();
    }
    ~RedisServer() { kill(SIGKILL); }
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;

    int port() const { return port_; }
    int bus_port() const { return bus_port_; }
    std::string socket() const { return directory_.path() + "/socket"; }
    const std::string& directory() const { return directory_.path(); }
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

    void start() {
        std::vector<std::string> words = {"redis-server", "--port", std::to_string(port_), "--bind", "127.0.0.1",
                                          "--unixsocket", socket(), "--dir", directory_.path(), "--logfile",
                                          directory_.path() + "/log", "--daemonize", "no", "--save", "",
                                          // The cluster's bus has a port of its own (since 7.0).
                                          "--cluster-port", std::to_string(bus_port_)};
        words.insert(words.end(), options_.begin(), options_.end());
        std::vector<char*> argv;
        for (std::string& word : words)
            argv.push_back(word.data());
        argv.push_back(nullptr);
        pid_ = fork();
        if (pid_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            const int null = open("/dev/null", O_RDWR);
            dup2(null, 0);
            dup2(null, 1);
            execvp(argv[0], argv.data());
            _exit(127);
        }
        wait_until([this] { return ask({"PING"}) != "error: no connection"; }, "redis-server to start");
    }
    // Waits until it is gone.
    void kill(int signal) {
        if (pid_ <= 0)
            return;
        ::kill(pid_, SIGCONT);
        ::kill(pid_, signal);
        waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    void pause() { ::kill(pid_, SIGSTOP); }
    void resume() { ::kill(pid_, SIGCONT); }

    // The answer as text: arrays as lines, "(nil)", "error: …".
    std::string ask(const std::vector<std::string>& words) const {
        const timeval timeout{5, 0};
        redisContext* context = redisConnectUnixWithTimeout(socket().c_str(), timeout);
        std::string answer = "error: no connection";
        if (context != nullptr && context->err == 0) {
            std::vector<const char*> argv;
            std::vector<std::size_t> sizes;
            for (const std::string& word : words) {
                argv.push_back(word.data());
                sizes.push_back(word.size());
            }
            if (auto* reply = static_cast<redisReply*>(
                    redisCommandArgv(context, static_cast<int>(argv.size()), argv.data(), sizes.data()))) {
                answer = text_of(*reply);
                freeReplyObject(reply);
            }
        }
        if (context != nullptr)
            redisFree(context);
        return answer;
    }

    static void wait_until(const std::function<bool()>& condition, const char* what) {
        for (int i = 0; i < 3000; i++) {
            if (condition())
                return;
            usleep(10000);
        }
        throw std::runtime_error(std::string("waited too long for ") + what);
    }

  private:
    static std::string text_of(const redisReply& reply) {
        switch (reply.type) {
        case REDIS_REPLY_INTEGER:
            return std::to_string(reply.integer);
        case REDIS_REPLY_NIL:
            return "(nil)";
        case REDIS_REPLY_ERROR:
            return "error: " + std::string(reply.str, reply.len);
        case REDIS_REPLY_ARRAY: {
            std::string lines;
            for (std::size_t i = 0; i < reply.elements; i++)
                lines += text_of(*reply.element[i]) + "\n";
            return lines;
        }
        default:
            return std::string(reply.str, reply.len);
        }
    }

    Options options_;
    TemporaryDirectory directory_;
    int port_;
    int bus_port_;
    pid_t pid_ = -1;
};

// A cluster of masters, the slots shared evenly, and as many replicas of the first ones.
class RedisCluster {
  public:
    RedisCluster(int masters, int replicas, RedisServer::Options options = {}) : masters_(masters) {
        options.insert(options.end(),
                       {"--cluster-enabled", "yes", "--cluster-node-timeout", "1500", "--repl-ping-replica-period", "1",
                        "--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0"});
        for (int i = 0; i < masters + replicas; i++)
            nodes_.push_back(std::make_unique<RedisServer>(options));
        for (std::size_t i = 1; i < nodes_.size(); i++)
            nodes_[0]->ask({"CLUSTER", "MEET", "127.0.0.1", std::to_string(nodes_[i]->port()),
                            std::to_string(nodes_[i]->bus_port())});
        for (int i = 0; i < masters; i++)
            node(i).ask(
                {"CLUSTER", "ADDSLOTSRANGE", std::to_string(first_slot(i)), std::to_string(first_slot(i + 1) - 1)});
        wait_until_known();
        for (int i = 0; i < replicas; i++) {
            const std::string master = id(i);
            RedisServer::wait_until(
                [&] {
                    return node(masters + i).ask({"CLUSTER", "REPLICATE", master}) == "OK";
                },
                "a replica");
        }
        RedisServer::wait_until([this] { return is_whole(); }, "the cluster");
        for (int i = 0; i < replicas; i++)
            wait_until_synchronized(masters + i);
    }

    RedisServer& node(int i) { return *nodes_[static_cast<std::size_t>(i)]; }
    int size() const { return static_cast<int>(nodes_.size()); }
    int first_slot(int i) const { return 16384 * i / masters_; }
    std::string id(int i) { return node(i).ask({"CLUSTER", "MYID"}); }
    bool is_whole() {
        for (const auto& each : nodes_)
            if (each->ask({"CLUSTER", "INFO"}).find("cluster_state:ok") == std::string::npos)
                return false;
        return true;
    }
    void wait_until_synchronized(int i) {
        RedisServer::wait_until(
            [&] {
                return node(i).ask({"INFO", "replication"}).find("master_link_status:up") != std::string::npos;
            },
            "a replica to have its master's data");
    }
    // What a master is told from now on, its replica never gets. (One that is stopped would read what is on its way
    // when it goes on.)
    void cut_off(int master, int replica) {
        node(master).ask({"ACL", "SETUSER", "default", "-psync", "-sync", "-replconf"});
        node(master).ask({"CLIENT", "KILL", "TYPE", "replica"});
        RedisServer::wait_until(
            [&] {
                return node(replica).ask({"INFO", "replication"}).find("master_link_status:down") != std::string::npos;
            },
            "the replica to be cut off");
    }
    // Which of the nodes has a slot, as node `asked` sees it.
    int owner_of(int slot, int asked) {
        const std::string answer = node(asked).ask(
            {"SET", "{" + availability::relay::redis::tag_of_slot(static_cast<std::uint16_t>(slot)) + "}probe", "1"});
        if (answer == "OK")
            return asked;
        for (int i = 0; i < size(); i++)
            if (answer.find(":" + std::to_string(node(i).port())) != std::string::npos)
                return i;
        return -1;
    }
    // Moves a slot with its keys.
    void migrate(int slot, int from, int to) {
        const std::string text = std::to_string(slot);
        node(to).ask({"CLUSTER", "SETSLOT", text, "IMPORTING", id(from)});
        node(from).ask({"CLUSTER", "SETSLOT", text, "MIGRATING", id(to)});
        for (;;) {
            const std::string keys = node(from).ask({"CLUSTER", "GETKEYSINSLOT", text, "100"});
            if (keys.empty())
                break;
            std::vector<std::string> words = {"MIGRATE", "127.0.0.1", std::to_string(node(to).port()), "", "0",
                                              "5000",    "KEYS"};
            for (std::size_t at = 0; at < keys.size();) {
                const std::size_t end = keys.find('\n', at);
                words.push_back(keys.substr(at, end - at));
                at = end + 1;
            }
            node(from).ask(words);
        }
        for (const int i : {to, from})
            node(i).ask({"CLUSTER", "SETSLOT", text, "NODE", id(to)});
    }

  private:
    void wait_until_known() {
        RedisServer::wait_until(
            [this] {
                for (const auto& each : nodes_)
                    if (each->ask({"CLUSTER", "INFO"}).find("cluster_known_nodes:" + std::to_string(nodes_.size())) ==
                        std::string::npos)
                        return false;
                return true;
            },
            "the nodes to know each other");
    }

    int masters_;
    std::vector<std::unique_ptr<RedisServer>> nodes_;
};

} // namespace test

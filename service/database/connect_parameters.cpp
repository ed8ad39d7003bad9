#include "service/database/connect_parameters.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <libpq-fe.h>

#include "relay/source/pg_connection.hpp"

namespace availability::database {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts(1);
    for (const char c : text)
        if (c == ',')
            parts.emplace_back();
        else
            parts.back() += c;
    return parts;
}

std::string join(const std::vector<std::string>& parts) {
    std::string text;
    for (std::size_t i = 0; i < parts.size(); i++)
        text += (i > 0 ? "," : "") + parts[i];
    return text;
}

std::string* find(Parameters* parameters, const char* keyword) {
    for (auto& [name, value] : *parameters)
        if (name == keyword)
            return &value;
    return nullptr;
}

void set(Parameters* parameters, const char* keyword, std::string value) {
    if (std::string* found = find(parameters, keyword))
        *found = std::move(value);
    else
        parameters->emplace_back(keyword, std::move(value));
}

bool is_name(const std::string& host) {
    if (host.empty() || host[0] == '/' || host[0] == '@')
        return false;
    error_code no_address;
    asio::ip::make_address(host, no_address);
    return static_cast<bool>(no_address);
}

// One host after the other; they are few.
class Resolution : public std::enable_shared_from_this<Resolution> {
  public:
    Resolution(asio::io_context& io, ConnectParameters result, std::vector<std::string> hosts,
               std::vector<std::string> ports, std::size_t first, std::function<void(ConnectParameters)> done)
        : resolver_(io), result_(std::move(result)), hosts_(std::move(hosts)), ports_(std::move(ports)), first_(first),
          done_(std::move(done)) {}

    void next() {
        if (at_ == hosts_.size())
            return finish();
        const std::string& host = hosts_[at_];
        if (!is_name(host)) {
            add(host.empty() || host[0] == '/' || host[0] == '@' ? "" : host);
            at_++;
            return next();
        }
        resolver_.async_resolve(host, "", [self = shared_from_this()](error_code error, const auto& addresses) {
            if (error)
                self->problem_ = "could not resolve \"" + self->hosts_[self->at_] + "\": " + error.message();
            else
                for (const auto& address : addresses)
                    self->add(address.endpoint().address().to_string());
            self->at_++;
            self->next();
        });
    }

  private:
    void add(const std::string& address) {
        const std::string& port = ports_.size() == 1 ? ports_[0] : ports_[at_];
        for (std::size_t i = 0; i < names_.size(); i++) // a resolver tells an address once for each kind of socket
            if (names_[i] == hosts_[at_] && addresses_[i] == address && given_[i] == port)
                return;
        names_.push_back(hosts_[at_]);
        addresses_.push_back(address);
        given_.push_back(port);
    }
    void finish() {
        if (names_.empty()) {
            result_.problem = problem_;
        } else {
            const auto by = static_cast<std::ptrdiff_t>(first_ % names_.size());
            for (auto* list : {&names_, &addresses_, &given_})
                std::rotate(list->begin(), list->begin() + by, list->end());
            result_.hosts = names_.size();
            set(&result_.parameters, "host", join(names_));
            if (std::any_of(addresses_.begin(), addresses_.end(), [](const auto& text) { return !text.empty(); }))
                set(&result_.parameters, "hostaddr", join(addresses_));
            if (std::any_of(given_.begin(), given_.end(), [](const auto& text) { return !text.empty(); }))
                set(&result_.parameters, "port", join(given_));
        }
        done_(std::move(result_));
    }

    asio::ip::tcp::resolver resolver_;
    ConnectParameters result_;
    std::vector<std::string> hosts_, ports_;
    std::size_t first_;
    std::function<void(ConnectParameters)> done_;
    std::size_t at_ = 0;
    std::vector<std::string> names_, addresses_, given_; // what libpq gets, one element an address
    std::string problem_;
};

// What the environment says where conninfo does not, as libpq takes it.
std::string value_of(Parameters* parameters, const char* keyword, const char* variable) {
    if (const std::string* found = find(parameters, keyword))
        return *found;
    const char* text = std::getenv(variable);
    return text != nullptr ? text : "";
}

} // namespace

void resolve(asio::io_context& io, const std::string& conninfo, const Parameters& defaults, std::size_t first,
             std::function<void(ConnectParameters)> done) {
    ConnectParameters result;
    result.parameters = defaults;
    char* problem = nullptr;
    PQconninfoOption* options = PQconninfoParse(conninfo.c_str(), &problem);
    if (options == nullptr) {
        result.problem = relay::one_line(problem != nullptr ? problem : "out of memory");
        PQfreemem(problem);
        asio::post(io, [result, done = std::move(done)] { done(result); });
        return;
    }
    for (const PQconninfoOption* option = options; option->keyword != nullptr; option++)
        if (option->val != nullptr)
            set(&result.parameters, option->keyword, option->val);
    PQconninfoFree(options);

    const std::string host = value_of(&result.parameters, "host", "PGHOST");
    const std::vector<std::string> hosts = split(host);
    const std::vector<std::string> ports = split(value_of(&result.parameters, "port", "PGPORT"));
    const bool from_service =
        find(&result.parameters, "host") == nullptr && !value_of(&result.parameters, "service", "PGSERVICE").empty();
    if (host.empty() || from_service || !value_of(&result.parameters, "hostaddr", "PGHOSTADDR").empty() ||
        (ports.size() != 1 && ports.size() != hosts.size())) { // which libpq refuses
        asio::post(io, [result = std::move(result), done = std::move(done)] { done(result); });
        return;
    }
    auto resolution = std::make_shared<Resolution>(io, std::move(result), hosts, ports, first, std::move(done));
    asio::post(io, [resolution] { resolution->next(); });
}

} // namespace availability::database

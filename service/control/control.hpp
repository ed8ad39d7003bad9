// The control endpoints, which listen apart and ask for a bearer token:
//
//   GET, PUT /v1/routing        {"mode","canary","canary_share","kill_switch"}; of a PUT, what is left out stays
//   GET, PUT /v1/verification   {"share"}
//   GET      /v1/status         how the parts of the service are
#pragma once

#include <functional>
#include <string>

#include "service/http/exchange.hpp"
#include "service/reader/reader.hpp"

namespace availability::service {

class Control final : public Handler {
  public:
    struct Hooks {
        std::function<reader::Routing()> routing;
        // Returns why it can't be, empty if it is done.
        std::function<std::string(const reader::Routing&)> set_routing;
        std::function<double()> share;
        std::function<void(double)> set_share;
        std::function<std::string()> status; // a JSON object
        std::function<std::string()> token;
    };

    explicit Control(Hooks hooks) : hooks_(std::move(hooks)) {}
    void handle(Exchange& exchange) override;
    void finished(const Exchange& exchange, unsigned status) override;

  private:
    void routing(Exchange& exchange);
    void verification(Exchange& exchange);
    Hooks hooks_;
};

} // namespace availability::service

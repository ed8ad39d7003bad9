// The service: its tiers, the reader over them, and HTTP over the reader, on one event loop.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "service/settings.hpp"

namespace availability::service {

class Service {
  public:
    // Throws std::runtime_error if the TLS files can't be used.
    Service(boost::asio::io_context& io, Settings settings);
    ~Service();

    // Returns an error, empty if there is none. `on_ready` is called once, when /readyz first turns green.
    std::string start(std::function<void()> on_ready);
    // Takes over what can be changed while it runs; names what can't.
    void reload(const Settings& settings);
    // /readyz turns red, then no connection is accepted, then what is under way is finished; then `done` is called.
    void drain(std::function<void()> done);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace availability::service

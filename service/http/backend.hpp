// What the API asks of the rest of the service. The tests of HTTP have one of their own.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "service/database/bookings.hpp"
#include "service/reader/answer.hpp"

namespace availability::service {

class Backend {
  public:
    virtual ~Backend() = default;

    // As of reader::Reader.
    virtual void read(const reader::Listing& listing, const reader::ReadOptions& options, reader::Answered done) = 0;
    virtual void read_many(const std::vector<reader::Listing>& listings, const reader::ReadOptions& options,
                           reader::AllAnswered done) = 0;
    virtual void search(reader::SetQuery query, const reader::ReadOptions& options,
                        std::function<void(const reader::SetAnswer&)> done) = 0;
    virtual void book(database::BookingRequest request, std::function<void(database::BookingAnswer)> done) = 0;

    // How listings of a table are written: as a number or as text; nothing while it is not known.
    virtual std::optional<reader::Key::Kind> kind_of_listings(std::uint16_t table) const = 0;
    // Whether the service can do its job: what /readyz says. `why` is for people.
    virtual bool ready(std::string* why) const = 0;
    // The same for programs, as JSON: what anybody may know of the service's parts.
    virtual std::string health() const { return "{}"; }
    virtual std::string metrics() = 0;
    // Whether work is to be refused, since there is more than can be done in time.
    virtual bool overloaded() const = 0;
};

} // namespace availability::service

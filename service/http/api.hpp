// The API: which request is which question, and how its answer is written. service/http/openapi.json describes it.
//
//   api.cpp            routes, and what is asked of every request
//   api_reads.cpp      one listing
//   api_sets.cpp       many listings
//   api_bookings.cpp   bookings and holds
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "service/http/backend.hpp"
#include "service/http/exchange.hpp"
#include "service/http/query.hpp"

namespace availability::service {

class Events;

struct ApiOptions {
    std::vector<std::string> tables;       // names of the tables, in the order of their numbers
    std::vector<std::string> reservations; // the tracked tables, as schema.table
    std::chrono::milliseconds read_deadline{1000};
    std::chrono::milliseconds booking_deadline{5000};
    std::size_t max_listings = 200;  // of one request
    int max_days = 1100;             // between two dates of one request
    int max_limit = 1000;            // of a search
    std::size_t max_waiting = 10000; // requests that wait for an answer; more are refused
};

class Api final : public Handler {
  public:
    // What is told of every answer, for metrics and logs.
    using Finished = std::function<void(const Exchange&, unsigned status)>;

    Api(Backend& backend, Events& events, ApiOptions options, Finished finished);

    void handle(Exchange& exchange) override;
    void finished(const Exchange& exchange, unsigned status) override { finished_(exchange, status); }
    ApiOptions& options() { return options_; }
    std::size_t waiting() const { return waiting_; }
    std::uint64_t shed() const { return shed_; }

  private:
    void route(Exchange& exchange, const Target& target);
    void route_v1(Exchange& exchange, const Target& target);
    void answer_fixed(Exchange& exchange);

    // One listing.
    void read_listing(Exchange& exchange, std::string_view listing);
    bool take_question(Exchange& exchange);
    void answer_listing(Exchange& exchange, const reader::Answer& answer);
    void refuse_answer(Exchange& exchange, const reader::Answer& answer);
    void events(Exchange& exchange);

    // Many.
    void read_many(Exchange& exchange);
    bool take_body_of_many(Exchange& exchange, std::string* check_in, std::string* check_out);
    void answer_many(Exchange& exchange, const std::vector<reader::Answer>& answers);
    void search(Exchange& exchange);
    void answer_search(Exchange& exchange, const reader::SetAnswer& answer);

    // Bookings.
    void book(Exchange& exchange, const Target& target);
    bool take_body_of_booking(Exchange& exchange, database::BookingRequest* request);
    bool take_key(Exchange& exchange, database::BookingRequest* request);
    void submit(Exchange& exchange, database::BookingRequest request);
    void answer_booking(Exchange& exchange, database::BookingRequest::Action action,
                        const database::BookingAnswer& answer);

    // What is asked of every request. False: it was refused, or answered.
    bool is_allowed(Exchange& exchange, std::string_view methods);
    bool admit(Exchange& exchange);
    bool begin_query(Exchange& exchange, const Target& target);
    bool end_query(Exchange& exchange);
    bool refuse_parameter(Exchange& exchange, std::string_view name, std::string_view what);
    bool take_stay(Exchange& exchange, const char* from, const char* to);
    bool check_stay(Exchange& exchange, std::string_view first, std::string_view last, const char* from,
                    const char* to);
    bool take_number(Exchange& exchange, const char* name, std::int64_t least, std::int64_t most, std::int64_t* number);
    // How its listings are written is not known yet.
    void refuse_unknown_table(Exchange& exchange);
    // A listing as it stands in the table that was asked for.
    bool key_of(Exchange& exchange, std::string_view text, reader::Key* key);
    bool take_listings(Exchange& exchange, std::string_view list);
    reader::Clock::time_point deadline_of(const Exchange& exchange, std::chrono::milliseconds most) const;

    Backend& backend_;
    Events& events_;
    ApiOptions options_;
    Finished finished_;
    std::size_t waiting_ = 0;
    std::uint64_t shed_ = 0;

    // Of the request that is being looked at, until the backend has been asked.
    Query query_;
    reader::ReadOptions read_options_;
    std::uint16_t table_ = 0;
    std::string decoded_;
    std::string etag_;
    std::vector<reader::Listing> listings_;
};

} // namespace availability::service

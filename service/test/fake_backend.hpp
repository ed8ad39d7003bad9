// A backend of the tests of HTTP: calendars in a map, answers at once or when the test says so.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "service/http/backend.hpp"
#include "service/reader/tier.hpp"

namespace availability::service {

class FakeBackend final : public Backend {
  public:
    void read(const reader::Listing& listing, const reader::ReadOptions& options, reader::Answered done) override {
        ++reads;
        last_options = options;
        if (hold_reads) {
            held.push_back([this, owned = reader::OwnedListing(listing), options, done = std::move(done)] {
                done(answer_of(owned.view(), options));
            });
            return;
        }
        done(answer_of(listing, options));
    }
    void read_many(const std::vector<reader::Listing>& listings, const reader::ReadOptions& options,
                   reader::AllAnswered done) override {
        std::vector<reader::Answer> answers;
        for (const reader::Listing& listing : listings)
            answers.push_back(answer_of(listing, options));
        done(answers);
    }
    void search(reader::SetQuery query, const reader::ReadOptions&,
                std::function<void(const reader::SetAnswer&)> done) override {
        reader::SetAnswer answer;
        answer.available = true;
        answer.source = reader::Source::kReplica;
        answer.as_of = as_of;
        for (const auto& [number, bytes] : calendars) {
            DaysetView view;
            DaysetView::open(bytes.data(), bytes.size(), &view);
            if (view.overlaps({query.from, query.to}))
                continue;
            ++answer.count;
            if (number > query.after.number && answer.listings.size() < query.limit)
                answer.listings.push_back(std::to_string(number));
        }
        done(answer);
    }
    void book(database::BookingRequest request, std::function<void(database::BookingAnswer)> done) override {
        last_booking = std::move(request);
        done(booking_answer);
    }
    std::optional<reader::Key::Kind> kind_of_listings(std::uint16_t table) const override {
        if (!knows_kinds)
            return std::nullopt;
        return table == 0 ? reader::Key::Kind::kNumber : reader::Key::Kind::kText;
    }
    bool ready(std::string* why) const override {
        *why = is_ready ? "ready" : "not yet";
        return is_ready;
    }
    std::string metrics() override { return "a_metric 1\n"; }
    bool overloaded() const override { return is_overloaded; }

    void set(std::int64_t listing, DaySpan booked);

    std::map<std::int64_t, std::string> calendars;
    std::int64_t version = 1795467185120045;
    std::int64_t as_of = 1795467185120045;
    bool is_ready = true;
    bool is_overloaded = false;
    bool knows_kinds = true;
    bool hold_reads = false;
    std::vector<std::function<void()>> held;
    int reads = 0;
    reader::ReadOptions last_options;
    database::BookingRequest last_booking;
    database::BookingAnswer booking_answer;

  private:
    reader::Answer answer_of(const reader::Listing& listing, const reader::ReadOptions&) const {
        reader::Answer answer;
        answer.source = reader::Source::kReplica;
        answer.as_of = as_of;
        const auto found = calendars.find(listing.key.number);
        if (listing.table != 0 || found == calendars.end()) {
            answer.outcome = reader::Answer::Outcome::kNoListing;
            return answer;
        }
        answer.outcome = reader::Answer::Outcome::kFound;
        answer.version = version;
        answer.booked = found->second;
        DaysetView::open(found->second.data(), found->second.size(), &answer.calendar);
        return answer;
    }
};

// The stored bytes of one run of days.
inline std::string stored_run(DaySpan booked) {
    std::string bytes("\x3b\x30\x00\x00\x01\x00\x00", 7);
    const auto add = [&](int number) {
        bytes.push_back(static_cast<char>(number & 255));
        bytes.push_back(static_cast<char>(number >> 8));
    };
    add(booked.days() - 1);
    add(1);
    add(booked.first_day);
    add(booked.days() - 1);
    return bytes;
}

inline void FakeBackend::set(std::int64_t listing, DaySpan booked) {
    calendars[listing] = stored_run(booked);
}

} // namespace availability::service

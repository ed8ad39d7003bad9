// A relay for one sink: gives it batches, minds what it does with them.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "extension/core/dayset.hpp"
#include "relay/sink.hpp"

namespace test {

using namespace availability;
using namespace availability::relay;

inline std::string stored_bytes(const std::vector<DaySpan>& spans) {
    Dayset set;
    for (const DaySpan span : spans)
        set.add(span);
    std::string bytes(set.stored_size(), '\0');
    set.write(bytes.data());
    return bytes;
}

// Makes batches of events.
class BatchMaker {
  public:
    explicit BatchMaker(Epoch epoch) : batch_(std::make_shared<Batch>()) { batch_->epoch = epoch; }

    Event& add(EventKind kind, const Key& listing, std::int64_t version, std::string_view booked) {
        Event& event = batch_->events.emplace_back();
        event.kind = kind;
        event.listing = listing;
        event.listing.text = batch_->arena.copy(listing.text);
        event.version = version;
        event.booked = batch_->arena.copy(booked);
        event.at = version;
        event.position = {static_cast<std::uint64_t>(version), batch_->events.size()};
        return event;
    }
    // With what was before.
    Event& add(EventKind kind, const Key& listing, std::int64_t version, std::string_view booked,
               std::int64_t previous_version, std::string_view previous) {
        Event& event = add(kind, listing, version, booked);
        event.previous_version = previous_version;
        event.previous = batch_->arena.copy(previous);
        return event;
    }
    std::string_view copy(std::string_view bytes) { return batch_->arena.copy(bytes); }
    std::size_t size() const { return batch_->events.size(); }
    BatchPtr take() {
        if (!batch_->events.empty())
            batch_->lsn = batch_->events.back().position.lsn;
        return std::move(batch_);
    }

  private:
    std::shared_ptr<Batch> batch_;
};

class FakeFeed : public Feed {
  public:
    void push(BatchPtr batch) { batches_.push_back({std::move(batch), false}); }
    // All that was pushed is applied.
    bool idle() const { return batches_.empty(); }
    std::size_t waiting() const { return batches_.size(); }
    void clear() { batches_.clear(); }

    BatchPtr next() override {
        for (Given& given : batches_)
            if (!given.taken) {
                given.taken = true;
                taken++;
                return given.batch;
            }
        return on_empty ? on_empty() : nullptr;
    }
    void applied(const BatchPtr& batch) override {
        const auto given =
            std::find_if(batches_.begin(), batches_.end(), [&](const Given& each) { return each.batch == batch; });
        if (given == batches_.end())
            return;
        batches_.erase(given);
        applied_batches++;
    }
    void rewind() override {
        rewinds++;
        for (Given& given : batches_)
            given.taken = false;
    }
    void dead_letter(const Event& event, std::string_view reason) override {
        dead_letters.emplace_back(event.listing.str(), reason);
    }
    void demand_epoch(std::string_view reason) override { demands.emplace_back(reason); }
    void set_problem(std::string_view text) override { problem = text; }
    void request_calendars(const std::vector<ListingName>& listings) override {
        for (const ListingName& name : listings)
            requested.push_back(name.key().str());
    }

    std::function<BatchPtr()> on_empty;
    std::size_t taken = 0;
    std::size_t applied_batches = 0;
    std::size_t rewinds = 0;
    std::vector<std::pair<std::string, std::string>> dead_letters;
    std::vector<std::string> demands;
    std::vector<std::string> requested;
    std::string problem;

  private:
    struct Given {
        BatchPtr batch;
        bool taken;
    };
    std::deque<Given> batches_;
};

} // namespace test

// What a replica must answer, by a map of sets of days; and calendars to give to it.
#pragma once

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "extension/core/dayset.hpp"
#include "service/reader/replica.hpp"

namespace test {

using namespace availability;
using namespace availability::reader;

inline std::string stored_bytes(const std::vector<DaySpan>& spans) {
    Dayset set;
    for (const DaySpan span : spans)
        set.add(span);
    std::string bytes(set.stored_size(), '\0');
    set.write(bytes.data());
    return bytes;
}

// Numbers come before texts.
struct ModelKey {
    int table = 0;
    bool is_text = false;
    std::int64_t number = 0;
    std::string text;

    Listing view() const {
        return {static_cast<std::uint16_t>(table), is_text ? Key::of(std::string_view(text)) : Key::of(number)};
    }
    friend bool operator<(const ModelKey& a, const ModelKey& b) {
        return std::tie(a.table, a.is_text, a.number, a.text) < std::tie(b.table, b.is_text, b.number, b.text);
    }
};

struct ModelState {
    enum class Kind { kLive, kGone, kUnknown } kind = Kind::kLive;
    std::int64_t version = INT64_MIN;
    std::string booked;
    std::set<Day> days;
    bool current = true; // came in this load
};

class Model {
  public:
    std::map<ModelKey, ModelState> listings;
    bool loading = false;

    bool apply(const ModelKey& key, std::int64_t version, const std::vector<DaySpan>& spans, bool dropped) {
        ModelState& state =
            listings.try_emplace(key, ModelState{ModelState::Kind::kGone, INT64_MIN, {}, {}, true}).first->second;
        if (state.version != INT64_MIN && state.current && version <= state.version)
            return false;
        state = {dropped ? ModelState::Kind::kGone : ModelState::Kind::kLive, version, stored_bytes(spans), {}, true};
        for (const DaySpan span : spans)
            for (Day day = span.first_day; day < span.end_day; ++day)
                state.days.insert(day);
        return true;
    }
    void forget(const ModelKey& key) {
        ModelState& state = listings[key];
        state = {ModelState::Kind::kUnknown, INT64_MIN, {}, {}, true};
    }
    void begin_load() {
        loading = true;
        for (auto& [key, state] : listings)
            state.current = false;
    }
    void end_load() {
        loading = false;
        for (auto state = listings.begin(); state != listings.end();)
            state = !state->second.current || state->second.kind == ModelState::Kind::kGone ? listings.erase(state)
                                                                                            : std::next(state);
    }
    SetAnswer search(const SetQuery& query) const {
        SetAnswer answer;
        answer.available = true;
        const Day nights = query.nights == 0 ? query.to - query.from : query.nights;
        for (const auto& [key, state] : listings) {
            const Key view = key.view().key;
            if (key.table != query.table ||
                (!query.among.empty() && std::find(query.among.begin(), query.among.end(), view) == query.among.end()))
                continue;
            answer.unknown += state.kind == ModelState::Kind::kUnknown;
            if (state.kind != ModelState::Kind::kLive)
                continue;
            bool free = false;
            for (Day from = query.from; from + nights <= query.to && !free; ++from) {
                const auto booked = state.days.lower_bound(from);
                free = booked == state.days.end() || *booked >= from + nights;
            }
            if (!free)
                continue;
            ++answer.count;
            ModelKey after;
            after.table = key.table;
            after.is_text = query.after.kind == Key::Kind::kText;
            after.number = query.after.number;
            after.text = std::string(query.after.text);
            if (!query.after.empty() && !(after < key))
                continue;
            if (answer.listings.size() < query.limit)
                answer.listings.push_back(view.str());
            else
                answer.more = true;
        }
        return answer;
    }
};

inline bool same(const SetAnswer& a, const SetAnswer& b) {
    return a.available == b.available && a.count == b.count && a.unknown == b.unknown && a.listings == b.listings &&
           (a.more == b.more);
}

} // namespace test

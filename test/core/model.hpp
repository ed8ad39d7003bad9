// The model that the core is tested against: a day set is a std::set of day numbers. The encoder
// here is written from the format's specification and shares no code with the core.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "extension/core/dayset.hpp"
#include "extension/core/dayset_text.hpp"
#include "extension/core/dayset_validate.hpp"
#include "extension/core/dayset_view.hpp"

namespace test {

using availability::Day;
using availability::Dayset;
using availability::DaysetView;
using availability::DaySpan;
using availability::kEndDay;
using availability::kFirstDay;
using availability::kLastDay;

// A type of its own, so that a counterexample can be shown as runs.
struct Model : std::set<Day> {
    using std::set<Day>::set;
};

using Spans = std::vector<DaySpan>;
using Bytes = std::vector<std::uint8_t>;

inline Model days_of(DaySpan span) {
    Model days;
    for (Day day = span.first_day; day < span.end_day; ++day)
        days.insert(days.end(), day);
    return days;
}

inline Spans runs_of(const Model& model) {
    Spans runs;
    for (const Day day : model) {
        if (runs.empty() || runs.back().end_day != day)
            runs.push_back({day, day});
        runs.back().end_day = day + 1;
    }
    return runs;
}

inline Spans runs_of(const DaysetView& view) {
    Spans runs;
    availability::RunCursor cursor(view);
    for (DaySpan run; cursor.next(&run);)
        runs.push_back(run);
    return runs;
}

inline Dayset dayset_of(const Model& model) {
    Dayset set;
    for (const DaySpan run : runs_of(model))
        set.add(run);
    return set;
}

inline Bytes stored(const Dayset& set) {
    Bytes bytes(set.stored_size());
    bytes.resize(set.write(bytes.data()));
    return bytes;
}

inline std::string text_of(const DaysetView& view) {
    std::string text(availability::text_size_bound(view), '\0');
    text.resize(availability::format(view, text.data()));
    return text;
}

// Stored bytes opened in memory of their own that ends where they end, so that the address
// sanitizer sees every read past them, and that begins at an odd address, so that the other one
// sees every aligned load.
class OpenSet {
  public:
    explicit OpenSet(const Bytes& bytes) : memory_(new std::uint8_t[bytes.size() + 1]) {
        std::copy(bytes.begin(), bytes.end(), memory_.get() + 1);
        opened = DaysetView::open(memory_.get() + 1, bytes.size(), &view);
        complaint = availability::validate(memory_.get() + 1, bytes.size(), &validated, &canonical);
    }

    bool opened;
    DaysetView view;
    const char* complaint;
    DaysetView validated;
    bool canonical = false;

  private:
    std::unique_ptr<std::uint8_t[]> memory_;
};

inline void put(Bytes* bytes, int size, std::uint64_t number) {
    for (; size > 0; --size, number >>= 8)
        bytes->push_back(static_cast<std::uint8_t>(number));
}

inline Bytes header(std::uint32_t cookie, std::size_t days) {
    Bytes bytes;
    put(&bytes, 4, cookie);
    if (cookie == 12346)
        put(&bytes, 4, days == 0 ? 0 : 1);
    return bytes;
}

inline Bytes run_encoding(const Model& model) {
    const Spans runs = runs_of(model);
    Bytes bytes = header(12347, model.size());
    put(&bytes, 1, 1);
    put(&bytes, 2, 0);
    put(&bytes, 2, model.size() - 1);
    put(&bytes, 2, runs.size());
    for (const DaySpan run : runs) {
        put(&bytes, 2, static_cast<std::uint64_t>(run.first_day));
        put(&bytes, 2, static_cast<std::uint64_t>(run.days() - 1));
    }
    return bytes;
}

// An array or a bitset container, under either cookie.
inline Bytes plain_encoding(const Model& model, std::uint32_t cookie = 12346) {
    Bytes bytes = header(cookie, model.size());
    if (model.empty())
        return bytes;
    if (cookie == 12347)
        put(&bytes, 1, 0);
    put(&bytes, 2, 0);
    put(&bytes, 2, model.size() - 1);
    if (cookie == 12346)
        put(&bytes, 4, 16);
    if (model.size() <= 4096) {
        for (const Day day : model)
            put(&bytes, 2, static_cast<std::uint64_t>(day));
        return bytes;
    }
    std::vector<std::uint64_t> words(1024);
    for (const Day day : model)
        words[static_cast<std::size_t>(day) / 64] |= std::uint64_t{1} << day % 64;
    for (const std::uint64_t word : words)
        put(&bytes, 8, word);
    return bytes;
}

inline Bytes canonical_encoding(const Model& model) {
    const std::size_t plain_size = model.size() <= 4096 ? 2 * model.size() : 8192;
    return !model.empty() && 2 + 4 * runs_of(model).size() <= plain_size ? run_encoding(model) : plain_encoding(model);
}

// Every way that a valid set of these days may come in.
inline std::vector<Bytes> encodings(const Model& model) {
    if (model.empty())
        return {plain_encoding(model)};
    return {run_encoding(model), plain_encoding(model), plain_encoding(model, 12347)};
}

} // namespace test

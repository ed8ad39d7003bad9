// The model that sets of ordinals are tested against: a std::set. The encoders here are written from the format's
// specification and share no code with the core.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "extension/core/listing_set.hpp"
#include "extension/core/listing_set_text.hpp"
#include "extension/core/listing_set_validate.hpp"

#include "model.hpp"

namespace test {

using availability::ListingSetView;
using availability::Ordinal;

struct Ordinals : std::set<Ordinal> {
    using std::set<Ordinal>::set;
};

// By key, the values of a container.
inline std::map<std::uint32_t, std::vector<std::uint32_t>> containers_of(const Ordinals& ordinals) {
    std::map<std::uint32_t, std::vector<std::uint32_t>> containers;
    for (const Ordinal ordinal : ordinals)
        containers[ordinal >> 16].push_back(ordinal & 0xffff);
    return containers;
}

inline std::vector<std::pair<std::uint32_t, std::uint32_t>> runs_in(const std::vector<std::uint32_t>& values) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> runs;
    for (const std::uint32_t value : values) {
        if (runs.empty() || runs.back().second + 1 != value)
            runs.push_back({value, value});
        runs.back().second = value;
    }
    return runs;
}

// `stores_runs` says of each container, by its values, whether it is one of runs; `run_header` whether to use that
// header though none is.
template <typename StoresRuns>
Bytes ordinals_encoding(const Ordinals& ordinals, StoresRuns stores_runs, bool run_header = false) {
    const auto containers = containers_of(ordinals);
    std::vector<bool> flags;
    for (const auto& [key, values] : containers) {
        flags.push_back(stores_runs(values));
        run_header = run_header || flags.back();
    }
    run_header = run_header && !containers.empty();
    Bytes bytes;
    if (run_header) {
        put(&bytes, 4, 12347 + ((containers.size() - 1) << 16));
        for (std::size_t i = 0; i < flags.size(); i += 8) {
            unsigned flag = 0;
            for (std::size_t j = i; j < flags.size() && j < i + 8; ++j)
                flag |= static_cast<unsigned>(flags[j]) << (j - i);
            put(&bytes, 1, flag);
        }
    } else {
        put(&bytes, 4, 12346);
        put(&bytes, 4, containers.size());
    }
    Bytes payload;
    std::vector<std::size_t> offsets;
    std::size_t i = 0;
    for (const auto& [key, values] : containers) {
        put(&bytes, 2, key);
        put(&bytes, 2, values.size() - 1);
        offsets.push_back(payload.size());
        if (flags[i++]) {
            put(&payload, 2, runs_in(values).size());
            for (const auto& [first, last] : runs_in(values)) {
                put(&payload, 2, first);
                put(&payload, 2, last - first);
            }
        } else if (values.size() <= 4096) {
            for (const std::uint32_t value : values)
                put(&payload, 2, value);
        } else {
            std::vector<std::uint64_t> words(1024);
            for (const std::uint32_t value : values)
                words[value / 64] |= std::uint64_t{1} << value % 64;
            for (const std::uint64_t word : words)
                put(&payload, 8, word);
        }
    }
    if (!run_header || containers.size() >= 4) {
        const std::size_t start = bytes.size() + 4 * containers.size();
        for (const std::size_t offset : offsets)
            put(&bytes, 4, start + offset);
    }
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
}

inline bool prefers_run_container(const std::vector<std::uint32_t>& values) {
    const std::size_t plain = values.size() <= 4096 ? 2 * values.size() : 8192;
    return 2 + 4 * runs_in(values).size() <= plain;
}

inline Bytes canonical_ordinals(const Ordinals& ordinals) {
    return ordinals_encoding(ordinals, prefers_run_container);
}

// Bytes in memory of their own, at an odd address, so that the sanitizers see every read past them and every aligned
// load.
class OpenOrdinals {
  public:
    explicit OpenOrdinals(const Bytes& bytes) : memory_(new std::uint8_t[bytes.size() + 1]) {
        std::copy(bytes.begin(), bytes.end(), memory_.get() + 1);
        opened = ListingSetView::open(memory_.get() + 1, bytes.size(), &view);
        complaint = availability::validate(memory_.get() + 1, bytes.size(), &validated, &canonical);
    }

    bool opened;
    ListingSetView view;
    const char* complaint;
    ListingSetView validated;
    bool canonical = false;

  private:
    std::unique_ptr<std::uint8_t[]> memory_;
};

inline Ordinals members_of(const ListingSetView& view) {
    Ordinals members;
    availability::OrdinalCursor cursor(view);
    for (Ordinal ordinal; cursor.next(&ordinal);)
        members.insert(members.end(), ordinal);
    return members;
}

// Both passes over what calls visit(key, bits).
template <typename Each>
Bytes written(Each each) {
    availability::ListingSetMeasure measure;
    each([&](std::uint32_t key, const availability::OrdinalBits& bits) {
        measure.add(key, bits);
        return true;
    });
    // Not one byte more than it said.
    const std::unique_ptr<std::uint8_t[]> memory(new std::uint8_t[measure.size()]);
    availability::ListingSetWriter writer(measure, memory.get());
    each([&](std::uint32_t key, const availability::OrdinalBits& bits) {
        writer.add(key, bits);
        return true;
    });
    return Bytes(memory.get(), memory.get() + measure.size());
}

inline Bytes rewritten(const ListingSetView& view) {
    return written([&](auto visit) { availability::each_container(view, visit); });
}

inline Bytes combined(const ListingSetView& a, const ListingSetView& b, availability::Algebra algebra) {
    return written([&](auto visit) { availability::combine(a, b, algebra, visit); });
}

inline std::string text_of(const ListingSetView& view) {
    std::string text = "{";
    availability::each_run(view, [&](Ordinal first, Ordinal last) {
        char run[availability::kOrdinalRunTextSize];
        text.append(text.size() > 1 ? "," : "").append(run, availability::format(first, last, run));
    });
    return text + "}";
}

// What is wrong with the text, or its runs.
inline availability::OrdinalError parse_ordinals(std::string_view text, std::vector<std::pair<Ordinal, Ordinal>>* runs,
                                                 std::size_t* position) {
    availability::OrdinalParser parser(text);
    for (;;) {
        availability::OrdinalRun run;
        const availability::OrdinalError error = parser.next(&run);
        *position = parser.position();
        if (error != availability::OrdinalError::kNone || run.end)
            return error;
        runs->push_back({run.first, run.last});
    }
}

} // namespace test

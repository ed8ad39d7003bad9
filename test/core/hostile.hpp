// What must hold of bytes and text from anyone. Each examination returns nullptr, or what is wrong;
// the sanitizers see the rest.
#pragma once

#include <algorithm>
#include <string_view>

#include "model.hpp"

namespace test {

// Everything that opens can be read: in place, as runs within the supported days, as text, and into
// a Dayset.
inline const char* examine_opened(const DaysetView& view) {
    if (availability::compare(view, view) != 0)
        return "a set differs from itself";
    for (const DaySpan run : runs_of(view))
        if (run.empty() || !run.supported())
            return "a run is empty or passes the supported days";

    const Day days[] = {-5, kFirstDay, 1, 63, 64, 20000, 20811, 40000, kLastDay - 1, kLastDay, kEndDay};
    for (const Day first_day : days) {
        for (const Day end_day : days) {
            const DaySpan span = {first_day, end_day};
            view.count(span);
            view.overlaps(span);
            view.contains_all(span);
            if (span.supported() && !span.empty() && !span.contains(view.next_gap(span, 3).first_day) &&
                !view.next_gap(span, 3).empty())
                return "a gap begins outside its span";
        }
        view.contains(first_day);
        const DaySpan run = view.next_run(first_day);
        if (!run.empty() && run.first_day < first_day)
            return "a run begins before the search";
    }
    Day last_end = kFirstDay;
    for (DaySpan run = view.next_run(kFirstDay); !run.empty(); run = view.next_run(run.end_day)) {
        if (run.first_day < last_end)
            return "a walk goes back";
        last_end = run.end_day;
    }
    view.first_day();
    view.last_day();
    view.overlaps(view);
    view.contains_all(view);
    text_of(view);
    return nullptr;
}

// Bytes that open become a valid set of the days that were read; those that are valid become the
// same set.
inline const char* examine_rewritten(const OpenSet& set, const Bytes& bytes) {
    Dayset rewritten(set.view);
    const Bytes canonical_bytes = stored(rewritten);
    const OpenSet canonical(canonical_bytes);
    if (canonical.complaint != nullptr || !canonical.canonical)
        return "what was written is not valid and canonical";
    if (set.complaint != nullptr)
        return nullptr;

    if (set.canonical != (canonical_bytes == bytes))
        return "wrongly called canonical, or not";
    if (availability::compare(set.view, canonical.view) != 0 || runs_of(set.validated) != runs_of(canonical.view) ||
        set.view.count() != canonical.view.count() || set.view.count() != rewritten.count())
        return "the days change when they are rewritten";
    Dayset parsed;
    if (availability::parse(text_of(set.view), &parsed).error != availability::TextError::kNone ||
        stored(parsed) != canonical_bytes)
        return "the days change in text form";
    return nullptr;
}

inline const char* examine_bytes(const std::uint8_t* data, std::size_t size) {
    const Bytes bytes(data, data + size);
    const OpenSet set(bytes);
    if (set.complaint == nullptr && !set.opened)
        return "valid, and does not open";
    if (!set.opened)
        return nullptr;
    if (const char* wrong = examine_opened(set.view))
        return wrong;
    return examine_rewritten(set, bytes);
}

// Text either parses into a set whose text form parses into the same, or fails at a place within
// it.
inline const char* examine_text(const std::uint8_t* data, std::size_t size) {
    const std::unique_ptr<char[]> memory(new char[size]);
    std::copy(data, data + size, memory.get());
    Dayset set;
    const availability::TextResult result = availability::parse({memory.get(), size}, &set);
    if (result.position > size)
        return "an error past the end of the text";
    if (result.error != availability::TextError::kNone)
        return nullptr;

    const OpenSet written(stored(set));
    if (written.complaint != nullptr || !written.canonical)
        return "what was written is not valid and canonical";
    const std::string text = text_of(written.view);
    Dayset again;
    if (availability::parse(text, &again).error != availability::TextError::kNone)
        return "the text form does not parse";
    return stored(again) == stored(set) ? nullptr : "the days change in text form";
}

} // namespace test

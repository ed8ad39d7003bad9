// Fuzz target: bytes from anyone as a set of ordinals, as they come to `recv`, to the cast from bytea and from a
// corrupt page; and the same bytes as its text form.

#include "fuzz.hpp"
#include "ordinals.hpp"

using namespace availability;

namespace {

// What opens can be read, whatever it says.
const char* examine_opened(const ListingSetView& view) {
    OrdinalBits bits;
    for (std::uint32_t index = 0; index < view.containers(); ++index) {
        bits.clear();
        view.add_to(index, &bits);
        if (bits.count() < bits.runs() || bits.empty() != (bits.next(0) == kContainerOrdinals))
            return "bits disagree with themselves";
        const Ordinal first = view.key(index) * kContainerOrdinals;
        for (const Ordinal place : {0u, 1u, 63u, 64u, 4095u, 4096u, 32768u, 65535u})
            view.contains(first + place);
    }
    view.count();
    overlaps(view, view);
    contains_all(view, view);
    return nullptr;
}

const char* examine_valid(const test::OpenOrdinals& set, const test::Bytes& bytes) {
    const test::Bytes canonical = test::rewritten(set.view);
    if (set.canonical != (canonical == bytes))
        return "wrongly called canonical, or not";
    const test::OpenOrdinals again(canonical);
    if (again.complaint != nullptr || !again.canonical)
        return "what was written is not valid and canonical";
    if (again.view.count() != set.view.count() || !contains_all(again.view, set.view) ||
        !contains_all(set.view, again.view))
        return "the ordinals change when they are rewritten";
    if (test::combined(set.view, set.view, Algebra::kUnion) != canonical)
        return "a set united with itself is another";
    if (set.view.count() > 0 && !overlaps(set.view, again.view))
        return "a set is disjoint with itself";
    std::vector<std::pair<Ordinal, Ordinal>> runs;
    std::size_t position;
    if (test::parse_ordinals(test::text_of(set.view), &runs, &position) != OrdinalError::kNone)
        return "the text form does not parse";
    std::uint64_t ordinals = 0;
    for (const auto& [first, last] : runs) {
        ordinals += last - first + 1;
        if (!set.view.contains(first) || !set.view.contains(last))
            return "the text form holds others";
    }
    return ordinals == set.view.count() ? nullptr : "the text form holds more or fewer";
}

const char* examine_text(const std::uint8_t* data, std::size_t size) {
    const std::unique_ptr<char[]> memory(new char[size]);
    std::copy(data, data + size, memory.get());
    std::vector<std::pair<Ordinal, Ordinal>> runs;
    std::size_t position;
    test::parse_ordinals({memory.get(), size}, &runs, &position);
    if (position > size)
        return "an error past the end of the text";
    for (const auto& [first, last] : runs)
        if (first > last || last > kLastOrdinal)
            return "a run is reversed or passes the last ordinal";
    return nullptr;
}

} // namespace

const char* examine(const std::uint8_t* data, std::size_t size) {
    const test::Bytes bytes(data, data + size);
    const test::OpenOrdinals set(bytes);
    if (set.complaint == nullptr && !set.opened)
        return "valid, and does not open";
    if (set.opened)
        if (const char* wrong = examine_opened(set.view))
            return wrong;
    if (set.complaint == nullptr)
        if (const char* wrong = examine_valid(set, bytes))
            return wrong;
    return examine_text(data, size);
}

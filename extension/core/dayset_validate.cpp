// The door for bytes from outside.

#include "extension/core/dayset_validate.hpp"

#include "extension/core/dayset_format.hpp"

namespace availability {

namespace {

const char* check_header(const std::uint8_t* header, std::size_t size) {
    if (size < kEmptySize)
        return "too short";
    const std::uint32_t cookie = load32(header);
    const std::uint8_t* key;
    if (cookie == kPlainCookie) {
        const std::uint32_t containers = load32(header + 4);
        if (containers == 0)
            return size == kEmptySize ? nullptr : "bytes follow the empty set";
        if (containers != 1)
            return "more than one container";
        if (size < kPlainHeaderSize)
            return "too short";
        if (load32(header + 12) != kPlainHeaderSize)
            return "wrong container offset";
        key = header + 8;
    } else if (cookie % 65536 == kRunCookie) {
        if (cookie != kRunCookie)
            return "more than one container";
        if (size < kRunHeaderSize + kRunCountSize)
            return "too short";
        if (header[4] > 1)
            return "wrong run flags";
        key = header + 5;
    } else {
        return "unknown cookie";
    }
    return load16(key) == 0 ? nullptr : "days outside the supported ones";
}

const char* check_array(const std::uint8_t* values, std::uint32_t count) {
    for (std::uint32_t index = 1; index < count; ++index)
        if (load16(values + 2 * index) <= load16(values + 2 * (index - 1)))
            return "array values do not ascend";
    return nullptr;
}

const char* check_bitset(const std::uint8_t* words, std::uint32_t count) {
    std::uint32_t bits = 0;
    for (std::uint32_t index = 0; index < kBitsetWords; ++index)
        bits += static_cast<std::uint32_t>(__builtin_popcountll(load64(words + 8 * index)));
    return bits == count ? nullptr : "wrong cardinality";
}

const char* check_runs(const std::uint8_t* runs, std::uint32_t run_count, std::uint32_t count) {
    std::uint32_t days = 0;
    std::uint32_t earliest = 0; // first day that the next run may begin with
    for (std::uint32_t index = 0; index < run_count; ++index) {
        const std::uint32_t start = load16(runs + 4 * index);
        const std::uint32_t last = start + load16(runs + 4 * index + 2);
        if (start < earliest)
            return "runs overlap, touch or do not ascend";
        if (last > static_cast<std::uint32_t>(kLastDay))
            return "run passes the last day";
        earliest = last + 2;
        days += last - start + 1;
    }
    return days == count ? nullptr : "wrong cardinality";
}

} // namespace

const char* validate(const void* bytes, std::size_t size, DaysetView* view, bool* canonical) {
    const auto* header = static_cast<const std::uint8_t*>(bytes);
    if (const char* complaint = check_header(header, size))
        return complaint;

    DaysetView opened;
    if (!DaysetView::open(bytes, size, &opened))
        return "size does not agree with the container";

    const char* complaint = nullptr;
    switch (opened.kind_) {
    case DaysetView::Kind::kEmpty:
        break;
    case DaysetView::Kind::kArray:
        complaint = check_array(opened.container_, opened.count_);
        break;
    case DaysetView::Kind::kBitset:
        complaint = check_bitset(opened.container_, opened.count_);
        break;
    case DaysetView::Kind::kRuns:
        complaint = check_runs(opened.container_, opened.entries_, opened.count_);
        break;
    }
    if (complaint != nullptr)
        return complaint;

    const bool has_runs = opened.kind_ == DaysetView::Kind::kRuns;
    const bool has_run_header = load32(header) == kRunCookie;
    *canonical = has_runs == has_run_header && has_runs == prefers_runs(opened.count_, opened.runs());
    *view = opened;
    return nullptr;
}

} // namespace availability

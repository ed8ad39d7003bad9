// The door for bytes from outside.

#include "extension/core/listing_set_validate.hpp"

namespace availability {

namespace {

const char* check_array(const ListingContainer& container) {
    for (std::uint32_t i = 1; i < container.entries; ++i)
        if (load16(container.data + 2 * i) <= load16(container.data + 2 * (i - 1)))
            return "array values do not ascend";
    return nullptr;
}

const char* check_runs(const ListingContainer& container) {
    std::uint32_t count = 0;
    std::uint32_t earliest = 0; // the first value that the next run may begin with
    for (std::uint32_t i = 0; i < container.entries; ++i) {
        const std::uint32_t first = load16(container.data + 4 * i);
        const std::uint32_t last = first + load16(container.data + 4 * i + 2);
        if (first < earliest)
            return "runs overlap, touch or do not ascend";
        if (last >= kContainerOrdinals)
            return "run passes its container";
        earliest = last + 2;
        count += last - first + 1;
    }
    return count == container.count ? nullptr : "wrong cardinality";
}

// Whether the container is as it should be, and whether it is the kind that it should be.
const char* check_container(const ListingContainer& container, bool* canonical) {
    const char* complaint = nullptr;
    if (container.kind == ListingContainer::Kind::kArray)
        complaint = check_array(container);
    else if (container.kind == ListingContainer::Kind::kRuns)
        complaint = check_runs(container);
    if (complaint != nullptr)
        return complaint;

    OrdinalBits bits;
    bits.clear();
    container.add_to(&bits);
    const bool stores_runs = container.kind == ListingContainer::Kind::kRuns;
    *canonical = stores_runs == prefers_runs(container.count, bits.runs());
    return bits.count() == container.count ? nullptr : "wrong cardinality";
}

bool has_stray_flags(const std::uint8_t* flags, std::uint32_t containers) {
    return containers % 8 != 0 && flags[containers / 8] >> containers % 8 != 0;
}

} // namespace

const char* validate(const void* bytes, std::size_t size, ListingSetView* view, bool* canonical) {
    const auto* header = static_cast<const std::uint8_t*>(bytes);
    if (size < kEmptySize)
        return "too short";
    if (load32(header) != kPlainCookie && load32(header) % 65536 != kRunCookie)
        return "unknown cookie";
    ListingSetView opened;
    if (!ListingSetView::open(bytes, size, &opened))
        return "too short, or ordinals past the last one";
    if (opened.flags_ != nullptr && has_stray_flags(opened.flags_, opened.containers_))
        return "wrong run flags";

    bool all_canonical = true;
    bool has_runs = false;
    std::size_t offset = opened.first_container_;
    for (std::uint32_t index = 0; index < opened.containers_; ++index) {
        if (opened.key(index) >= kMostContainers)
            return "ordinals past the last one";
        if (index > 0 && opened.key(index) <= opened.key(index - 1))
            return "containers do not ascend";
        if (opened.offsets_ != nullptr && load32(opened.offsets_ + 4 * std::size_t{index}) != offset)
            return "wrong container offset";
        ListingContainer container;
        if (!opened.read(index, offset, &container))
            return "size does not agree with the containers";
        bool is_canonical = false;
        if (const char* complaint = check_container(container, &is_canonical))
            return complaint;
        all_canonical = all_canonical && is_canonical;
        has_runs = has_runs || container.kind == ListingContainer::Kind::kRuns;
        offset += container.size();
    }
    if (offset != size)
        return "size does not agree with the containers";
    *canonical = all_canonical && has_runs == (opened.flags_ != nullptr);
    *view = opened;
    return nullptr;
}

} // namespace availability

// What the sets should hold.

#include "extension/search/set_builder.hpp"

#include <algorithm>

extern "C" {
#include <utils/memutils.h>
}

namespace availability {

namespace {

constexpr std::uint32_t kBlocksAtOnce = 64;

template <typename Item>
void reserve(MemoryContext context, Item** items, Size* room, Size needed) {
    if (needed <= *room)
        return;
    const Size larger = std::max({2 * *room, needed, Size{1024}});
    *items = static_cast<Item*>(*items == nullptr ? MemoryContextAllocHuge(context, larger * sizeof(Item))
                                                  : repalloc_huge(*items, larger * sizeof(Item)));
    *room = larger;
}

} // namespace

void FoldedListings::add(Ordinal ordinal, bool exists, const void* bytes, Size size) {
    reserve(context_, &listings_, &room_, count_ + 1);
    reserve(context_, &bytes_, &bytes_room_, used_ + size);
    listings_[count_++] = {ordinal, exists, used_, size};
    if (size > 0)
        std::memcpy(bytes_ + used_, bytes, size);
    used_ += size;
}

void FoldedListings::visit(Ordinal ordinal, const DaysetView&, TupleTableSlot* row) {
    bool is_null;
    const Datum booked = slot_getattr(row, booked_column, &is_null);
    const struct varlena* packed = PG_DETOAST_DATUM_PACKED(booked);
    add(ordinal, true, VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed));
    if (reinterpret_cast<const void*>(packed) != DatumGetPointer(booked))
        pfree(const_cast<struct varlena*>(packed));
}

void FoldedListings::sort() {
    std::sort(listings_, listings_ + count_, [](const FoldedListing& a, const FoldedListing& b) {
        return a.ordinal != b.ordinal ? a.ordinal < b.ordinal : a.exists > b.exists;
    });
    const FoldedListing* end =
        std::unique(listings_, listings_ + count_,
                    [](const FoldedListing& a, const FoldedListing& b) { return a.ordinal == b.ordinal; });
    count_ = static_cast<Size>(end - listings_);
}

DaysetView FoldedListings::booked(Size index) const {
    DaysetView view;
    if (listings_[index].size > 0 && !DaysetView::open(bytes_ + listings_[index].booked, listings_[index].size, &view))
        raise_malformed_dayset();
    return view;
}

CalendarsInRange::CalendarsInRange(const SetCompanions& companions, Snapshot snapshot, Ordinal from)
    : listings(CurrentMemoryContext), twice(CurrentMemoryContext), first_(from - from % kContainerOrdinals),
      last_(std::min(first_ + (kBlocksAtOnce * kContainerOrdinals - 1), kLastOrdinal)), seen_(CurrentMemoryContext) {
    listings.booked_column = companions.calendar.columns[kSearchedBooked];
    visit_all_calendars(companions, snapshot, this);
    listings.sort();
}

void CalendarsInRange::visit(Ordinal ordinal, const DaysetView& booked, TupleTableSlot* row) {
    if (ordinal > last_)
        next_ = std::min(next_, ordinal);
    if (ordinal < first_ || ordinal > last_)
        return;
    if (seen_.contains(ordinal))
        twice.add(ordinal);
    seen_.add(ordinal);
    listings.visit(ordinal, booked, row);
}

BlockOfListings block_at(const FoldedListings& listings, Size first) {
    BlockOfListings block = {key_of(listings[first].ordinal), first, first};
    while (block.end < listings.count() && key_of(listings[block.end].ordinal) == block.key)
        block.end++;
    return block;
}

BlockTarget* make_target(const FoldedListings& listings, const BlockOfListings& block) {
    auto* target = static_cast<BlockTarget*>(palloc(sizeof(BlockTarget)));
    target->changed.clear();
    target->known.clear();
    target->end_day = kFirstDay;
    target->calendars = static_cast<PlacedCalendar*>(palloc((block.end - block.first) * sizeof(PlacedCalendar)));
    target->count = 0;
    for (Size i = block.first; i < block.end; i++) {
        const std::uint32_t place = listings[i].ordinal % kContainerOrdinals;
        target->changed.add(place);
        if (!listings[i].exists)
            continue;
        target->known.add(place);
        const DaysetView booked = listings.booked(i);
        if (booked.empty())
            continue;
        target->calendars[target->count++] = {place, booked};
        target->end_day = std::max(target->end_day, booked.last_day() + 1);
    }
    return target;
}

} // namespace availability

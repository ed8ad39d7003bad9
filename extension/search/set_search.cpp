// Searching the sets.

#include "extension/search/set_search.hpp"

#include <algorithm>

#include "extension/core/listing_days.hpp"
#include "extension/search/delta.hpp"
#include "extension/search/set_rows.hpp"

extern "C" {
#include <utils/memutils.h>
}

namespace availability {

namespace {

// What the sets of all days of some blocks may take at once.
constexpr Size kWorkingMemory = 64 * 1024 * 1024;

// A block of listings under search.
struct Block {
    std::uint32_t key;
    OrdinalBits* known;
    OrdinalBits* days; // one for each day of the request, or one for all if a stay takes all
};

// The keys of the blocks that have listings, and that the request is about; they ascend.
struct BlockKeys {
    std::uint32_t* keys;
    uint32 count;
};

BlockKeys find_blocks(const Companion& sets, Snapshot snapshot, const ListingSetView* among) {
    BlockKeys blocks = {static_cast<std::uint32_t*>(palloc(kMostContainers * sizeof(std::uint32_t))), 0};
    scan_sets(sets, snapshot, kEveryListing, kEveryListing, 0, kMostContainers - 1,
              [&](DateADT, std::uint32_t key, TupleTableSlot*) {
                  if (among != nullptr) {
                      const std::uint32_t index = among->seek(key);
                      if (index == among->containers() || among->key(index) != key)
                          return true;
                  }
                  blocks.keys[blocks.count++] = key;
                  return blocks.count < kMostContainers;
              });
    return blocks;
}

Block* find_block(Block* blocks, uint32 count, std::uint32_t key) {
    Block* found = std::lower_bound(blocks, blocks + count, key,
                                    [](const Block& block, std::uint32_t k) { return block.key < k; });
    return found != blocks + count && found->key == key ? found : nullptr;
}

OrdinalBits* new_bits(uint32 count) {
    auto* bits = static_cast<OrdinalBits*>(palloc_extended(count * sizeof(OrdinalBits), MCXT_ALLOC_HUGE));
    for (uint32 i = 0; i < count; i++)
        bits[i].clear();
    return bits;
}

// A search while it runs.
class Search {
  public:
    Search(const SetCompanions& companions, Snapshot snapshot, const SearchRequest& request, SearchVisitor* visitor)
        : companions_(companions), snapshot_(snapshot), request_(request), visitor_(visitor),
          slots_(request.nights == request.within.days() ? 1 : static_cast<uint32>(request.within.days())) {}

    void run() {
        delta_ = read_delta(companions_.delta, snapshot_, false, PG_INT64_MAX);
        newest_rows(&delta_);
        visit_delta();
        const BlockKeys blocks = find_blocks(companions_.sets, snapshot_, request_.among);
        const Size block_size = (slots_ + 1) * sizeof(OrdinalBits);
        const auto at_once = static_cast<uint32>(std::max(kWorkingMemory / block_size, Size{1}));
        for (uint32 first = 0; first < blocks.count; first += at_once)
            search_blocks(blocks.keys + first, std::min(at_once, blocks.count - first));
    }

  private:
    bool is_asked_for(Ordinal ordinal) const { return request_.among == nullptr || request_.among->contains(ordinal); }

    // The listings that the sets don't show.
    void visit_delta() {
        GrowingListingSet lookups(CurrentMemoryContext);
        for (Size i = 0; i < delta_.count; i++) {
            const DeltaRow& row = delta_.rows[i];
            if (!is_asked_for(row.ordinal))
                continue;
            if (row.is_lookup)
                lookups.add(row.ordinal);
            else
                visitor_->visit(row.ordinal, booked_in(delta_, row), nullptr);
        }
        if (lookups.count() > 0)
            visit_calendars(companions_, snapshot_, view_of(lookups.to_datum()), visitor_);
    }

    void search_blocks(const std::uint32_t* keys, uint32 count) {
        const MemoryContext work =
            AllocSetContextCreate(CurrentMemoryContext, "availability set search", ALLOCSET_DEFAULT_SIZES);
        const MemoryContext caller = MemoryContextSwitchTo(work);
        auto* blocks = static_cast<Block*>(palloc(count * sizeof(Block)));
        for (uint32 i = 0; i < count; i++)
            blocks[i] = {keys[i], new_bits(1), nullptr};
        load_known(blocks, count);
        load_days(blocks, count);
        MemoryContextSwitchTo(caller);
        for (uint32 i = 0; i < count; i++)
            if (blocks[i].days != nullptr) {
                if (slots_ > 1)
                    unite_windows(blocks[i].days, slots_, static_cast<std::uint32_t>(request_.nights));
                visitor_->visit_block(blocks[i].key, *blocks[i].known, blocks[i].days);
            }
        MemoryContextDelete(work);
    }

    // Those that have a calendar, are asked for and are not in the delta. Blocks without any get no days.
    void load_known(Block* blocks, uint32 count) {
        const auto first = static_cast<int32>(blocks[0].key);
        const auto last = static_cast<int32>(blocks[count - 1].key);
        scan_sets(companions_.sets, snapshot_, kEveryListing, kEveryListing, first, last,
                  [&](DateADT, std::uint32_t key, TupleTableSlot* slot) {
                      if (const Block* block = find_block(blocks, count, key))
                          add_row_to(companions_.sets, slot, key, block->known);
                      return true;
                  });
        for (uint32 i = 0; i < count && request_.among != nullptr; i++) {
            OrdinalBits among;
            among.clear();
            request_.among->add_to(request_.among->seek(blocks[i].key), &among);
            blocks[i].known->intersect(among);
        }
        for (Size i = 0; i < delta_.count; i++)
            if (const Block* block = find_block(blocks, count, key_of(delta_.rows[i].ordinal)))
                block->known->remove(delta_.rows[i].ordinal % kContainerOrdinals);
        for (uint32 i = 0; i < count; i++)
            if (!blocks[i].known->empty())
                blocks[i].days = new_bits(slots_);
    }

    void load_days(Block* blocks, uint32 count) {
        const DaySpan within = request_.within;
        scan_sets(companions_.sets, snapshot_, date_from_day(within.first_day), date_from_day(within.end_day - 1),
                  static_cast<int32>(blocks[0].key), static_cast<int32>(blocks[count - 1].key),
                  [&](DateADT date, std::uint32_t key, TupleTableSlot* slot) {
                      const Block* block = find_block(blocks, count, key);
                      if (block != nullptr && block->days != nullptr)
                          add_row_to(companions_.sets, slot, key,
                                     &block->days[slots_ == 1 ? 0 : day_from_date(date) - within.first_day]);
                      return true;
                  });
    }

    const SetCompanions& companions_;
    Snapshot snapshot_;
    const SearchRequest& request_;
    SearchVisitor* visitor_;
    uint32 slots_;
    Delta delta_{};
};
static_assert(std::is_trivially_destructible_v<Search>);

} // namespace

Day first_covered_day(const Companion& sets, Snapshot snapshot) {
    Day first = kEndDay;
    scan_sets(sets, snapshot, date_from_day(kFirstDay), date_from_day(kLastDay), 0, kMostContainers - 1,
              [&](DateADT date, std::uint32_t, TupleTableSlot*) {
                  first = day_from_date(date);
                  return false;
              });
    return first;
}

void search_sets(const SetCompanions& companions, Snapshot snapshot, const SearchRequest& request,
                 SearchVisitor* visitor) {
    if (request.among != nullptr && request.among->empty())
        return;
    if (request.within.first_day >= first_covered_day(companions.sets, snapshot))
        Search(companions, snapshot, request, visitor).run();
    else if (request.among == nullptr)
        visit_all_calendars(companions, snapshot, visitor);
    else
        visit_calendars(companions, snapshot, *request.among, visitor);
}

void FreeListings::visit(Ordinal ordinal, const DaysetView& booked, TupleTableSlot*) {
    if (request_.nights == request_.within.days() ? !booked.overlaps(request_.within)
                                                  : !booked.next_gap(request_.within, request_.nights).empty())
        set.add(ordinal);
}

void FreeListings::visit_block(std::uint32_t key, const OrdinalBits& known, const OrdinalBits* windows) {
    const Day starts = request_.within.days() - request_.nights + 1;
    OrdinalBits booked = windows[0];
    for (Day start = 1; start < starts; start++)
        booked.intersect(windows[start]);
    OrdinalBits free = known;
    free.subtract(booked);
    set.unite(key, free);
}

FreeCounts::FreeCounts(const SearchRequest& request)
    : request_(request), counts_(static_cast<int64*>(palloc0((static_cast<Size>(starts()) + 1) * sizeof(int64)))) {}

void FreeCounts::visit(Ordinal, const DaysetView& booked, TupleTableSlot*) {
    DaySpan rest = request_.within;
    for (DaySpan gap = booked.next_gap(rest, request_.nights); !gap.empty();
         gap = booked.next_gap(rest, request_.nights)) {
        for (Day day = gap.first_day; day + request_.nights <= gap.end_day; day++)
            counts_[day - request_.within.first_day]++;
        rest.first_day = gap.end_day;
    }
}

void FreeCounts::visit_block(std::uint32_t, const OrdinalBits& known, const OrdinalBits* windows) {
    for (std::uint32_t start = 0; start < starts(); start++) {
        OrdinalBits free = known;
        free.subtract(windows[start]);
        counts_[start] += free.count();
    }
}

} // namespace availability

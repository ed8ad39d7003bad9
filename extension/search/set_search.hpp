// Searching the sets: which listings are free, exactly as a snapshot sees the calendars.
#pragma once

#include "extension/search/calendars.hpp"
#include "extension/search/growing_listing_set.hpp"

namespace availability {

// The flexible searches keep a set a day in memory.
inline constexpr Day kMostDaysSearched = 3660;

struct SearchRequest {
    DaySpan within;              // the days that a stay may take
    Day nights;                  // how many of them it takes, at least 1, at most all
    const ListingSetView* among; // NULL: all listings
};

// What a search finds. Each listing comes once: in a block, or alone.
class SearchVisitor : public CalendarVisitor {
  public:
    // Of the listings `known`: windows[i] has those that have a day of [first_day + i, first_day + i + nights) booked;
    // there are within.days() - nights + 1.
    virtual void visit_block(std::uint32_t key, const OrdinalBits& known, const OrdinalBits* windows) = 0;
};

// Takes the sets, and for the listings of the delta their calendars, as the snapshot sees them. If it sees no sets, or
// the request begins before the days that they cover, it takes all calendars.
void search_sets(const SetCompanions& companions, Snapshot snapshot, const SearchRequest& request,
                 SearchVisitor* visitor);

// The listings that are free for some stay of the request.
class FreeListings : public SearchVisitor {
  public:
    FreeListings(const SearchRequest& request, MemoryContext context) : set(context), request_(request) {}

    void visit(Ordinal ordinal, const DaysetView& booked, TupleTableSlot* row) override;
    void visit_block(std::uint32_t key, const OrdinalBits& known, const OrdinalBits* windows) override;

    GrowingListingSet set;

  private:
    const SearchRequest& request_;
};
static_assert(std::is_trivially_destructible_v<FreeListings>);

// Of each stay of the request, by its first night, how many listings are free.
class FreeCounts : public SearchVisitor {
  public:
    explicit FreeCounts(const SearchRequest& request);

    void visit(Ordinal ordinal, const DaysetView& booked, TupleTableSlot* row) override;
    void visit_block(std::uint32_t key, const OrdinalBits& known, const OrdinalBits* windows) override;

    std::uint32_t starts() const { return static_cast<std::uint32_t>(request_.within.days() - request_.nights + 1); }
    int64 count(std::uint32_t start) const { return counts_[start]; }

  private:
    const SearchRequest& request_;
    int64* counts_;
};
static_assert(std::is_trivially_destructible_v<FreeCounts>);

// The first covered day that the snapshot sees; kEndDay if it sees none.
Day first_covered_day(const Companion& sets, Snapshot snapshot);

} // namespace availability

// What the sets should hold: from calendars to the listings of each day, block by block.
#pragma once

#include "extension/core/listing_days.hpp"
#include "extension/search/calendars.hpp"
#include "extension/search/growing_listing_set.hpp"

namespace availability {

// A calendar, or that there is none any more.
struct FoldedListing {
    Ordinal ordinal;
    bool exists;
    Size booked; // where its bytes begin
    Size size;
};

// The calendars that are to go into the sets, in memory.
class FoldedListings : public CalendarVisitor {
  public:
    explicit FoldedListings(MemoryContext context) : context_(context) {}

    void visit(Ordinal ordinal, const DaysetView&, TupleTableSlot* row) override;
    void add(Ordinal ordinal, bool exists, const void* bytes, Size size);
    // Where the visited rows have their calendars; to be set before any is visited.
    AttrNumber booked_column = InvalidAttrNumber;

    // Brings them into the order of their ordinals; of two with the same, the last that exists stays.
    void sort();

    Size count() const { return count_; }
    const FoldedListing& operator[](Size index) const { return listings_[index]; }
    DaysetView booked(Size index) const;

  private:
    MemoryContext context_;
    FoldedListing* listings_ = nullptr;
    Size count_ = 0;
    Size room_ = 0;
    char* bytes_ = nullptr;
    Size used_ = 0;
    Size bytes_room_ = 0;
};
static_assert(std::is_trivially_destructible_v<FoldedListings>);

// The calendars of the ordinals from `first` on, as many as are taken into memory at once: 64 blocks of them.
class CalendarsInRange : public CalendarVisitor {
  public:
    // Reads them. `from` is rounded down to a block.
    CalendarsInRange(const SetCompanions& companions, Snapshot snapshot, Ordinal from);

    void visit(Ordinal ordinal, const DaysetView& booked, TupleTableSlot* row) override;

    Ordinal first() const { return first_; }
    Ordinal last() const { return last_; }
    // The least ordinal after the range; past the last one if there is none.
    Ordinal next() const { return next_; }

    FoldedListings listings;
    GrowingListingSet twice; // ordinals that more than one calendar has

  private:
    Ordinal first_;
    Ordinal last_;
    Ordinal next_ = kLastOrdinal + 1;
    GrowingListingSet seen_;
};

// The listings [first, end) of one block.
struct BlockOfListings {
    std::uint32_t key;
    Size first;
    Size end;
};

// The block that begins with listing `first`.
BlockOfListings block_at(const FoldedListings& listings, Size first);

// What a block should hold, so far as these listings go.
struct BlockTarget {
    OrdinalBits changed; // the listings
    OrdinalBits known;   // those of them that have a calendar
    Day end_day;         // the first day that none of them has booked, nor any later one
    PlacedCalendar* calendars;
    Size count;
};

// In the current memory context.
BlockTarget* make_target(const FoldedListings& listings, const BlockOfListings& block);

} // namespace availability

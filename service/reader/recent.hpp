// What the stream has told of late, and so which states of listings are known to be the newest.
//
// A calendar that was read in the database, or in Redis, may land here after the event of the next change has passed
// by: the stale fill. Kept for ever, since no further event comes, it would be wrong for as long as it is kept. So the
// newest version of each listing that the stream told of lately is remembered, and a state is `covered` only if no
// newer one was told.
//
// That proves more. Let the stream be without a gap, and let F be the first progress after the remembering began: all
// that was visible in the database at F had come by then, so whatever was not visible at F comes later and is
// remembered. A state that a snapshot at `as_of` >= F showed is followed by remembered events alone. If none of them is
// of this listing, the state is the newest as of the stream's own progress, however long ago it was read.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace availability::reader {

// A stretch of the stream without a gap has a number, from 1 on; 0 is no stretch.
using Stretch = std::uint32_t;

class Recent {
  public:
    // Remembers the newest versions of `listings` to twice as many.
    explicit Recent(std::size_t listings);

    // A gap, or a new history: what came before proves nothing of what is now.
    void replaced();
    // `gone`: there is no such listing any more.
    void changed(std::uint64_t hash, std::int64_t version, bool gone);
    // The state is unknown: nothing that is read is known to follow it, until a change tells.
    void unreadable(std::uint64_t hash) { changed(hash, INT64_MAX, false); }
    void progress(std::int64_t as_of);

    Stretch stretch() const { return stretch_; }
    // Up to where the stretch has come; 0: not known.
    std::int64_t as_of() const { return as_of_; }
    // Whether the state, which was true as of state_as_of, is the newest as of as_of(). A listing that doesn't exist
    // may have no version.
    bool covers(std::uint64_t hash, std::int64_t version, bool no_listing, std::int64_t state_as_of) const;
    // Whether a newer one was told.
    bool outdated(std::uint64_t hash, std::int64_t version, bool no_listing) const;
    // Up to where a stretch came, or comes yet; 0: not known any more.
    std::int64_t as_of(Stretch stretch) const;

    std::size_t bytes() const { return (newer_.places.size() + older_.places.size()) * sizeof(Told); }

  private:
    struct Told {
        std::uint64_t hash = 0;
        std::int64_t version = 0; // 0: free
        bool gone = false;
    };
    struct Memory {
        std::vector<Told> places; // open addressing, at most half full
        std::size_t used = 0;
        std::int64_t floor = INT64_MAX; // of the first progress after it began

        Told& at(std::uint64_t hash);
        const Told& at(std::uint64_t hash) const { return const_cast<Memory*>(this)->at(hash); }
        void clear();
    };

    static constexpr std::size_t kEnded = 16;
    std::size_t listings_;
    Memory newer_, older_;
    Stretch stretch_ = 1;
    std::int64_t as_of_ = 0;
    std::array<std::int64_t, kEnded> ended_{};
};

} // namespace availability::reader

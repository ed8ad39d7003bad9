// The text form of a set of ordinals: `{1,2,5-9}`, `{}` when empty. Runs of three and more are written with a dash.
#pragma once

#include <cstddef>
#include <string_view>

#include "extension/core/listing_set_view.hpp"

namespace availability {

enum class OrdinalError { kNone, kSyntax, kOutOfRange, kReversed };

// One ordinal or a run of them, both ends included; `end` is set when the text has ended as it should.
struct OrdinalRun {
    Ordinal first;
    Ordinal last;
    bool end;
};

// Reads the text form run by run. White space may stand between all its parts; runs come in any order and may overlap.
class OrdinalParser {
  public:
    explicit OrdinalParser(std::string_view text) : text_(text) {}

    // What is wrong at position() of the text, or kNone.
    OrdinalError next(OrdinalRun* run);
    std::size_t position() const { return position_; }

  private:
    void skip_spaces();
    bool take(char c);
    bool at_end() const { return position_ == text_.size(); }
    OrdinalError number(Ordinal* value);
    OrdinalError finish(OrdinalRun* run);

    std::string_view text_;
    std::size_t position_ = 0;
    bool begun_ = false;
};

// What a run takes at most, with the comma.
inline constexpr std::size_t kOrdinalRunTextSize = sizeof("2147483647-2147483647,") - 1;

// Writes a run without a comma; returns how many bytes.
std::size_t format(Ordinal first, Ordinal last, char* text);

// Calls visit(first, last) for every maximal run of the set, across its containers.
template <typename Visit>
void each_run(const ListingSetView& set, Visit visit) {
    bool has_run = false;
    Ordinal first = 0;
    Ordinal last = 0;
    each_container(set, [&](std::uint32_t key, const OrdinalBits& bits) {
        for (std::uint32_t place = bits.next(0); place < kContainerOrdinals; place = bits.next(place)) {
            const std::uint32_t missing = bits.next_missing(place);
            const Ordinal run_first = key * kContainerOrdinals + place;
            if (has_run && run_first != last + 1)
                visit(first, last);
            if (!has_run || run_first != last + 1)
                first = run_first;
            last = key * kContainerOrdinals + missing - 1;
            has_run = true;
            place = missing;
        }
        return true;
    });
    if (has_run)
        visit(first, last);
}

} // namespace availability

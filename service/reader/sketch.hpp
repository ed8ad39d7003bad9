// How often each of many things was asked for of late, about: a count-min sketch with counters of four bits that are
// halved from time to time (TinyLFU: Einziger, Friedman, Manes 2017).
//
// What it says is at least the true count, up to 15, since the last halvings, and rarely more. The four counters of a
// hash lie in one block of 64 bytes: one miss of the processor's cache an access.
#pragma once

#include <cstdint>
#include <vector>

namespace availability::reader {

class FrequencySketch {
  public:
    // For about so many things: 8 bytes each, rounded up to a power of two.
    explicit FrequencySketch(std::size_t things) {
        std::size_t words = 8;
        while (words < things)
            words *= 2;
        words_.resize(words);
        period_ = std::uint64_t{words} * 20;
    }

    void add(std::uint64_t hash) {
        bool added = false;
        for (unsigned row = 0; row < 4; ++row) {
            const unsigned shift = shift_of(hash, row);
            std::uint64_t& word = words_[word_of(hash, row)];
            if ((word >> shift & 15) < 15) {
                word += std::uint64_t{1} << shift;
                added = true;
            }
        }
        if (added && ++added_ == period_)
            halve();
    }

    unsigned count(std::uint64_t hash) const {
        unsigned least = 15;
        for (unsigned row = 0; row < 4; ++row) {
            const auto count = static_cast<unsigned>(words_[word_of(hash, row)] >> shift_of(hash, row) & 15);
            least = count < least ? count : least;
        }
        return least;
    }

    std::size_t bytes() const { return words_.size() * sizeof(std::uint64_t); }

  private:
    // Of a hash: the low bits name the block, the high ones the word (one of two for each row) and the counter in it.
    std::size_t word_of(std::uint64_t hash, unsigned row) const {
        return (hash & (words_.size() / 8 - 1)) * 8 + row * 2 + (hash >> (40 + row) & 1);
    }
    static unsigned shift_of(std::uint64_t hash, unsigned row) {
        return static_cast<unsigned>(hash >> (44 + row * 4) & 15) * 4;
    }
    void halve() {
        for (std::uint64_t& word : words_)
            word = word >> 1 & 0x7777777777777777;
        added_ /= 2;
    }

    std::vector<std::uint64_t> words_;
    std::uint64_t added_ = 0;
    std::uint64_t period_ = 0;
};

} // namespace availability::reader

// Which listings many ask for: the top N of a stream of reads by Space-Saving (Metwally, Agrawal, El Abbadi 2005), in
// constant memory, with counts that fade.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace availability::reader {

class Popular {
  public:
    // 0: none is popular.
    explicit Popular(std::size_t top);

    // One read. The caller may leave out reads by chance: only the order of the counts matters.
    void add(std::uint64_t hash);
    // Among the top N, as far as the counts prove it.
    bool has(std::uint64_t hash) const;

  private:
    struct Counter {
        std::uint64_t hash = 0;
        std::uint64_t count = 0;
        std::uint64_t error = 0; // by which the count may be too great
        std::uint64_t proven() const { return count - error; }
    };

    void sift_down(std::size_t place);
    void rank();
    void fade();

    std::size_t top_;
    std::size_t size_;          // of heap_, at most
    std::vector<Counter> heap_; // the least count first
    std::unordered_map<std::uint64_t, std::size_t> places_;
    std::uint64_t added_ = 0;
    std::uint64_t until_fade_ = 0;
    std::uint64_t bar_ = UINT64_MAX; // proven counts from here on are of the top
};

} // namespace availability::reader

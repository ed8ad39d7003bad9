#include "service/reader/popular.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace availability::reader {

namespace {

// With four counters for each that is wanted, a listing of the top has hardly any error.
constexpr std::size_t kCountersEach = 4;
constexpr std::uint64_t kRankEach = 1024;
// Fewer reads than that prove nothing.
constexpr std::uint64_t kLeast = 4;
// Counts are halved after so many reads a counter.
constexpr std::uint64_t kFadeEach = 64;

} // namespace

Popular::Popular(std::size_t top) : top_(top), size_(top * kCountersEach) {
    heap_.reserve(size_);
    places_.reserve(size_);
    until_fade_ = size_ * kFadeEach;
}

void Popular::sift_down(std::size_t place) {
    const Counter moved = heap_[place];
    for (;;) {
        std::size_t child = place * 2 + 1;
        if (child >= heap_.size())
            break;
        if (child + 1 < heap_.size() && heap_[child + 1].count < heap_[child].count)
            ++child;
        if (heap_[child].count >= moved.count)
            break;
        heap_[place] = heap_[child];
        places_[heap_[place].hash] = place;
        place = child;
    }
    heap_[place] = moved;
    places_[moved.hash] = place;
}

void Popular::add(std::uint64_t hash) {
    if (size_ == 0)
        return;
    const auto found = places_.find(hash);
    if (found != places_.end()) {
        ++heap_[found->second].count;
        sift_down(found->second);
    } else if (heap_.size() < size_) {
        heap_.push_back({hash, 1, 0});
        std::size_t place = heap_.size() - 1;
        places_[hash] = place;
        while (place > 0 && heap_[(place - 1) / 2].count > heap_[place].count) {
            std::swap(heap_[place], heap_[(place - 1) / 2]);
            places_[heap_[place].hash] = place;
            place = (place - 1) / 2;
            places_[heap_[place].hash] = place;
        }
    } else {
        Counter& least = heap_.front();
        places_.erase(least.hash);
        least = {hash, least.count + 1, least.count};
        sift_down(0);
    }
    // Often at the beginning, when little is known.
    if (++added_ % kRankEach == 0 || (added_ < kRankEach && (added_ & (added_ - 1)) == 0))
        rank();
    if (--until_fade_ == 0)
        fade();
}

void Popular::rank() {
    std::vector<std::uint64_t> proven;
    proven.reserve(heap_.size());
    for (const Counter& counter : heap_)
        proven.push_back(counter.proven());
    bar_ = kLeast;
    if (proven.size() > top_) {
        std::nth_element(proven.begin(), proven.begin() + static_cast<std::ptrdiff_t>(top_), proven.end(),
                         std::greater<>());
        bar_ = std::max(kLeast, proven[top_] + 1);
    }
}

void Popular::fade() {
    // The order by count stays: half of a smaller count is no greater.
    for (Counter& counter : heap_) {
        counter.count /= 2;
        counter.error /= 2;
    }
    until_fade_ = size_ * kFadeEach;
    rank();
}

bool Popular::has(std::uint64_t hash) const {
    const auto found = places_.find(hash);
    return found != places_.end() && heap_[found->second].proven() >= bar_;
}

} // namespace availability::reader

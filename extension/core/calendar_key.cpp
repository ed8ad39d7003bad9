// Keys of an index over calendars.

#include "extension/core/calendar_key.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

namespace availability {

namespace {

using Runs = std::vector<DaySpan>;

// --- bytes -----------------------------------------------------------------------------------------------------

bool read_varint(const std::uint8_t** bytes, const std::uint8_t* end, Day* value) {
    std::uint32_t result = 0;
    for (int shift = 0; shift < 21 && *bytes < end; shift += 7) {
        const std::uint8_t byte = *(*bytes)++;
        result |= static_cast<std::uint32_t>(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *value = static_cast<Day>(result);
            return true;
        }
    }
    return false;
}

std::uint8_t* put_varint(std::uint8_t* end, Day value) {
    auto rest = static_cast<std::uint32_t>(value);
    for (; rest >= 0x80; rest >>= 7)
        *end++ = static_cast<std::uint8_t>(rest | 0x80);
    *end++ = static_cast<std::uint8_t>(rest);
    return end;
}

bool read_set(const std::uint8_t* bytes, const std::uint8_t* end, KeyRuns* set) {
    set->count = 0;
    if (bytes == end)
        return true;
    if (end - bytes < 3)
        return false;
    Day day = static_cast<Day>(load16(bytes));
    bytes += 2;
    for (;;) {
        Day days;
        if (set->count == kMaxKeyRuns || !read_varint(&bytes, end, &days) || day + days >= kEndDay)
            return false;
        set->runs[set->count++] = {day, day + days + 1};
        day += days + 1;
        if (bytes == end)
            return true;
        Day gap;
        if (!read_varint(&bytes, end, &gap))
            return false;
        day += gap + 1;
    }
}

// The bytes of a set, at most kMaxKeySetSize.
struct SetBytes {
    std::size_t size = 0;
    std::uint8_t bytes[kMaxKeySetSize];

    bool operator==(const SetBytes& other) const {
        return std::equal(bytes, bytes + size, other.bytes, other.bytes + other.size);
    }
};

// Writes a set run by run.
class SetWriter {
  public:
    explicit SetWriter(SetBytes* result) : result_(result), end_(result->bytes) {}

    // False if there is no room for another run.
    bool add(DaySpan run) {
        constexpr std::size_t kMaxVarint = 3;
        if (end_ + 2 * kMaxVarint > result_->bytes + kMaxKeySetSize)
            return false;
        if (end_ == result_->bytes) {
            store16(end_, static_cast<std::uint32_t>(run.first_day));
            end_ += 2;
        } else {
            end_ = put_varint(end_, run.first_day - last_end_ - 1);
        }
        end_ = put_varint(end_, run.days() - 1);
        last_end_ = run.end_day;
        result_->size = static_cast<std::size_t>(end_ - result_->bytes);
        return true;
    }

  private:
    SetBytes* result_;
    std::uint8_t* end_;
    Day last_end_ = 0;
};

// False if they are too many.
bool write_set(const Runs& set, SetBytes* result) {
    result->size = 0;
    SetWriter writer(result);
    return std::all_of(set.begin(), set.end(), [&writer](DaySpan run) { return writer.add(run); });
}

// --- coarsening ------------------------------------------------------------------------------------------------

// The value that so many of the values are at least.
Day threshold(std::vector<Day> values, std::size_t kept) {
    if (kept == 0 || values.empty())
        return kEndDay + 1;
    const auto nth = values.begin() + static_cast<std::ptrdiff_t>(std::min(kept, values.size()) - 1);
    std::nth_element(values.begin(), nth, values.end(), std::greater<Day>());
    return *nth;
}

// Fewer runs, over more days: the shortest gaps are filled.
Runs fill_gaps(const Runs& set, std::size_t runs) {
    std::vector<Day> gaps;
    for (std::size_t i = 1; i < set.size(); ++i)
        gaps.push_back(set[i].first_day - set[i - 1].end_day);
    const Day shortest = threshold(std::move(gaps), runs - 1);
    Runs result;
    for (const DaySpan run : set) {
        const bool apart =
            result.empty() || (run.first_day - result.back().end_day >= shortest && result.size() < runs);
        if (apart)
            result.push_back(run);
        else
            result.back().end_day = run.end_day;
    }
    return result;
}

// Fewer runs, over fewer days: the shortest runs go.
Runs drop_runs(const Runs& set, std::size_t runs) {
    std::vector<Day> lengths;
    for (const DaySpan run : set)
        lengths.push_back(run.days());
    const Day shortest = threshold(std::move(lengths), runs);
    Runs result;
    for (const DaySpan run : set)
        if (run.days() >= shortest && result.size() < runs)
            result.push_back(run);
    return result;
}

// Writes a set, coarsened until it fits.
template <typename Coarsen>
void write_fitting(const Runs& set, Coarsen coarsen, SetBytes* result) {
    if (write_set(set, result))
        return;
    for (std::size_t runs = std::min<std::size_t>(set.size(), kMaxKeyRuns); !write_set(coarsen(set, runs), result);)
        runs = runs * 7 / 8;
}

// --- sets of runs ----------------------------------------------------------------------------------------------

// Puts the union of a and the runs given into *result, which is neither.
void unite(const Runs& a, const DaySpan* i, const DaySpan* end, Runs* result) {
    result->clear();
    for (auto j = a.begin(); i != end || j != a.end();) {
        const DaySpan run = j == a.end() || (i != end && i->first_day <= j->first_day) ? *i++ : *j++;
        if (result->empty() || run.first_day > result->back().end_day)
            result->push_back(run);
        else
            result->back().end_day = std::max(result->back().end_day, run.end_day);
    }
}

void intersect(const Runs& a, const DaySpan* i, const DaySpan* end, Runs* result) {
    result->clear();
    for (auto j = a.begin(); i != end && j != a.end();) {
        const DaySpan run = intersection(*i, *j);
        if (!run.empty())
            result->push_back(run);
        if (i->end_day < j->end_day)
            ++i;
        else
            ++j;
    }
}

// Whether a set has all of the runs.
bool contains_runs(const Runs& set, const KeyRuns& runs) {
    auto from = set.begin();
    return std::all_of(runs.begin(), runs.end(), [&](DaySpan run) {
        from = std::partition_point(from, set.end(), [run](DaySpan own) { return own.end_day < run.end_day; });
        return from != set.end() && from->first_day <= run.first_day;
    });
}

std::uint32_t days_in(const KeyRuns& set) {
    return std::accumulate(set.begin(), set.end(), 0U,
                           [](std::uint32_t sum, DaySpan run) { return sum + static_cast<std::uint32_t>(run.days()); });
}

std::uint32_t days_in_both(const KeyRuns& a, const KeyRuns& b) {
    std::uint32_t days = 0;
    for (const DaySpan *i = a.begin(), *j = b.begin(); i != a.end() && j != b.end();) {
        days += static_cast<std::uint32_t>(intersection(*i, *j).days());
        if (i->end_day < j->end_day)
            ++i;
        else
            ++j;
    }
    return days;
}

// Whether every day of a set, which is not empty, lies in a span.
bool covers(DaySpan span, const KeyRuns& set) {
    return span.first_day <= set.runs[0].first_day && set.runs[set.count - 1].end_day <= span.end_day;
}

// Days of a set that another has not.
std::uint32_t days_outside(const KeyRuns& set, const KeyRuns& other) {
    // Far up in an index most keys have one run, which covers everything.
    if (set.count == 0 || (other.count == 1 && covers(other.runs[0], set)))
        return 0;
    return days_in(set) - days_in_both(set, other);
}

// The first run that ends after a day.
const DaySpan* run_after(const KeyRuns& set, Day day) {
    return std::partition_point(set.begin(), set.end(), [day](DaySpan run) { return run.end_day <= day; });
}

bool has(const KeyRuns& set, Day day) {
    const DaySpan* run = run_after(set, day);
    return run != set.end() && run->first_day <= day;
}

bool overlaps(const KeyRuns& set, DaySpan span) {
    if (span.empty())
        return false;
    const DaySpan* run = run_after(set, span.first_day);
    return run != set.end() && run->first_day < span.end_day;
}

bool overlaps(const KeyRuns& set, const DaysetView& other) {
    return std::any_of(set.begin(), set.end(), [&other](DaySpan run) { return other.overlaps(run); });
}

bool contains(const KeyRuns& set, DaySpan span) {
    if (span.empty())
        return true;
    const DaySpan* run = run_after(set, span.first_day);
    return run != set.end() && run->first_day <= span.first_day && run->end_day >= span.end_day;
}

bool contains(const KeyRuns& set, const DaysetView& other) {
    RunCursor cursor(other);
    for (DaySpan run; cursor.next(&run);)
        if (!contains(set, run))
            return false;
    return true;
}

bool is_within(const KeyRuns& set, const DaysetView& other) {
    return std::all_of(set.begin(), set.end(), [&other](DaySpan run) { return other.contains_all(run); });
}

template <typename Query>
Match overlap_match(const CalendarKey& key, const Query& query) {
    return overlaps(key.all, query)                 ? Match::kAll
           : !key.exact && overlaps(key.any, query) ? Match::kSome
                                                    : Match::kNone;
}

template <typename Query>
Match contain_match(const CalendarKey& key, const Query& query) {
    return contains(key.all, query)                 ? Match::kAll
           : !key.exact && contains(key.any, query) ? Match::kSome
                                                    : Match::kNone;
}

// What a key says of one day: 0 open, 1 some, 2 booked.
int state_on(const CalendarKey& key, Day day) {
    return has(key.all, day) ? 2 : has(key.any, day) ? 1 : 0;
}

} // namespace

bool read_key(const void* bytes, std::size_t size, CalendarKey* key) {
    const auto* begin = static_cast<const std::uint8_t*>(bytes);
    const std::uint8_t* const end = begin + size;
    if (size == 0 || *begin > 1)
        return false;
    key->exact = *begin++ == 0;
    if (key->exact) {
        if (!read_set(begin, end, &key->any))
            return false;
        key->all.count = key->any.count;
        std::copy_n(key->any.runs, key->any.count, key->all.runs);
        return true;
    }
    Day any_size;
    return read_varint(&begin, end, &any_size) && any_size <= end - begin &&
           read_set(begin, begin + any_size, &key->any) && read_set(begin + any_size, end, &key->all);
}

Match match_overlaps(const CalendarKey& key, DaySpan span) {
    return overlap_match(key, span);
}
Match match_overlaps(const CalendarKey& key, const DaysetView& set) {
    return overlap_match(key, set);
}
Match match_contains(const CalendarKey& key, DaySpan span) {
    return contain_match(key, span);
}
Match match_contains(const CalendarKey& key, const DaysetView& set) {
    return contain_match(key, set);
}

Match match_equals(const CalendarKey& key, const DaysetView& set) {
    if (!is_within(key.all, set) || !contains(key.any, set))
        return Match::kNone;
    return key.exact ? Match::kAll : Match::kSome;
}

void KeyUnion::add(const CalendarKey& key) {
    if (empty_) {
        any_.assign(key.any.begin(), key.any.end());
        all_.assign(key.all.begin(), key.all.end());
        empty_ = false;
        return;
    }
    // Soon `any` has most of what comes, and `all` nothing.
    if (!contains_runs(any_, key.any)) {
        unite(any_, key.any.begin(), key.any.end(), &scratch_);
        any_.swap(scratch_);
    }
    if (!all_.empty()) {
        intersect(all_, key.all.begin(), key.all.end(), &scratch_);
        all_.swap(scratch_);
    }
}

std::size_t KeyUnion::write(std::uint8_t* bytes) const {
    SetBytes any;
    SetBytes all;
    write_fitting(any_, fill_gaps, &any);
    write_fitting(all_, drop_runs, &all);
    std::uint8_t* end = bytes;
    *end++ = any == all ? 0 : 1;
    if (!(any == all))
        end = put_varint(end, static_cast<Day>(any.size));
    end = std::copy_n(any.bytes, any.size, end);
    if (!(any == all))
        end = std::copy_n(all.bytes, all.size, end);
    return static_cast<std::size_t>(end - bytes);
}

std::size_t write_key(const DaysetView& calendar, std::uint8_t* bytes) {
    SetBytes set;
    SetWriter writer(&set);
    RunCursor cursor(calendar);
    DaySpan run;
    bool fits = true;
    while (fits && cursor.next(&run))
        fits = writer.add(run);
    if (fits) {
        *bytes = 0;
        std::copy_n(set.bytes, set.size, bytes + 1);
        return 1 + set.size;
    }
    KeyUnion key;
    RunCursor again(calendar);
    while (again.next(&run))
        key.any_.push_back(run);
    key.all_ = key.any_;
    return key.write(bytes);
}

float penalty_of(const CalendarKey& key, const CalendarKey& added) {
    const std::uint32_t lost = days_outside(added.any, key.any) + days_outside(key.all, added.all);
    const std::uint32_t between = days_in(key.any) - days_in(key.all);
    return static_cast<float>(lost) + static_cast<float>(between) / static_cast<float>(kEndDay);
}

// Swaps each bit of the mask with the one that many places higher.
static constexpr std::uint64_t swap_bits(std::uint64_t bits, std::uint64_t mask, int distance) {
    const std::uint64_t changed = (bits >> distance ^ bits) & mask;
    return bits ^ changed ^ changed << distance;
}

std::uint64_t locality(const CalendarKey& key, Day anchor) {
    constexpr Day kStep = 8;
    constexpr Day kDays = 64;
    // The days in the order of time, the first of them the highest bit.
    std::uint64_t booked = 0;
    for (const DaySpan run : key.any) {
        const Day first = std::max((run.first_day - anchor + kStep - 1) / kStep, 0);
        const Day end = std::min((run.end_day - anchor + kStep - 1) / kStep, kDays);
        if (run.end_day > anchor && first < end)
            booked |= (~std::uint64_t{0} >> (kDays - (end - first))) << (kDays - end);
    }
    // In the order of what they tell: the six bits of each place's number reversed, a pair of them at a time.
    booked = swap_bits(booked, 0x00000000AAAAAAAA, 31);
    booked = swap_bits(booked, 0x0000CCCC0000CCCC, 14);
    return swap_bits(booked, 0x00F000F000F000F0, 4);
}

namespace {

// The days that most keys are about: one that is blocked for decades does not matter.
DaySpan horizon_of(const CalendarKey* keys, std::uint32_t count) {
    std::vector<Day> first_days;
    std::vector<Day> end_days;
    for (std::uint32_t i = 0; i < count; ++i)
        if (const KeyRuns& any = keys[i].any; any.count > 0) {
            first_days.push_back(any.runs[0].first_day);
            end_days.push_back(any.runs[any.count - 1].end_day);
        }
    if (first_days.empty())
        return {kFirstDay, kFirstDay + 1};
    const auto tenth = static_cast<std::ptrdiff_t>(first_days.size() / 10);
    std::nth_element(first_days.begin(), first_days.begin() + tenth, first_days.end());
    std::nth_element(end_days.begin(), end_days.begin() + tenth, end_days.end(), std::greater<Day>());
    const Day first_day = first_days[static_cast<std::size_t>(tenth)];
    return {first_day, std::max(end_days[static_cast<std::size_t>(tenth)], first_day + 1)};
}

// Counts for up to 64 days that lie evenly in a span how many sets have each.
class DayCounts {
  public:
    static constexpr Day kDays = 64;

    explicit DayCounts(DaySpan span) : span_(span) {
        while (span.days() > kDays << shift_)
            ++shift_;
    }

    void add(const KeyRuns& set) {
        for (const DaySpan run : set) {
            change_[first_place(run.first_day)]++;
            change_[first_place(run.end_day)]--;
        }
    }

    Day day(Day place) const { return span_.first_day + (place << shift_); }

    // To be asked for each place in turn.
    std::uint32_t next_count(Day place) { return static_cast<std::uint32_t>(sum_ += change_[place]); }

  private:
    // The first place whose day is not before the given one.
    Day first_place(Day day) const {
        return (std::clamp(day, span_.first_day, span_.end_day) - span_.first_day + (1 << shift_) - 1) >> shift_;
    }

    DaySpan span_;
    int shift_ = 0;
    int sum_ = 0;
    int change_[kDays + 1] = {};
};

// The day that tells keys apart best: booked in as many as possible, and open in as many.
Day telling_day(const CalendarKey* keys, std::uint32_t count, DaySpan horizon) {
    DayCounts exact(horizon);
    DayCounts any(horizon);
    DayCounts all(horizon);
    for (std::uint32_t i = 0; i < count; ++i) {
        if (keys[i].exact) {
            exact.add(keys[i].any);
        } else {
            any.add(keys[i].any);
            all.add(keys[i].all);
        }
    }
    Day best_day = horizon.first_day;
    std::uint32_t best = 0;
    for (Day place = 0; place < DayCounts::kDays; ++place) {
        const std::uint32_t in_exact = exact.next_count(place);
        const std::uint32_t open = count - in_exact - any.next_count(place);
        const std::uint32_t booked = in_exact + all.next_count(place);
        if (std::min(open, booked) > best) {
            best = std::min(open, booked);
            best_day = any.day(place);
        }
    }
    return best_day;
}

} // namespace

void split_keys(const CalendarKey* keys, std::uint32_t count, bool* right) {
    const DaySpan horizon = horizon_of(keys, count);
    const Day best_day = telling_day(keys, count, horizon);

    struct Place {
        int state;
        std::uint64_t locality;
        std::uint32_t key;
    };
    std::vector<Place> order(count);
    for (std::uint32_t i = 0; i < count; ++i)
        order[i] = {state_on(keys[i], best_day), locality(keys[i], horizon.first_day), i};

    // As near to the day's own border as keeps both groups of some size.
    const auto border = static_cast<std::uint32_t>(
        std::count_if(order.begin(), order.end(), [](const Place& place) { return place.state < 2; }));
    const std::uint32_t least = std::max<std::uint32_t>(1, count * 2 / 5);
    const std::uint32_t cut = std::clamp(border, least, count - least);
    std::nth_element(order.begin(), order.begin() + cut, order.end(), [](const Place& a, const Place& b) {
        return a.state != b.state         ? a.state < b.state
               : a.locality != b.locality ? a.locality < b.locality
                                          : a.key < b.key;
    });
    for (std::uint32_t i = 0; i < count; ++i)
        right[order[i].key] = i >= cut;
}

} // namespace availability

// DaysetView against the model and against CRoaring, over every container that the days may be in.

#include <algorithm>
#include <iterator>

#include "property.hpp"

using namespace availability;
using test::Model;
using test::Spans;

namespace {

constexpr int kQuestions = 8; // asked of each set
constexpr Day kLowest = std::numeric_limits<Day>::min();
constexpr Day kHighest = std::numeric_limits<Day>::max();

// --- what the model answers ---

std::uint32_t count(const Model& model, DaySpan span) {
    if (span.empty())
        return 0;
    return static_cast<std::uint32_t>(
        std::distance(model.lower_bound(span.first_day), model.lower_bound(span.end_day)));
}

bool overlaps(const Model& model, DaySpan span) {
    return count(model, span) > 0;
}

bool contains_all(const Model& model, DaySpan span) {
    return count(model, span) == static_cast<std::uint32_t>(span.days());
}

DaySpan next_run(const Model& model, Day from) {
    for (const DaySpan run : test::runs_of(model))
        if (run.end_day > from)
            return {std::max(run.first_day, from), run.end_day};
    return {kEndDay, kEndDay};
}

// All gaps of at least min_days days, day by day.
Spans gaps(const Model& model, DaySpan within, Day min_days) {
    Spans gaps;
    for (Day day = within.first_day; day < within.end_day; ++day) {
        if (model.count(day))
            continue;
        if (gaps.empty() || gaps.back().end_day != day)
            gaps.push_back({day, day});
        gaps.back().end_day = day + 1;
    }
    const auto too_short = [min_days](DaySpan gap) { return gap.days() < min_days; };
    gaps.erase(std::remove_if(gaps.begin(), gaps.end(), too_short), gaps.end());
    return gaps;
}

int compare(const Model& a, const Model& b) {
    const auto precedes = [](DaySpan a_run, DaySpan b_run) {
        return a_run.first_day != b_run.first_day ? a_run.first_day < b_run.first_day : a_run.end_day < b_run.end_day;
    };
    const Spans a_runs = test::runs_of(a);
    const Spans b_runs = test::runs_of(b);
    const auto before = [&](const Spans& x, const Spans& y) {
        return std::lexicographical_compare(x.begin(), x.end(), y.begin(), y.end(), precedes);
    };
    return int{before(b_runs, a_runs)} - int{before(a_runs, b_runs)};
}

int sign(int number) {
    return (number > 0) - (number < 0);
}

// A second set that often has much in common with the first.
Model related(const Model& model) {
    Model other = *test::any_model();
    const int relation = *test::within(0, 3);
    if (relation == 0)
        return other;
    Model result = relation == 1 ? Model() : model;
    if (relation == 1)
        std::set_intersection(model.begin(), model.end(), other.begin(), other.end(),
                              std::inserter(result, result.end()));
    if (relation == 2)
        result.insert(other.begin(), other.end());
    return result;
}

// Calls ask(view) for the set in each of its encodings.
template <typename Ask>
void in_every_encoding(const Model& model, Ask ask) {
    for (const test::Bytes& bytes : test::encodings(model)) {
        const test::OpenSet set(bytes);
        RC_ASSERT(set.opened);
        ask(set.view);
    }
}

// --- properties ---

void whole_sets() {
    const Model model = *test::any_model();
    in_every_encoding(model, [&](const DaysetView& set) {
        RC_ASSERT(test::runs_of(set) == test::runs_of(model));
        RC_ASSERT(set.runs() == test::runs_of(model).size());
        RC_ASSERT(set.count() == model.size());
        RC_ASSERT(set.empty() == model.empty());
        RC_ASSERT(set.first_day() == (model.empty() ? kEndDay : *model.begin()));
        RC_ASSERT(set.last_day() == (model.empty() ? -1 : *model.rbegin()));
    });
}

void days_and_spans() {
    const Model model = *test::any_model();
    std::vector<DaySpan> spans = {
        {kLowest, kHighest}, {kHighest, kLowest}, {kLowest, kFirstDay}, {kEndDay, kHighest}, {kFirstDay, kEndDay}};
    for (int i = 0; i < kQuestions; ++i)
        spans.push_back(test::span_near(model));
    in_every_encoding(model, [&](const DaysetView& set) {
        for (const DaySpan span : spans) {
            RC_ASSERT(set.count(span) == count(model, span));
            RC_ASSERT(set.overlaps(span) == overlaps(model, span));
            const bool all = span.supported() ? contains_all(model, span) : false;
            RC_ASSERT(set.contains_all(span) == all);
            RC_ASSERT(set.contains(span.first_day) == (model.count(span.first_day) == 1));
        }
    });
}

void pairs_of_sets() {
    const Model a = *test::any_model();
    const Model b = related(a);
    Model common;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(common, common.end()));
    in_every_encoding(a, [&](const DaysetView& a_set) {
        in_every_encoding(b, [&](const DaysetView& b_set) {
            RC_ASSERT(a_set.overlaps(b_set) == !common.empty());
            RC_ASSERT(a_set.contains_all(b_set) == (common == b));
        });
    });
}

void walks_by_next_run() {
    const Model model = *test::any_model();
    const Day from = *rc::gen::oneOf(test::any_day(), rc::gen::element(kLowest, kHighest, kEndDay));
    const Day near = test::day_near(model);
    in_every_encoding(model, [&](const DaysetView& set) {
        Spans runs;
        for (DaySpan run = set.next_run(kFirstDay); !run.empty(); run = set.next_run(run.end_day))
            runs.push_back(run);
        RC_ASSERT(runs == test::runs_of(model));
        RC_ASSERT(set.next_run(from) == next_run(model, from));
        RC_ASSERT(set.next_run(near) == next_run(model, near));
    });
}

void walks_by_next_gap() {
    const Model model = *test::any_model();
    const DaySpan within = test::supported_span_near(model);
    const Day min_days = *rc::gen::oneOf(test::within<Day>(1, 20), test::within<Day>(1, kHighest - 1));
    const Spans expected = gaps(model, within, min_days);
    in_every_encoding(model, [&](const DaysetView& set) {
        Spans found;
        DaySpan rest = within;
        for (;;) {
            const DaySpan gap = set.next_gap(rest, min_days);
            if (gap.empty())
                break;
            found.push_back(gap);
            rest.first_day = gap.end_day;
        }
        RC_ASSERT(found == expected);
    });
}

void order() {
    const Model a = *test::any_model();
    const Model b = related(a);
    const Model c = related(b);
    in_every_encoding(a, [&](const DaysetView& a_set) {
        in_every_encoding(b, [&](const DaysetView& b_set) {
            RC_ASSERT(sign(compare(a_set, b_set)) == compare(a, b));
            RC_ASSERT(sign(compare(b_set, a_set)) == compare(b, a));
        });
    });
    // The laws of a total order, of the function that was just found to be the same.
    RC_ASSERT((compare(a, b) == 0) == (test::canonical_encoding(a) == test::canonical_encoding(b)));
    if (compare(a, b) <= 0 && compare(b, c) <= 0)
        RC_ASSERT(compare(a, c) <= 0);
}

// --- CRoaring ---

class Roaring {
  public:
    explicit Roaring(const Model& model) : bitmap(roaring_bitmap_create()) {
        for (const Day day : model)
            roaring_bitmap_add(bitmap, static_cast<std::uint32_t>(day));
    }
    explicit Roaring(const test::Bytes& bytes)
        : bitmap(roaring_bitmap_portable_deserialize_safe(reinterpret_cast<const char*>(bytes.data()), bytes.size())) {}
    Roaring(const Roaring&) = delete;
    ~Roaring() { roaring_bitmap_free(bitmap); }

    roaring_bitmap_t* const bitmap;
};

void roaring_reads_every_encoding() {
    const Model model = *test::any_model();
    const Roaring expected(model);
    for (const test::Bytes& bytes : test::encodings(model)) {
        const Roaring read(bytes);
        RC_ASSERT(read.bitmap != nullptr);
        RC_ASSERT(roaring_bitmap_equals(read.bitmap, expected.bitmap));
    }
}

void roaring_gives_the_same_answers() {
    const Model a = *test::any_model();
    const Model b = related(a);
    const Roaring a_roaring(a);
    const Roaring b_roaring(b);
    const test::OpenSet a_set(test::canonical_encoding(a));
    const test::OpenSet b_set(test::canonical_encoding(b));
    RC_ASSERT(a_set.view.count() == roaring_bitmap_get_cardinality(a_roaring.bitmap));
    RC_ASSERT(a_set.view.overlaps(b_set.view) == roaring_bitmap_intersect(a_roaring.bitmap, b_roaring.bitmap));
    RC_ASSERT(a_set.view.contains_all(b_set.view) == roaring_bitmap_is_subset(b_roaring.bitmap, a_roaring.bitmap));
    if (!a.empty()) {
        RC_ASSERT(a_set.view.first_day() == static_cast<Day>(roaring_bitmap_minimum(a_roaring.bitmap)));
        RC_ASSERT(a_set.view.last_day() == static_cast<Day>(roaring_bitmap_maximum(a_roaring.bitmap)));
    }
    for (int i = 0; i < kQuestions; ++i) {
        const DaySpan span = test::supported_span_near(a);
        if (span.empty())
            continue;
        const auto first = static_cast<std::uint64_t>(span.first_day);
        const auto end = static_cast<std::uint64_t>(span.end_day);
        const std::uint64_t days = roaring_bitmap_range_cardinality(a_roaring.bitmap, first, end);
        RC_ASSERT(a_set.view.count(span) == days);
        RC_ASSERT(a_set.view.overlaps(span) == (days > 0));
        RC_ASSERT(a_set.view.contains_all(span) == roaring_bitmap_contains_range(a_roaring.bitmap, first, end));
        RC_ASSERT(a_set.view.contains(span.first_day) ==
                  roaring_bitmap_contains(a_roaring.bitmap, static_cast<std::uint32_t>(first)));
    }
}

} // namespace

int main() {
    test::property("view: whole sets agree with the model", whole_sets);
    test::property("view: days and spans agree with the model", days_and_spans);
    test::property("view: pairs of sets agree with the model", pairs_of_sets);
    test::property("view: next_run agrees with the model", walks_by_next_run);
    test::property("view: next_gap agrees with the model", walks_by_next_gap);
    test::property("view: compare is the total order of the model", order);
    test::property("view: CRoaring reads every encoding", roaring_reads_every_encoding);
    test::property("view: CRoaring gives the same answers", roaring_gives_the_same_answers);
    return test::exit_status();
}

// Dayset: changes against the model, the laws of sets, and the canonical writer.

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

#include "property.hpp"

using namespace availability;
using test::Model;

// --- CRoaring without memory: the linker sends its constructors here ---

static bool out_of_memory = false;

extern "C" {
roaring_bitmap_t* __real_roaring_bitmap_create(void);
roaring_bitmap_t* __real_roaring_bitmap_create_with_capacity(std::uint32_t capacity);
roaring_bitmap_t* __real_roaring_bitmap_copy(const roaring_bitmap_t* bitmap);

roaring_bitmap_t* __wrap_roaring_bitmap_create(void) {
    return out_of_memory ? nullptr : __real_roaring_bitmap_create();
}
roaring_bitmap_t* __wrap_roaring_bitmap_create_with_capacity(std::uint32_t capacity) {
    return out_of_memory ? nullptr : __real_roaring_bitmap_create_with_capacity(capacity);
}
roaring_bitmap_t* __wrap_roaring_bitmap_copy(const roaring_bitmap_t* bitmap) {
    return out_of_memory ? nullptr : __real_roaring_bitmap_copy(bitmap);
}
}

namespace {

Model unite(const Model& a, const Model& b) {
    Model result;
    std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::inserter(result, result.end()));
    return result;
}

Model intersect(const Model& a, const Model& b) {
    Model result;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(result, result.end()));
    return result;
}

Model subtract(const Model& a, const Model& b) {
    Model result;
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::inserter(result, result.end()));
    return result;
}

bool is(const Dayset& set, const Model& model) {
    return set.count() == model.size() && set.empty() == model.empty() &&
           test::stored(set) == test::canonical_encoding(model);
}

// --- properties ---

// One change of the set and of the model alike.
void change(Dayset* set, Model* model) {
    const DaySpan span = test::span_near(*model);
    const DaySpan supported = intersection(span, {kFirstDay, kEndDay});
    switch (*test::within(0, 5)) {
    case 0:
        set->add(supported);
        *model = unite(*model, test::days_of(supported));
        break;
    case 1:
        set->remove(span);
        *model = subtract(*model, test::days_of(supported));
        break;
    case 2:
        set->keep(span);
        *model = intersect(*model, test::days_of(supported));
        break;
    default: {
        const Model other_model = *test::any_model();
        const Dayset other = test::dayset_of(other_model);
        switch (*test::within(0, 2)) {
        case 0:
            set->unite(other);
            *model = unite(*model, other_model);
            break;
        case 1:
            set->intersect(other);
            *model = intersect(*model, other_model);
            break;
        default:
            set->subtract(other);
            *model = subtract(*model, other_model);
        }
    }
    }
}

void changes() {
    Model model = *test::any_model();
    Dayset set = test::dayset_of(model);
    RC_ASSERT(is(set, model));
    const bool write_between = *rc::gen::arbitrary<bool>();
    for (int steps = *test::within(1, 6); steps > 0; --steps) {
        change(&set, &model);
        if (write_between)
            RC_ASSERT(is(set, model));
    }
    RC_ASSERT(is(set, model));
}

Dayset operator+(Dayset a, const Dayset& b) {
    a.unite(b);
    return a;
}

Dayset operator-(Dayset a, const Dayset& b) {
    a.subtract(b);
    return a;
}

Dayset operator*(Dayset a, const Dayset& b) {
    a.intersect(b);
    return a;
}

bool same(const Dayset& a, const Dayset& b) {
    return test::stored(a) == test::stored(b);
}

void laws() {
    const Dayset a = test::dayset_of(*test::any_model());
    const Dayset b = test::dayset_of(*test::any_model());
    const Dayset c = test::dayset_of(*test::any_model());
    RC_ASSERT(same(a + b - b, a - b));
    RC_ASSERT(same(a + b, b + a));
    RC_ASSERT(same(a * b, b * a));
    RC_ASSERT(same(a - (a - b), a * b));
    RC_ASSERT(same(a - (b + c), a - b - c));
    RC_ASSERT(same(a * (b + c), a * b + a * c));
    RC_ASSERT(same(a + b + c, a + (b + c)));
    RC_ASSERT(same((a - b) + a * b, a));
}

// Equal sets are equal bytes, whatever they were made of and in which order.
void history_leaves_no_trace() {
    const Model model = *test::any_model();
    const test::Bytes expected = test::canonical_encoding(model);

    test::Spans runs = test::runs_of(model);
    std::shuffle(runs.begin(), runs.end(), std::mt19937(*rc::gen::arbitrary<unsigned>()));
    Dayset shuffled;
    for (const DaySpan run : runs)
        shuffled.add(run);
    RC_ASSERT(test::stored(shuffled) == expected);

    Dayset day_by_day;
    for (const Day day : model)
        day_by_day.add({day, day + 1});
    RC_ASSERT(test::stored(day_by_day) == expected);

    Dayset carved;
    carved.add({kFirstDay, kEndDay});
    Day open_since = kFirstDay;
    for (const DaySpan run : test::runs_of(model)) {
        carved.remove({open_since, run.first_day});
        open_since = run.end_day;
    }
    carved.remove({open_since, kEndDay});
    RC_ASSERT(test::stored(carved) == expected);
}

void every_encoding_becomes_canonical() {
    const Model model = *test::any_model();
    for (const test::Bytes& bytes : test::encodings(model)) {
        const test::OpenSet read(bytes);
        Dayset set(read.view);
        RC_ASSERT(is(set, model));
    }
}

// --- units ---

void sets_with_themselves() {
    const Model model = test::days_of({20000, 20010});
    Dayset set = test::dayset_of(model);
    set.unite(set);
    CHECK(is(set, model));
    set.intersect(set);
    CHECK(is(set, model));
    set.subtract(set);
    CHECK(is(set, {}));
}

void copies_and_moves() {
    const Model model = test::days_of({20000, 20010});
    Dayset set = test::dayset_of(model);
    Dayset copy(set);
    set.remove({20000, 20005});
    CHECK(is(copy, model));
    CHECK(is(set, test::days_of({20005, 20010})));
    Dayset moved(std::move(copy));
    CHECK(is(moved, model));
    copy = set;
    CHECK(is(copy, test::days_of({20005, 20010})));
    set = std::move(moved);
    CHECK(is(set, model));
}

void spans_past_the_supported_days() {
    constexpr Day kLowest = std::numeric_limits<Day>::min();
    constexpr Day kHighest = std::numeric_limits<Day>::max();
    const Model all = test::days_of({kFirstDay, kEndDay});
    Dayset set = test::dayset_of(all);
    set.add({5, 5});
    set.add({kHighest, kLowest});
    set.keep({kLowest, kHighest});
    set.remove({kLowest, kFirstDay});
    set.remove({kEndDay, kHighest});
    set.remove({kHighest, kLowest});
    CHECK(is(set, all));
    set.keep({kLowest, 7});
    CHECK(is(set, test::days_of({0, 7})));
    set.keep({kHighest, kLowest});
    CHECK(is(set, {}));
    set.remove({kLowest, kHighest});
    CHECK(is(set, {}));
}

// CRoaring 0.2.66 comes to have these days in a bitset container, where the format has an array.
void few_days_after_many() {
    Model model = test::days_of({1, 4});
    Dayset set = test::dayset_of(model);
    for (Day day = 10; day < 10 + 2 * 2100; day += 2) {
        set.add({day, day + 1});
        model.insert(day);
    }
    CHECK(is(set, model));

    Model scattered;
    for (Day day = 0; day < 3 * 4097; day += 3)
        scattered.insert(day);
    Dayset carved = test::dayset_of(scattered);
    CHECK(is(carved, scattered));
    carved.remove({300, 301});
    scattered.erase(300);
    CHECK(is(carved, scattered));
    Dayset kept(carved);
    kept.keep({0, 3 * 4096});
    scattered.erase(3 * 4096);
    CHECK(is(kept, scattered));
}

void sizes() {
    Dayset set;
    CHECK(set.stored_size() == 8);
    for (Day day = kFirstDay; day < kEndDay; day += 2)
        set.add({day, day + 1});
    CHECK(set.stored_size() == kMaxStoredSize);
    CHECK(set.count() == 32768);
    set.add({kFirstDay, kEndDay});
    CHECK(set.stored_size() == 15);
}

// The bytes of a set that loses one span and then gets another are those of the same done step by step; the set may be
// stored in any way.
void changes_in_bytes() {
    const Model model = *test::any_model();
    const DaySpan removed = test::span_near(model);
    const DaySpan added = test::supported_span_near(model);
    Dayset set = test::dayset_of(model);
    const auto before = test::stored(set);
    set.remove(removed);
    set.add(added);

    DaysetView view;
    RC_ASSERT(DaysetView::open(before.data(), before.size(), &view));
    auto written = before;
    written.resize(kMaxStoredSize);
    written.resize(write_changed(view, removed, added, written.data()));
    RC_ASSERT(written == test::stored(set));
}

template <typename Body>
bool throws_bad_alloc(Body body) {
    out_of_memory = true;
    bool thrown = false;
    try {
        body();
    } catch (const std::bad_alloc&) {
        thrown = true;
    }
    out_of_memory = false;
    return thrown;
}

void out_of_memory_throws() {
    const Dayset set;
    CHECK(throws_bad_alloc([] { Dayset(); }));
    CHECK(throws_bad_alloc([] { Dayset{DaysetView()}; }));
    CHECK(throws_bad_alloc([&] { Dayset copy(set); }));
}

} // namespace

int main() {
    test::property("dayset: changes agree with the model", changes);
    test::property("dayset: a change in bytes is the change", changes_in_bytes);
    test::property("dayset: laws of sets", laws);
    test::property("dayset: history leaves no trace in the bytes", history_leaves_no_trace);
    test::property("dayset: every encoding becomes canonical", every_encoding_becomes_canonical);
    test::run("dayset: sets with themselves", sets_with_themselves);
    test::run("dayset: copies and moves", copies_and_moves);
    test::run("dayset: spans past the supported days", spans_past_the_supported_days);
    test::run("dayset: few days after many", few_days_after_many);
    test::run("dayset: sizes", sizes);
    test::run("dayset: out of memory throws", out_of_memory_throws);
    return test::exit_status();
}

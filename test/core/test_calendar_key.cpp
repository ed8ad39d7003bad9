// Keys of an index over calendars against the model: never a wrong answer, and a sure one from one calendar.

#include <algorithm>
#include <iterator>
#include <memory>
#include <stdexcept>

#include "extension/core/calendar_key.hpp"
#include "property.hpp"

using namespace availability;
using test::Bytes;
using test::Model;

namespace {

// The bytes of a key read back, in memory that ends where they end.
CalendarKey opened(const std::uint8_t* bytes, std::size_t size) {
    const std::unique_ptr<std::uint8_t[]> memory(new std::uint8_t[size]);
    std::copy_n(bytes, size, memory.get());
    CalendarKey key;
    if (size > kMaxKeySize || !read_key(memory.get(), size, &key))
        throw std::logic_error("a key can't be read back");
    return key;
}

CalendarKey key_of(const Model& model) {
    const Bytes bytes = test::stored(test::dayset_of(model));
    const test::OpenSet set(bytes);
    std::uint8_t key[kMaxKeySize];
    return opened(key, write_key(set.view, key));
}

CalendarKey key_of(const std::vector<CalendarKey>& keys) {
    KeyUnion all;
    for (const CalendarKey& key : keys)
        all.add(key);
    std::uint8_t bytes[kMaxKeySize];
    return opened(bytes, all.write(bytes));
}

Model days_of(const KeyRuns& runs) {
    Model model;
    for (const DaySpan run : runs)
        model.merge(test::days_of(run));
    return model;
}

bool is_subset(const Model& a, const Model& b) {
    return std::includes(b.begin(), b.end(), a.begin(), a.end());
}

Match expected(const std::vector<bool>& answers) {
    const auto yes = std::count(answers.begin(), answers.end(), true);
    return yes == 0 ? Match::kNone : yes == static_cast<std::ptrdiff_t>(answers.size()) ? Match::kAll : Match::kSome;
}

// An answer may be less sure than the truth, never another.
void require_right(Match answer, Match truth, bool exact) {
    RC_ASSERT(answer == truth || (!exact && answer == Match::kSome));
}

bool overlaps(const Model& model, DaySpan span) {
    const auto day = model.lower_bound(span.first_day);
    return !span.empty() && day != model.end() && *day < span.end_day;
}

bool contains(const Model& model, const Model& other) {
    return is_subset(other, model);
}

// Asks a key everything that an index asks, and compares with what holds of the calendars that it speaks for.
void ask(const CalendarKey& key, const std::vector<Model>& calendars, const Model& near) {
    const auto truth = [&calendars](auto holds) {
        std::vector<bool> answers;
        for (const Model& calendar : calendars)
            answers.push_back(holds(calendar));
        return expected(answers);
    };
    for (int i = 0; i < 6; ++i) {
        const DaySpan span = test::supported_span_near(near);
        require_right(match_overlaps(key, span), truth([&](const Model& m) { return overlaps(m, span); }), key.exact);
        const Model days = test::days_of(span);
        require_right(match_contains(key, span), truth([&](const Model& m) { return contains(m, days); }), key.exact);
    }
    const Model set = *rc::gen::arbitrary<bool>() ? near : *test::any_model();
    const Bytes bytes = test::stored(test::dayset_of(set));
    const test::OpenSet query(bytes);
    require_right(match_overlaps(key, query.view), truth([&](const Model& m) {
                      return std::any_of(set.begin(), set.end(), [&m](Day day) { return m.count(day) > 0; });
                  }),
                  key.exact);
    require_right(match_contains(key, query.view), truth([&](const Model& m) { return contains(m, set); }), key.exact);
    require_right(match_equals(key, query.view), truth([&](const Model& m) { return m == set; }), key.exact);
}

std::vector<Model> some_models() {
    return *rc::gen::resize(6, rc::gen::nonEmpty(rc::gen::container<std::vector<Model>>(test::any_model())));
}

void test_one_calendar() {
    test::property("key: one calendar", [] {
        const Model model = *test::any_model();
        const CalendarKey key = key_of(model);
        RC_ASSERT(is_subset(model, days_of(key.any)));
        RC_ASSERT(is_subset(days_of(key.all), model));
        if (test::runs_of(model).size() < 80) {
            RC_ASSERT(key.exact);
            RC_ASSERT(days_of(key.any) == model);
        }
        ask(key, {model}, model);
    });
    test::run("key: a calendar of 4000 scattered days is coarsened", [] {
        Model model;
        for (Day i = 0; i < 4000; ++i)
            model.insert(20000 + 5 * i + i % 3);
        const CalendarKey key = key_of(model);
        CHECK(!key.exact);
        CHECK(is_subset(model, days_of(key.any)));
        CHECK(is_subset(days_of(key.all), model));
        CHECK(key.all.count > 50);
        CHECK(match_overlaps(key, DaySpan{0, 19000}) == Match::kNone);
    });
}

void test_many_calendars() {
    test::property("key: many calendars", [] {
        const std::vector<Model> models = some_models();
        std::vector<CalendarKey> keys;
        for (const Model& model : models)
            keys.push_back(key_of(model));
        const CalendarKey both = key_of(keys);
        for (const CalendarKey& key : keys) {
            RC_ASSERT(is_subset(days_of(key.any), days_of(both.any)));
            RC_ASSERT(is_subset(days_of(both.all), days_of(key.all)));
        }
        ask(both, models, models.front());

        // Added to a key that has it already, a calendar changes nothing; a key of keys is that of their calendars.
        if (std::all_of(keys.begin(), keys.end(), [](const CalendarKey& key) { return key.exact; }) &&
            both.any.count < 80 && both.all.count < 80) {
            RC_ASSERT(penalty_of(both, keys.front()) <= 1);
            Model any;
            Model all = models.front();
            for (const Model& model : models) {
                any.insert(model.begin(), model.end());
                Model common;
                std::set_intersection(all.begin(), all.end(), model.begin(), model.end(),
                                      std::inserter(common, common.end()));
                all = common;
            }
            RC_ASSERT(days_of(both.any) == any);
            RC_ASSERT(days_of(both.all) == all);
        }
    });
}

void test_splits() {
    test::property("key: a split has two groups, neither much smaller", [] {
        std::vector<CalendarKey> keys;
        for (const Model& model : some_models())
            keys.push_back(key_of(model));
        keys.push_back(keys.front());
        const auto count = static_cast<std::uint32_t>(keys.size());
        const std::unique_ptr<bool[]> right(new bool[count]);
        split_keys(keys.data(), count, right.get());
        const auto rights = static_cast<std::uint32_t>(std::count(right.get(), right.get() + count, true));
        RC_ASSERT(rights >= std::max<std::uint32_t>(1, count * 2 / 5));
        RC_ASSERT(count - rights >= std::max<std::uint32_t>(1, count * 2 / 5));
    });
    test::run("key: a split tells the booked from the open", [] {
        std::vector<CalendarKey> keys;
        for (Day i = 0; i < 40; ++i)
            keys.push_back(
                key_of(i % 2 == 0 ? test::days_of({20000 + i, 20100}) : test::days_of({20110 + i, 20111 + i})));
        bool right[40];
        split_keys(keys.data(), 40, right);
        for (int i = 0; i < 40; ++i)
            CHECK(right[i] == (i % 2 == 0));
    });
    test::run("key: neighbours in order are alike", [] {
        const auto booked = [](Day from, Day to) { return locality(key_of(test::days_of({from, to})), 20000); };
        // Booked in the first half, in the second, throughout, never: the middle tells before all else but the
        // beginning.
        CHECK(booked(20000, 20000) == 0);
        CHECK(booked(20000, 20512) == ~std::uint64_t{0});
        CHECK((booked(20256, 20512) & booked(20000, 20256)) == 0);
        CHECK((booked(20256, 20512) | booked(20000, 20256)) == ~std::uint64_t{0});
        CHECK(booked(20000, 20001) == std::uint64_t{1} << 63);
        CHECK(booked(20256, 20257) == std::uint64_t{1} << 62);
        CHECK(booked(20128, 20129) == std::uint64_t{1} << 61);
        CHECK(booked(19000, 20000) == 0);
    });
}

void test_hostile_bytes() {
    test::property("key: hostile bytes", [] {
        Bytes bytes = *rc::gen::arbitrary<Bytes>();
        if (*rc::gen::arbitrary<bool>()) {
            std::uint8_t key[kMaxKeySize];
            const test::OpenSet set(test::stored(test::dayset_of(*test::any_model())));
            bytes.assign(key, key + write_key(set.view, key));
            for (int i = *test::within(1, 3); i > 0; --i)
                bytes[*test::within<std::size_t>(0, bytes.size() - 1)] = *rc::gen::arbitrary<std::uint8_t>();
            bytes.resize(*test::within<std::size_t>(0, bytes.size()));
        }
        const std::unique_ptr<std::uint8_t[]> memory(new std::uint8_t[bytes.size()]);
        std::copy(bytes.begin(), bytes.end(), memory.get());
        CalendarKey key;
        if (!read_key(memory.get(), bytes.size(), &key))
            return;
        for (const KeyRuns* runs : {&key.any, &key.all}) {
            Day end_day = -1;
            for (const DaySpan run : *runs) {
                RC_ASSERT(!run.empty() && run.supported() && run.first_day > end_day);
                end_day = run.end_day;
            }
        }
    });
}

} // namespace

int main() {
    test_one_calendar();
    test_many_calendars();
    test_splits();
    test_hostile_bytes();
    return test::exit_status();
}

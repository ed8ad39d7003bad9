// Properties on rapidcheck: one line a property on standard output, and on failure the seed and the
// smallest counterexample that was found.
#pragma once

#include <cstdlib>
#include <iostream>
#include <limits>
#include <random>
#include <sstream>
#include <string>

#include <rapidcheck.h>

#include "check.hpp"
#include "model.hpp"

namespace test {

// The seed is RC_PARAMS="seed=N" of the environment, or a new one for each process.
inline void choose_seed() {
    const std::string seed = "seed=" + std::to_string(std::random_device()());
    setenv("RC_PARAMS", seed.c_str(), 0);
}

template <typename Property>
void property(const char* name, Property holds) {
    choose_seed();
    std::ostringstream output;
    std::streambuf* const standard = std::cerr.rdbuf(output.rdbuf());
    const bool passed = rc::check(name, holds);
    std::cerr.rdbuf(standard);
    if (!passed) {
        std::printf("# RC_PARAMS='%s'\n", std::getenv("RC_PARAMS"));
        std::istringstream lines(output.str());
        for (std::string line; std::getline(lines, line);)
            std::printf("# %s\n", line.c_str());
    }
    report(name, passed);
}

// `number` runs of `length` days, one every `period` days, from first_day on. Sets are unions of a
// few of these: they reach every container, the ties between them, both ends of the supported days,
// and shrink to few small numbers.
struct Pattern {
    Day first_day;
    int number;
    int period;
    int length;
};

inline Model expand(const std::vector<Pattern>& patterns) {
    Model model;
    for (const Pattern& pattern : patterns)
        for (int i = 0; i < pattern.number; ++i)
            for (int j = 0; j < pattern.length; ++j) {
                const Day day = pattern.first_day + i * pattern.period + j;
                if (day <= kLastDay)
                    model.insert(day);
            }
    return model;
}

// rc::gen::inRange() is narrow while a test is young; here it never is.
template <typename T>
rc::Gen<T> within(T first, T last) {
    return rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(first, last + 1));
}

inline rc::Gen<Day> any_day() {
    return rc::gen::weightedOneOf<Day>({{4, within<Day>(20450, 20850)},
                                        {2, within<Day>(kFirstDay, 40)},
                                        {2, within<Day>(kLastDay - 40, kLastDay)},
                                        {2, within<Day>(kFirstDay, kLastDay)}});
}

inline rc::Gen<Pattern> any_pattern() {
    const auto pattern = [](auto number, auto period, auto length) {
        return rc::gen::build<Pattern>(rc::gen::set(&Pattern::first_day, any_day()),
                                       rc::gen::set(&Pattern::number, number), rc::gen::set(&Pattern::period, period),
                                       rc::gen::set(&Pattern::length, length));
    };
    return rc::gen::weightedOneOf<Pattern>({{12, pattern(within(1, 8), within(1, 60), within(1, 14))},
                                            {4, pattern(within(1, 3), within(1, 400), within(1, 400))},
                                            {2, pattern(within(1, 200), within(2, 9), within(1, 3))},
                                            {1, pattern(within(1, 4200), within(2, 15), within(1, 2))},
                                            {1, pattern(within(1, 1), within(1, 1), within(1, 65536))}});
}

inline rc::Gen<Model> any_model() {
    return rc::gen::map(rc::gen::resize(5, rc::gen::container<std::vector<Pattern>>(any_pattern())), expand);
}

// Days in and about a set, and some that are not supported. Call in a property only.
inline Day day_near(const Model& model) {
    Day day = *any_day();
    const auto found = model.lower_bound(day);
    if (found != model.end())
        day = *found;
    return day + *within(-2, 2);
}

// Any two such days, in either order: half of the spans are short, many empty.
inline DaySpan span_near(const Model& model) {
    const Day day = day_near(model);
    return {day, *rc::gen::arbitrary<bool>() ? day_near(model) : day + *within(-1, 20)};
}

inline DaySpan supported_span_near(const Model& model) {
    return intersection(span_near(model), {kFirstDay, kEndDay});
}

inline void showValue(const Model& model, std::ostream& out) {
    out << '{';
    for (const DaySpan run : runs_of(model))
        out << '[' << run.first_day << ',' << run.end_day << ')';
    out << '}';
}

} // namespace test

namespace availability {

inline void showValue(DaySpan span, std::ostream& out) {
    out << '[' << span.first_day << ',' << span.end_day << ')';
}

} // namespace availability

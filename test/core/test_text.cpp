// The text form: what is written, what is read, and how what is wrong is named.

#include <algorithm>

#include "property.hpp"

using namespace availability;
using test::Model;

namespace {

constexpr const char* kTwoStays = "{[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)}";

bool reads(std::string_view text, const std::string& expected) {
    Dayset set;
    const TextResult result = parse(text, &set);
    if (result.error != TextError::kNone)
        return false;
    return test::text_of(test::OpenSet(test::stored(set)).view) == expected;
}

bool fails(std::string_view text, TextError error, std::size_t position) {
    Dayset set;
    const TextResult result = parse(text, &set);
    return result.error == error && result.position == position;
}

void braces() {
    CHECK(reads("{}", "{}"));
    CHECK(reads(" \t\n\v\f\r{ } ", "{}"));
    CHECK(reads(kTwoStays, kTwoStays));
    CHECK(reads("  { [2026-12-20,2026-12-27) , [2027-01-01,2027-01-03) }  ", kTwoStays));
    CHECK(reads("{[2027-01-01,2027-01-03),[2026-12-20,2026-12-27)}", kTwoStays));
    CHECK(reads("{[2026-12-20,2026-12-24),[2026-12-24,2026-12-27),[2027-01-01,2027-01-03)}", kTwoStays));
    CHECK(reads("{[2026-12-20,2026-12-26),[2026-12-22,2026-12-27),[2027-01-01,2027-01-03)}", kTwoStays));
    CHECK(reads("{empty}", "{}"));
    CHECK(reads("{ EMPTY , [2026-12-24,2026-12-25),Empty}", "{[2026-12-24,2026-12-25)}"));
}

void bare_ranges_and_dates() {
    CHECK(reads("[2026-12-20,2026-12-27)", "{[2026-12-20,2026-12-27)}"));
    CHECK(reads(" (2026-12-20,2026-12-27] ", "{[2026-12-21,2026-12-28)}"));
    CHECK(reads("empty", "{}"));
    CHECK(reads(" eMPTY ", "{}"));
    CHECK(reads("2026-12-24", "{[2026-12-24,2026-12-25)}"));
    CHECK(reads("\n2026-12-24 ", "{[2026-12-24,2026-12-25)}"));
}

void bounds() {
    CHECK(reads("[2026-12-24,2026-12-24]", "{[2026-12-24,2026-12-25)}"));
    CHECK(reads("[2026-12-24,2026-12-24)", "{}"));
    CHECK(reads("(2026-12-24,2026-12-24)", "{}"));
    CHECK(reads("(2026-12-24,2026-12-24]", "{}"));
    CHECK(reads("(2026-12-24,2026-12-25)", "{}"));
    CHECK(reads("(2026-12-24,2026-12-26)", "{[2026-12-25,2026-12-26)}"));
    CHECK(reads("[2024-02-29,2024-02-29]", "{[2024-02-29,2024-03-01)}"));
}

void quotes_and_spaces() {
    const char* const expected = "{[2026-12-20,2026-12-27)}";
    CHECK(reads("[\"2026-12-20\",\"2026-12-27\")", expected));
    CHECK(reads("[ 2026-12-20 , 2026-12-27 )", expected));
    CHECK(reads("{[ \" 2026-12-20 \" ,2026-12-27)}", expected));
    CHECK(reads("[2026\"-12-\"20,\\2026-12-27)", expected));
    CHECK(reads("[\"\"2026-12-20,2026-12-27)", expected));
    CHECK(fails("[2026-12-20 1,2026-12-27)", TextError::kSyntax, 1));
    CHECK(fails("[2026- 12-20,2026-12-27)", TextError::kSyntax, 1));
    CHECK(fails("[\"2026\"\"-12-20\",2026-12-27)", TextError::kSyntax, 2));
    CHECK(fails("[\"2026-12-20,2026-12-27)", TextError::kSyntax, 2));
    CHECK(fails("[\"\",2026-12-27)", TextError::kSyntax, 1));
    CHECK(fails("[ ,2026-12-27)", TextError::kSyntax, 1));
    CHECK(fails("[2026-12-20,2026-12-27\\", TextError::kSyntax, 23));
}

void both_ends_of_the_supported_days() {
    CHECK(reads("[1970-01-01,1970-01-01]", "{[1970-01-01,1970-01-02)}"));
    CHECK(reads("(1969-12-31,1970-01-02)", "{[1970-01-01,1970-01-02)}"));
    CHECK(reads("[2149-06-06,2149-06-07)", "{[2149-06-06,2149-06-07)}"));
    CHECK(reads("[2149-06-06,2149-06-06]", "{[2149-06-06,2149-06-07)}"));
    CHECK(reads("{[1970-01-01,2149-06-07)}", "{[1970-01-01,2149-06-07)}"));
    CHECK(reads("2149-06-06", "{[2149-06-06,2149-06-07)}"));
    CHECK(reads("[1900-01-01,1900-01-01)", "{}"));
    CHECK(fails("2149-06-07", TextError::kOutOfRange, 0));
    CHECK(fails(" 1969-12-31", TextError::kOutOfRange, 1));
    CHECK(fails("[1969-12-31,1970-01-02)", TextError::kOutOfRange, 1));
    CHECK(fails("[2149-06-06,2149-06-07]", TextError::kOutOfRange, 12));
    CHECK(fails("{[2026-12-20,2026-12-27),[0044-01-01,2026-12-27)}", TextError::kOutOfRange, 26));
    CHECK(fails("[0000-01-01,2150-01-01)", TextError::kOutOfRange, 1));
    CHECK(fails("[2026-12-20,9999-12-31)", TextError::kOutOfRange, 12));
}

void unbounded_ranges() {
    CHECK(fails("(,2026-01-01)", TextError::kOutOfRange, 1));
    CHECK(fails("{[2026-01-01,)}", TextError::kOutOfRange, 13));
    CHECK(fails("(,)", TextError::kOutOfRange, 1));
    CHECK(fails("[-infinity,2026-01-01)", TextError::kSyntax, 1));
    CHECK(fails("[2026-01-01,infinity)", TextError::kSyntax, 12));
}

void reversed_bounds() {
    CHECK(fails("[2026-12-27,2026-12-20)", TextError::kReversed, 0));
    CHECK(fails("{empty,[2026-12-24,2026-12-23]}", TextError::kReversed, 7));
}

void no_such_dates() {
    CHECK(fails("2026-02-30", TextError::kNoSuchDate, 0));
    CHECK(fails("[2026-01-01,2026-13-01)", TextError::kNoSuchDate, 12));
    CHECK(fails("[ \"2026-00-01\",2026-01-01)", TextError::kNoSuchDate, 3));
    CHECK(fails("2100-02-29", TextError::kNoSuchDate, 0));
    CHECK(fails("2026-01-00", TextError::kNoSuchDate, 0));
}

void malformed_text() {
    CHECK(fails("", TextError::kSyntax, 0));
    CHECK(fails("  ", TextError::kSyntax, 2));
    CHECK(fails("{", TextError::kSyntax, 1));
    CHECK(fails("{,}", TextError::kSyntax, 1));
    CHECK(fails("{} x", TextError::kSyntax, 3));
    CHECK(fails("{[2026-01-01,2026-01-02),}", TextError::kSyntax, 25));
    CHECK(fails("{[2026-01-01,2026-01-02) [2026-01-01,2026-01-02)}", TextError::kSyntax, 25));
    CHECK(fails("{[2026-01-01,2026-01-02)", TextError::kSyntax, 24));
    CHECK(fails("{2026-01-01}", TextError::kSyntax, 1));
    CHECK(fails("[2026-01-01,2026-01-02", TextError::kSyntax, 22));
    CHECK(fails("[2026-01-01,2026-01-02) [", TextError::kSyntax, 24));
    CHECK(fails("[2026-01-01)", TextError::kSyntax, 11));
    CHECK(fails("[2026-01-01,2026-01-02,2026-01-03)", TextError::kSyntax, 22));
    CHECK(fails("emptyy", TextError::kSyntax, 5));
    CHECK(fails("2026-1-01", TextError::kSyntax, 0));
    CHECK(fails("2026-01-1", TextError::kSyntax, 0));
    CHECK(fails("12026-01-01", TextError::kSyntax, 0));
    CHECK(fails("2026-01-011", TextError::kSyntax, 10));
    CHECK(fails("20260101", TextError::kSyntax, 0));
    CHECK(fails("2026/01/01", TextError::kSyntax, 0));
    CHECK(fails("-026-01-01", TextError::kSyntax, 0));
    CHECK(fails("today", TextError::kSyntax, 0));
    CHECK(fails("2026-01-01 BC", TextError::kSyntax, 11));
    CHECK(fails(std::string_view("2026-01-01\0", 11), TextError::kSyntax, 10));
    CHECK(fails(std::string_view("[2026-01-0\0,2026-01-02)", 23), TextError::kSyntax, 1));
    CHECK(fails("\xff\xfe", TextError::kSyntax, 0));
}

// --- properties ---

void round_trip() {
    const Model model = *test::any_model();
    Dayset set = test::dayset_of(model);
    const test::Bytes bytes = test::stored(set);
    const test::OpenSet open(bytes);
    const std::string text = test::text_of(open.view);
    Dayset again;
    RC_ASSERT(parse(text, &again).error == TextError::kNone);
    RC_ASSERT(test::stored(again) == bytes);
    RC_ASSERT(text.size() <= text_size_bound(open.view));
}

std::string spaces() {
    return *rc::gen::element<std::string>("", "", " ", "\t\n");
}

std::string bound(Day day) {
    char text[10];
    format_day(day, text);
    const std::string quote = *rc::gen::element<std::string>("", "\"");
    return spaces() + quote + spaces() + std::string(text, 10) + quote + spaces();
}

// One of the ways to write a range.
std::string spelled(DaySpan span) {
    const bool includes_lower = *rc::gen::arbitrary<bool>();
    const bool includes_upper = *rc::gen::arbitrary<bool>();
    return (includes_lower ? "[" : "(") + bound(span.first_day - !includes_lower) + "," +
           bound(span.end_day - includes_upper) + (includes_upper ? "]" : ")");
}

void any_spelling_in_any_order() {
    Model model;
    std::string text = spaces() + "{" + spaces();
    const int ranges = *test::within(0, 8);
    for (int i = 0; i < ranges; ++i) {
        const DaySpan span = test::supported_span_near(model);
        if (i > 0)
            text += spaces() + "," + spaces();
        text += span.empty() ? *rc::gen::element<std::string>("empty", "EmPtY") : spelled(span);
        const Model days = test::days_of(span);
        model.insert(days.begin(), days.end());
    }
    text += spaces() + "}" + spaces();

    Dayset set;
    RC_ASSERT(parse(text, &set).error == TextError::kNone);
    RC_ASSERT(test::stored(set) == test::canonical_encoding(model));
}

} // namespace

int main() {
    test::run("text: braces", braces);
    test::run("text: bare ranges and dates", bare_ranges_and_dates);
    test::run("text: bounds", bounds);
    test::run("text: quotes and spaces", quotes_and_spaces);
    test::run("text: both ends of the supported days", both_ends_of_the_supported_days);
    test::run("text: unbounded ranges", unbounded_ranges);
    test::run("text: reversed bounds", reversed_bounds);
    test::run("text: no such dates", no_such_dates);
    test::run("text: malformed text", malformed_text);
    test::property("text: round trip", round_trip);
    test::property("text: any spelling in any order", any_spelling_in_any_order);
    return test::exit_status();
}

// What passes to the database and comes from it, without one: keys, arrays, bytes, traces.

#include "service/database/connection.hpp"
#include "service/database/tables.hpp"
#include "test/core/check.hpp"

using namespace availability;
using namespace availability::database;

namespace {

std::optional<std::string> key(Table::Type type, std::string text) {
    Table table;
    table.type = type;
    reader::OwnedListing listing;
    listing.is_text = true;
    listing.text = std::move(text);
    return table.key_of(listing);
}

std::optional<std::string> key(Table::Type type, std::int64_t number) {
    Table table;
    table.type = type;
    reader::OwnedListing listing;
    listing.number = number;
    return table.key_of(listing);
}

void keys_have_one_text() {
    using Type = Table::Type;
    for (const Type type : {Type::kInt2, Type::kInt4, Type::kInt8}) {
        CHECK(key(type, "42") == "42" && key(type, "-7") == "-7" && key(type, "0") == "0" && key(type, 42) == "42");
        for (const char* text :
             {"", "-", "-0", "007", "+1", " 1", "1 ", "1.0", "1e3", "0x10", "one", "9223372036854775808"})
            CHECK(!key(type, text));
    }
    CHECK(key(Type::kInt2, "-32768") && !key(Type::kInt2, "-32769") && !key(Type::kInt2, 32768));
    CHECK(key(Type::kInt4, "2147483647") && !key(Type::kInt4, "2147483648") && !key(Type::kInt4, -2147483649));
    CHECK(key(Type::kInt8, "-9223372036854775808") && !key(Type::kInt8, "-9223372036854775809"));
    CHECK(key(Type::kUuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11").has_value());
    for (const char* text : {"", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc999c0b4ef8bb6d6bb9bd380a11",
                             "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g",
                             "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1-"})
        CHECK(!key(Type::kUuid, text));
    CHECK(!key(Type::kUuid, 5) && key(Type::kText, 5) == "5");
    for (const std::string text :
         {"", "x", "caf\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8f\xa0", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"})
        CHECK(key(Type::kText, text) == text);
    const std::string nul("a\0b", 3);
    for (const std::string& text :
         {nul, std::string("\xff"), std::string("\xc3"), std::string("\xc3("), std::string("\xc0\x80"),
          std::string("\xe0\x80\x80"), std::string("\xed\xa0\x80"), std::string("\xf0\x80\x80\x80"),
          std::string("\xf4\x90\x80\x80"), std::string("\xf5\x80\x80\x80"), std::string("\x80"),
          std::string("\xe2\x82"), std::string("\xf0\x9f\x8f")})
        CHECK(!key(Type::kText, text));
}

void arrays_and_bytes() {
    CHECK(array_of({}) == "{}");
    CHECK(array_of({"1", "a b", "", "NULL", "x\"y\\z", "{},"}) == R"({"1","a b","","NULL","x\"y\\z","{},"})");
    std::string bytes;
    CHECK(read_hex("00ff3a", &bytes) && bytes == std::string("\0\xff:", 3));
    CHECK(read_hex("", &bytes) && bytes.empty());
    CHECK(!read_hex("0", &bytes) && !read_hex("0g", &bytes) && !read_hex("\\x00", &bytes) && !read_hex("FF", &bytes));
}

void traces() {
    const std::string good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    CHECK(with_traceparent("SELECT 1", good) == "SELECT 1 /*traceparent='" + good + "'*/");
    std::vector<std::string> bad = {"",
                                    good + " ",
                                    good + "-more",
                                    "ff" + good.substr(2),
                                    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                                    "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                                    "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331'01"};
    // Any byte that could end the comment, or the literal in it, in any place.
    for (std::size_t at = 0; at < good.size(); at++)
        for (const char c : {'*', '/', '\'', '\\', ';', '\0', '\n', ' ', 'G', '\xc3'}) {
            bad.push_back(good);
            bad.back()[at] = c;
        }
    for (const std::string& text : bad)
        CHECK(!is_traceparent(text) && with_traceparent("SELECT 1", text) == "SELECT 1");
}

} // namespace

int main() {
    test::run("database values: each listing has one text", keys_have_one_text);
    test::run("database values: arrays and bytes", arrays_and_bytes);
    test::run("database values: traces", traces);
    return test::exit_status();
}

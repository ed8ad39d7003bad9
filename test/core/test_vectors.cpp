// The published test vectors (vectors.txt), in both directions: each text gives its bytes, and they
// give it.

#include <cstdio>
#include <fstream>
#include <string>

#include "check.hpp"
#include "model.hpp"

using namespace availability;

namespace {

int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// False unless the text is hexadecimal digits in pairs.
bool read_hex(const std::string& text, test::Bytes* bytes) {
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_digit(text[i]);
        const int low = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
        if (high < 0 || low < 0)
            return false;
        bytes->push_back(static_cast<std::uint8_t>(high * 16 + low));
    }
    return true;
}

void vector(const std::string& text, const test::Bytes& bytes) {
    Dayset set;
    CHECK(parse(text, &set).error == TextError::kNone);
    CHECK(test::stored(set) == bytes);

    const test::OpenSet read(bytes);
    CHECK(read.opened && read.complaint == nullptr && read.canonical);
    CHECK(test::text_of(read.view) == text);
    Dayset copy(read.view);
    CHECK(test::stored(copy) == bytes);
}

} // namespace

int main(int argc, char** argv) {
    const char* path = argc > 1 ? argv[1] : "vectors.txt";
    std::ifstream file(path);
    std::string comment;
    int vectors = 0;
    for (std::string line; std::getline(file, line);) {
        if (line[0] == '#') {
            comment = line.substr(1);
            continue;
        }
        const std::size_t tab = line.find('\t');
        test::Bytes bytes;
        test::run(("vector:" + comment).c_str(), [&] {
            CHECK(tab != std::string::npos);
            CHECK(read_hex(line.substr(tab + 1), &bytes));
            vector(line.substr(0, tab), bytes);
        });
        ++vectors;
    }
    test::run("vectors: all read", [&] { CHECK(vectors == 42); });
    return test::exit_status();
}

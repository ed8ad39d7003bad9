// The door for bytes from outside: what it lets in, what it refuses and why, and that nothing gets
// past it.

#include <cstring>

#include "hostile.hpp"
#include "property.hpp"

using namespace availability;
using test::Bytes;
using test::Model;

namespace {

Bytes bytes_of(std::initializer_list<int> values) {
    Bytes bytes;
    for (const int value : values)
        bytes.push_back(static_cast<std::uint8_t>(value));
    return bytes;
}

// A run container of key 0 as its parts are stated, true or not.
Bytes runs(std::uint64_t cardinality, const std::vector<std::pair<int, int>>& starts_and_lengths) {
    Bytes bytes = bytes_of({0x3b, 0x30, 0, 0, 1, 0, 0});
    test::put(&bytes, 2, cardinality - 1);
    test::put(&bytes, 2, starts_and_lengths.size());
    for (const auto& [start, length] : starts_and_lengths) {
        test::put(&bytes, 2, static_cast<std::uint64_t>(start));
        test::put(&bytes, 2, static_cast<std::uint64_t>(length - 1));
    }
    return bytes;
}

Bytes array(std::uint64_t cardinality, const std::vector<int>& values) {
    Bytes bytes = bytes_of({0x3a, 0x30, 0, 0, 1, 0, 0, 0, 0, 0});
    test::put(&bytes, 2, cardinality - 1);
    test::put(&bytes, 4, 16);
    for (const int value : values)
        test::put(&bytes, 2, static_cast<std::uint64_t>(value));
    return bytes;
}

Bytes bitset(std::uint64_t cardinality, int days) {
    Bytes bytes = array(cardinality, {});
    for (int i = 0; i < 1024; ++i)
        test::put(&bytes, 8, 64 * (i + 1) <= days ? ~std::uint64_t{0} : 0);
    return bytes;
}

Bytes changed(Bytes bytes, std::size_t place, int value) {
    bytes.at(place) = static_cast<std::uint8_t>(value);
    return bytes;
}

Bytes with_appended(Bytes bytes, int value) {
    bytes.push_back(static_cast<std::uint8_t>(value));
    return bytes;
}

bool refused(const Bytes& bytes, const char* complaint) {
    const test::OpenSet set(bytes);
    return set.complaint != nullptr && std::strcmp(set.complaint, complaint) == 0;
}

bool accepted(const Bytes& bytes, bool canonical, std::uint32_t count) {
    const test::OpenSet set(bytes);
    return set.opened && set.complaint == nullptr && set.canonical == canonical && set.validated.count() == count;
}

void headers() {
    const Bytes empty = bytes_of({0x3a, 0x30, 0, 0, 0, 0, 0, 0});
    const Bytes day = array(1, {20811});
    const Bytes week = runs(7, {{20811, 7}});
    CHECK(accepted(empty, true, 0) && accepted(day, true, 1) && accepted(week, true, 7));

    CHECK(refused({}, "too short"));
    CHECK(refused(bytes_of({0x3a, 0x30, 0, 0, 0, 0, 0}), "too short"));
    CHECK(refused(Bytes(day.begin(), day.begin() + 15), "too short"));
    CHECK(refused(Bytes(week.begin(), week.begin() + 10), "too short"));
    CHECK(refused(with_appended(empty, 0), "bytes follow the empty set"));
    CHECK(refused(changed(day, 0, 0x3c), "unknown cookie"));
    CHECK(refused(changed(day, 2, 1), "unknown cookie"));
    CHECK(refused(changed(day, 4, 2), "more than one container"));
    CHECK(refused(changed(day, 7, 1), "more than one container"));
    CHECK(refused(changed(week, 2, 1), "more than one container"));
    CHECK(refused(changed(day, 8, 1), "days outside the supported ones"));
    CHECK(refused(changed(week, 6, 1), "days outside the supported ones"));
    CHECK(refused(changed(day, 12, 17), "wrong container offset"));
    CHECK(refused(changed(week, 4, 3), "wrong run flags"));
}

void containers() {
    const char* const wrong_size = "size does not agree with the container";
    CHECK(refused(with_appended(array(1, {5}), 0), wrong_size));
    CHECK(refused(array(2, {5}), wrong_size));
    CHECK(refused(array(1, {}), wrong_size));
    CHECK(refused(array(1, {5, 6}), wrong_size));
    CHECK(refused(with_appended(runs(7, {{5, 7}}), 0), wrong_size));
    CHECK(refused(runs(1, {}), wrong_size));
    CHECK(refused(changed(runs(7, {{5, 7}}), 9, 2), wrong_size));
    CHECK(refused(with_appended(bitset(64 * 100, 6400), 0), wrong_size));
    CHECK(refused(bitset(64 * 10, 640), wrong_size)); // so few days are an array

    CHECK(refused(array(2, {6, 5}), "array values do not ascend"));
    CHECK(refused(array(2, {5, 5}), "array values do not ascend"));
    CHECK(refused(array(3, {1, 7, 3}), "array values do not ascend"));
    CHECK(refused(bitset(6401, 6400), "wrong cardinality"));
    CHECK(refused(runs(8, {{5, 7}}), "wrong cardinality"));
    CHECK(refused(runs(65536, {{5, 7}}), "wrong cardinality"));

    const char* const wrong_order = "runs overlap, touch or do not ascend";
    CHECK(refused(runs(14, {{5, 7}, {12, 7}}), wrong_order));
    CHECK(refused(runs(14, {{5, 7}, {11, 7}}), wrong_order));
    CHECK(refused(runs(14, {{50, 7}, {12, 7}}), wrong_order));
    CHECK(refused(runs(14, {{5, 7}, {5, 7}}), wrong_order));
    CHECK(refused(runs(7, {{65530, 7}}), "run passes the last day"));
    CHECK(refused(runs(65536, {{1, 65536}}), "run passes the last day"));
    CHECK(accepted(runs(14, {{5, 7}, {13, 7}}), true, 14));
    CHECK(accepted(runs(6, {{65530, 6}}), true, 6));
    CHECK(accepted(runs(65536, {{0, 65536}}), true, 65536));
}

void valid_but_not_canonical() {
    CHECK(accepted(runs(2, {{5, 2}}), false, 2));
    CHECK(accepted(array(3, {5, 6, 7}), false, 3));
    CHECK(accepted(bitset(6400, 6400), false, 6400));
    CHECK(accepted(test::plain_encoding({5, 9}, 12347), false, 2));
    CHECK(accepted(test::plain_encoding(test::days_of({0, 5000}), 12347), false, 5000));
}

void every_encoding() {
    const Model model = *test::any_model();
    for (const Bytes& bytes : test::encodings(model)) {
        const test::OpenSet set(bytes);
        RC_ASSERT(set.complaint == nullptr);
        RC_ASSERT(set.canonical == (bytes == test::canonical_encoding(model)));
        RC_ASSERT(test::runs_of(set.validated) == test::runs_of(model));
    }
}

// Any bytes in a header's place, any in a container's: most of them are not valid, and many open.
void hostile_bytes() {
    const std::vector<Bytes> valid = test::encodings(*test::any_model());
    Bytes bytes = *rc::gen::elementOf(valid);
    for (int changes = *test::within(0, 4); changes > 0 && !bytes.empty(); --changes) {
        const std::size_t end = *rc::gen::arbitrary<bool>() ? std::min<std::size_t>(bytes.size(), 16) : bytes.size();
        const std::size_t place = *test::within<std::size_t>(0, end - 1);
        if (*test::within(0, 7) == 0)
            bytes.resize(place);
        else
            bytes[place] = *rc::gen::arbitrary<std::uint8_t>();
    }
    const char* const wrong = test::examine_bytes(bytes.data(), bytes.size());
    RC_LOG() << (wrong ? wrong : "");
    RC_ASSERT(wrong == nullptr);
}

} // namespace

int main() {
    test::run("validate: headers", headers);
    test::run("validate: containers", containers);
    test::run("validate: valid but not canonical", valid_but_not_canonical);
    test::property("validate: every encoding is accepted for what it is", every_encoding);
    test::property("validate: hostile bytes", hostile_bytes);
    return test::exit_status();
}

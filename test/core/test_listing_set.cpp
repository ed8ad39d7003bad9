// Sets of ordinals against the model and against CRoaring: bytes, text, algebra, and what the door refuses.

#include <roaring/roaring.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "ordinals.hpp"
#include "property.hpp"

using namespace availability;
using test::Bytes;
using test::Ordinals;

namespace {

using test::within;

// Ordinals in few containers, among them the first and the last.
rc::Gen<Ordinals> any_ordinals() {
    struct Piece {
        std::uint32_t key, first, number, period, length;
    };
    const auto piece = [](auto number, auto period, auto length) {
        return rc::gen::build<Piece>(
            rc::gen::set(&Piece::key, rc::gen::element<std::uint32_t>(0, 1, 2, 3, 4, 15, 32767)),
            rc::gen::set(&Piece::first, within<std::uint32_t>(0, 65535)), rc::gen::set(&Piece::number, number),
            rc::gen::set(&Piece::period, period), rc::gen::set(&Piece::length, length));
    };
    using N = std::uint32_t;
    const auto pieces =
        rc::gen::weightedOneOf<Piece>({{8, piece(within<N>(1, 20), within<N>(1, 300), within<N>(1, 20))},
                                       {2, piece(within<N>(1, 5000), within<N>(2, 13), within<N>(1, 2))},
                                       {1, piece(within<N>(1, 1), within<N>(1, 1), within<N>(1, 140000))}});
    return rc::gen::map(rc::gen::resize(6, rc::gen::container<std::vector<Piece>>(pieces)),
                        [](const std::vector<Piece>& all) {
                            Ordinals ordinals;
                            for (const Piece& piece : all)
                                for (N i = 0; i < piece.number; ++i)
                                    for (N j = 0; j < piece.length; ++j) {
                                        const std::uint64_t ordinal =
                                            (std::uint64_t{piece.key} << 16) + piece.first + i * piece.period + j;
                                        if (ordinal <= kLastOrdinal)
                                            ordinals.insert(static_cast<Ordinal>(ordinal));
                                    }
                            return ordinals;
                        });
}

Bytes by_croaring(const Ordinals& ordinals) {
    const std::vector<std::uint32_t> values(ordinals.begin(), ordinals.end());
    roaring_bitmap_t* bitmap = roaring_bitmap_of_ptr(values.size(), values.data());
    roaring_bitmap_run_optimize(bitmap);
    Bytes bytes(roaring_bitmap_portable_size_in_bytes(bitmap));
    roaring_bitmap_portable_serialize(bitmap, reinterpret_cast<char*>(bytes.data()));
    roaring_bitmap_free(bitmap);
    return bytes;
}

Ordinals read_by_croaring(const Bytes& bytes) {
    roaring_bitmap_t* bitmap =
        roaring_bitmap_portable_deserialize_safe(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    RC_ASSERT(bitmap != nullptr);
    std::vector<std::uint32_t> values(roaring_bitmap_get_cardinality(bitmap));
    roaring_bitmap_to_uint32_array(bitmap, values.data());
    roaring_bitmap_free(bitmap);
    return Ordinals(values.begin(), values.end());
}

void properties() {
    test::property("ordinals: every encoding is read, and rewritten into the canonical one", [] {
        const Ordinals ordinals = *any_ordinals();
        const Bytes canonical = test::canonical_ordinals(ordinals);
        const std::vector<Bytes> encodings = {canonical, by_croaring(ordinals),
                                              test::ordinals_encoding(ordinals, [](const auto&) { return true; }),
                                              test::ordinals_encoding(ordinals, [](const auto&) { return false; }),
                                              test::ordinals_encoding(
                                                  ordinals, [](const auto&) { return false; }, true)};
        for (const Bytes& bytes : encodings) {
            const test::OpenOrdinals set(bytes);
            RC_ASSERT(set.complaint == nullptr);
            RC_ASSERT(set.opened && set.canonical == (bytes == canonical));
            RC_ASSERT(set.view.count() == ordinals.size());
            RC_ASSERT(test::members_of(set.view) == ordinals);
            RC_ASSERT(test::rewritten(set.view) == canonical);
        }
    });
    test::property("ordinals: CRoaring reads what is written", [] {
        const Ordinals ordinals = *any_ordinals();
        RC_ASSERT(read_by_croaring(test::canonical_ordinals(ordinals)) == ordinals);
    });
    test::property("ordinals: contains agrees with the model", [] {
        const Ordinals ordinals = *any_ordinals();
        const test::OpenOrdinals set(test::canonical_ordinals(ordinals));
        for (int i = 0; i < 50; ++i) {
            Ordinal ordinal =
                *rc::gen::element<std::uint32_t>(0, 1, 2, 3, 5, 15, 32767) << 16 | *within<std::uint32_t>(0, 65535);
            const auto near = ordinals.lower_bound(ordinal);
            if (near != ordinals.end())
                ordinal = *near + *within<std::uint32_t>(0, 2);
            RC_ASSERT(set.view.contains(ordinal) == (ordinals.count(ordinal) > 0));
        }
    });
    test::property("ordinals: algebra agrees with the model", [] {
        const Ordinals a = *any_ordinals();
        Ordinals b = *any_ordinals();
        if (*rc::gen::arbitrary<bool>())
            b.insert(a.begin(), a.end());
        Ordinals all;
        Ordinals both;
        Ordinals rest;
        std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::inserter(all, all.end()));
        std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(both, both.end()));
        std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::inserter(rest, rest.end()));
        const test::OpenOrdinals left(test::canonical_ordinals(a));
        const test::OpenOrdinals right(by_croaring(b));
        RC_ASSERT(test::combined(left.view, right.view, Algebra::kUnion) == test::canonical_ordinals(all));
        RC_ASSERT(test::combined(left.view, right.view, Algebra::kIntersection) == test::canonical_ordinals(both));
        RC_ASSERT(test::combined(left.view, right.view, Algebra::kDifference) == test::canonical_ordinals(rest));
        RC_ASSERT(overlaps(left.view, right.view) == !both.empty());
        RC_ASSERT(contains_all(left.view, right.view) == (both.size() == b.size()));
        RC_ASSERT(contains_all(right.view, left.view) == rest.empty());
    });
    test::property("ordinals: the text form comes back", [] {
        const Ordinals ordinals = *any_ordinals();
        const test::OpenOrdinals set(test::canonical_ordinals(ordinals));
        std::vector<std::pair<Ordinal, Ordinal>> runs;
        std::size_t position;
        RC_ASSERT(test::parse_ordinals(test::text_of(set.view), &runs, &position) == OrdinalError::kNone);
        Ordinals parsed;
        for (const auto& [first, last] : runs)
            for (std::uint64_t ordinal = first; ordinal <= last; ++ordinal)
                parsed.insert(parsed.end(), static_cast<Ordinal>(ordinal));
        RC_ASSERT(parsed == ordinals);
    });
    test::property("ordinals: spans of bits agree with their bits one by one", [] {
        OrdinalBits span;
        OrdinalBits single;
        span.clear();
        single.clear();
        for (int i = 0; i < 4; ++i) {
            const auto first = *within<std::uint32_t>(0, 65535);
            const auto last = std::min(first + *within<std::uint32_t>(0, 400), 65535u);
            span.add(first, last);
            for (std::uint32_t place = first; place <= last; ++place)
                single.add(place);
        }
        RC_ASSERT(std::memcmp(span.words, single.words, sizeof(span.words)) == 0);
        single.remove(*within<std::uint32_t>(0, 65535));
        RC_ASSERT(span.contains_all(single));
        span.subtract(single);
        RC_ASSERT(span.count() <= 1 && !span.overlaps(single));
    });
}

bool refused(const Bytes& bytes, const char* complaint) {
    const test::OpenOrdinals set(bytes);
    if (set.complaint == nullptr || std::strcmp(set.complaint, complaint) != 0)
        std::printf("# %s\n", set.complaint == nullptr ? "accepted" : set.complaint);
    return set.complaint != nullptr && std::strcmp(set.complaint, complaint) == 0;
}

Bytes changed(Bytes bytes, std::size_t place, int value) {
    bytes.at(place) = static_cast<std::uint8_t>(value);
    return bytes;
}

Bytes cut(Bytes bytes, std::size_t size) {
    bytes.resize(size);
    return bytes;
}

Ordinals run_of(Ordinal first, Ordinal last) {
    Ordinals ordinals;
    for (Ordinal ordinal = first; ordinal <= last; ++ordinal)
        ordinals.insert(ordinals.end(), ordinal);
    return ordinals;
}

void door() {
    const Bytes empty = test::canonical_ordinals({});
    const Bytes arrays = test::canonical_ordinals({1, 3, 65536 + 7, 2 * 65536 + 9});
    const Bytes run = test::canonical_ordinals(run_of(5, 50));
    const Bytes runs = test::canonical_ordinals(run_of(65530, 65540));
    Ordinals many;
    for (Ordinal ordinal = 0; ordinal < 10000; ordinal += 2)
        many.insert(ordinal);
    const Bytes bitset = test::canonical_ordinals(many);

    CHECK(refused({}, "too short"));
    CHECK(refused(cut(arrays, 7), "too short"));
    CHECK(refused(changed(arrays, 0, 0x3c), "unknown cookie"));
    CHECK(refused(changed(empty, 4, 1), "too short, or ordinals past the last one"));
    CHECK(refused(changed(empty, 6, 1), "too short, or ordinals past the last one"));
    CHECK(refused(cut(run, 8), "too short, or ordinals past the last one"));
    CHECK(refused(changed(arrays, 9, 0x80), "ordinals past the last one"));
    CHECK(refused(changed(arrays, 12, 0), "containers do not ascend"));
    CHECK(refused(changed(arrays, 12, 2), "containers do not ascend"));
    CHECK(refused(changed(arrays, 20, 33), "wrong container offset"));
    CHECK(refused(changed(run, 4, 3), "wrong run flags"));
    CHECK(refused(cut(arrays, arrays.size() + 1), "size does not agree with the containers"));
    CHECK(refused(cut(arrays, arrays.size() - 1), "size does not agree with the containers"));
    CHECK(refused(cut(empty, 9), "size does not agree with the containers"));
    CHECK(refused(cut(run, run.size() + 2), "size does not agree with the containers"));
    CHECK(refused(changed(run, 9, 2), "size does not agree with the containers"));
    CHECK(refused(changed(arrays, arrays.size() - 8, 3), "array values do not ascend"));
    CHECK(refused(changed(run, run.size() - 2, 44), "wrong cardinality"));
    CHECK(refused(changed(changed(run, run.size() - 3, 0xff), run.size() - 1, 1), "run passes its container"));
    CHECK(refused(changed(bitset, bitset.size() - 1, 1), "wrong cardinality"));

    const test::OpenOrdinals across(runs);
    CHECK(across.canonical && across.view.containers() == 2 && test::text_of(across.view) == "{65530-65540}");
    CHECK(test::text_of(ListingSetView()) == "{}");
    CHECK(test::text_of(test::OpenOrdinals(arrays).view) == "{1,3,65543,131081}");
    CHECK(test::text_of(test::OpenOrdinals(test::canonical_ordinals({7, 8, 2147483647})).view) == "{7,8,2147483647}");
}

bool parses(const char* text, std::vector<std::pair<Ordinal, Ordinal>> expected) {
    std::vector<std::pair<Ordinal, Ordinal>> runs;
    std::size_t position;
    return test::parse_ordinals(text, &runs, &position) == OrdinalError::kNone && runs == expected;
}

bool fails(const char* text, OrdinalError error, std::size_t place) {
    std::vector<std::pair<Ordinal, Ordinal>> runs;
    std::size_t position;
    return test::parse_ordinals(text, &runs, &position) == error && position == place;
}

void text() {
    CHECK(parses("{}", {}));
    CHECK(parses(" { } ", {}));
    CHECK(parses("{1,2,5-9}", {{1, 1}, {2, 2}, {5, 9}}));
    CHECK(parses(" {\t7 , 3 - 3,0 - 2147483647 } ", {{7, 7}, {3, 3}, {0, 2147483647}}));
    CHECK(fails("", OrdinalError::kSyntax, 0));
    CHECK(fails("1,2", OrdinalError::kSyntax, 0));
    CHECK(fails("{1", OrdinalError::kSyntax, 2));
    CHECK(fails("{1,}", OrdinalError::kSyntax, 3));
    CHECK(fails("{,1}", OrdinalError::kSyntax, 1));
    CHECK(fails("{-1}", OrdinalError::kSyntax, 1));
    CHECK(fails("{1-}", OrdinalError::kSyntax, 3));
    CHECK(fails("{1 2}", OrdinalError::kSyntax, 3));
    CHECK(fails("{}x", OrdinalError::kSyntax, 2));
    CHECK(fails("{1}}", OrdinalError::kSyntax, 3));
    CHECK(fails("{2147483648}", OrdinalError::kOutOfRange, 1));
    CHECK(fails("{1-99999999999999999999999}", OrdinalError::kOutOfRange, 3));
    CHECK(fails("{9-5}", OrdinalError::kReversed, 4));
}

} // namespace

int main() {
    test::run("ordinals: what the door refuses", door);
    test::run("ordinals: the text form", text);
    properties();
    return test::exit_status();
}

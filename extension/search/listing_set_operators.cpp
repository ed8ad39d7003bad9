// The set operators of listing_set, all with a set on the left, its order and its measures.

#include "extension/search/listing_set_type.hpp"

extern "C" {
#include <common/hashfn.h>
}

using namespace availability;

namespace {

Datum combined(FunctionCallInfo fcinfo, Algebra algebra) {
    const ListingSetView left = listing_set_argument(fcinfo, 0);
    const ListingSetView right = listing_set_argument(fcinfo, 1);
    return make_listing_set([&](auto visit) { combine(left, right, algebra, visit); });
}

// The set with one ordinal in it, or not.
Datum changed(FunctionCallInfo fcinfo, bool included) {
    const ListingSetView set = listing_set_argument(fcinfo, 0);
    const Ordinal ordinal = require_ordinal(PG_GETARG_INT32(1));
    const std::uint32_t key = key_of(ordinal);
    return make_listing_set([&](auto visit) {
        OrdinalBits bits;
        const std::uint32_t place = set.seek(key);
        const bool has_key = place < set.containers() && set.key(place) == key;
        for (std::uint32_t index = 0; index < set.containers() + !has_key; ++index) {
            const bool is_own = index == place;
            const std::uint32_t stored = index - (!has_key && index > place);
            bits.clear();
            if (!is_own || has_key)
                set.add_to(stored, &bits);
            if (is_own && included)
                bits.add(ordinal % kContainerOrdinals);
            else if (is_own)
                bits.remove(ordinal % kContainerOrdinals);
            visit(is_own ? key : set.key(stored), bits);
        }
    });
}

// Smaller sets first, those of one size by their bytes: an order for sorting and btree, with no other meaning.
int compare(const struct varlena* a, const struct varlena* b) {
    const std::uint64_t a_count = view_listing_set(a).count();
    const std::uint64_t b_count = view_listing_set(b).count();
    if (a_count != b_count)
        return a_count < b_count ? -1 : 1;
    const Size a_size = VARSIZE_ANY_EXHDR(a);
    const Size b_size = VARSIZE_ANY_EXHDR(b);
    const int order = std::memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(a_size, b_size));
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

int compare_arguments(FunctionCallInfo fcinfo) {
    const struct varlena* left = packed_argument(fcinfo, 0);
    const struct varlena* right = packed_argument(fcinfo, 1);
    const int order = compare(left, right);
    PG_FREE_IF_COPY(const_cast<struct varlena*>(left), 0);
    PG_FREE_IF_COPY(const_cast<struct varlena*>(right), 1);
    return order;
}

} // namespace

AVAILABILITY_FUNCTION(availability_listing_set_contains_ordinal) {
    const int32 ordinal = PG_GETARG_INT32(1);
    PG_RETURN_BOOL(ordinal >= 0 && listing_set_argument(fcinfo, 0).contains(static_cast<Ordinal>(ordinal)));
}

AVAILABILITY_FUNCTION(availability_listing_set_contains) {
    const ListingSetView left = listing_set_argument(fcinfo, 0);
    PG_RETURN_BOOL(contains_all(left, listing_set_argument(fcinfo, 1)));
}

AVAILABILITY_FUNCTION(availability_listing_set_overlaps) {
    const ListingSetView left = listing_set_argument(fcinfo, 0);
    PG_RETURN_BOOL(overlaps(left, listing_set_argument(fcinfo, 1)));
}

AVAILABILITY_FUNCTION(availability_listing_set_disjoint) {
    const ListingSetView left = listing_set_argument(fcinfo, 0);
    PG_RETURN_BOOL(!overlaps(left, listing_set_argument(fcinfo, 1)));
}

AVAILABILITY_FUNCTION(availability_listing_set_union) {
    return combined(fcinfo, Algebra::kUnion);
}
AVAILABILITY_FUNCTION(availability_listing_set_intersect) {
    return combined(fcinfo, Algebra::kIntersection);
}
AVAILABILITY_FUNCTION(availability_listing_set_minus) {
    return combined(fcinfo, Algebra::kDifference);
}
AVAILABILITY_FUNCTION(availability_listing_set_add_ordinal) {
    return changed(fcinfo, true);
}
AVAILABILITY_FUNCTION(availability_listing_set_remove_ordinal) {
    return changed(fcinfo, false);
}

AVAILABILITY_FUNCTION(availability_listing_set_count) {
    PG_RETURN_INT64(static_cast<int64>(listing_set_argument(fcinfo, 0).count()));
}
AVAILABILITY_FUNCTION(availability_listing_set_is_empty) {
    PG_RETURN_BOOL(listing_set_argument(fcinfo, 0).empty());
}

AVAILABILITY_FUNCTION(availability_listing_set_eq) {
    PG_RETURN_BOOL(compare_arguments(fcinfo) == 0);
}
AVAILABILITY_FUNCTION(availability_listing_set_ne) {
    PG_RETURN_BOOL(compare_arguments(fcinfo) != 0);
}
AVAILABILITY_FUNCTION(availability_listing_set_lt) {
    PG_RETURN_BOOL(compare_arguments(fcinfo) < 0);
}
AVAILABILITY_FUNCTION(availability_listing_set_le) {
    PG_RETURN_BOOL(compare_arguments(fcinfo) <= 0);
}
AVAILABILITY_FUNCTION(availability_listing_set_gt) {
    PG_RETURN_BOOL(compare_arguments(fcinfo) > 0);
}
AVAILABILITY_FUNCTION(availability_listing_set_ge) {
    PG_RETURN_BOOL(compare_arguments(fcinfo) >= 0);
}
AVAILABILITY_FUNCTION(availability_listing_set_cmp) {
    PG_RETURN_INT32(compare_arguments(fcinfo));
}

AVAILABILITY_FUNCTION(availability_listing_set_hash) {
    const struct varlena* set = packed_argument(fcinfo, 0);
    return hash_any(reinterpret_cast<const unsigned char*>(VARDATA_ANY(set)), static_cast<int>(VARSIZE_ANY_EXHDR(set)));
}

AVAILABILITY_FUNCTION(availability_listing_set_hash_extended) {
    const struct varlena* set = packed_argument(fcinfo, 0);
    return hash_any_extended(reinterpret_cast<const unsigned char*>(VARDATA_ANY(set)),
                             static_cast<int>(VARSIZE_ANY_EXHDR(set)), static_cast<uint64>(PG_GETARG_INT64(1)));
}

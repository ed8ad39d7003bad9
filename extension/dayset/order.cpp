// Equality, the btree order and the hash of dayset.

#include "extension/dayset/type.hpp"

#include <cstring>

extern "C" {
#include <access/detoast.h>
#include <common/hashfn.h>
}

using namespace availability;

namespace {

// An argument read in place. Index access methods call in a context that lives long, so release()
// gives back what detoasting made.
struct PackedArgument {
    struct varlena* original;
    struct varlena* packed;

    PackedArgument(FunctionCallInfo fcinfo, int n)
        : original(reinterpret_cast<struct varlena*>(PG_GETARG_POINTER(n))), packed(pg_detoast_datum_packed(original)) {
    }

    void release() {
        if (packed != original)
            pfree(packed);
    }
};
static_assert(std::is_trivially_destructible_v<PackedArgument>);

// Equal sets are equal bytes. Sets of different size are told apart without fetching their bytes.
bool equal(FunctionCallInfo fcinfo) {
    const Size size = toast_raw_datum_size(PG_GETARG_DATUM(0));
    if (size != toast_raw_datum_size(PG_GETARG_DATUM(1)))
        return false;

    PackedArgument left(fcinfo, 0);
    PackedArgument right(fcinfo, 1);
    const bool result = std::memcmp(VARDATA_ANY(left.packed), VARDATA_ANY(right.packed), size - VARHDRSZ) == 0;
    left.release();
    right.release();
    return result;
}

int compare_arguments(FunctionCallInfo fcinfo) {
    PackedArgument left(fcinfo, 0);
    PackedArgument right(fcinfo, 1);
    const int result = compare(view_dayset(left.packed), view_dayset(right.packed));
    left.release();
    right.release();
    return result;
}

} // namespace

AVAILABILITY_FUNCTION(availability_dayset_eq) {
    PG_RETURN_BOOL(equal(fcinfo));
}
AVAILABILITY_FUNCTION(availability_dayset_ne) {
    PG_RETURN_BOOL(!equal(fcinfo));
}
AVAILABILITY_FUNCTION(availability_dayset_lt) {
    PG_RETURN_BOOL(compare_arguments(fcinfo) < 0);
}
AVAILABILITY_FUNCTION(availability_dayset_le) {
    PG_RETURN_BOOL(compare_arguments(fcinfo) <= 0);
}
AVAILABILITY_FUNCTION(availability_dayset_gt) {
    PG_RETURN_BOOL(compare_arguments(fcinfo) > 0);
}
AVAILABILITY_FUNCTION(availability_dayset_ge) {
    PG_RETURN_BOOL(compare_arguments(fcinfo) >= 0);
}
AVAILABILITY_FUNCTION(availability_dayset_cmp) {
    PG_RETURN_INT32(compare_arguments(fcinfo));
}

AVAILABILITY_FUNCTION(availability_dayset_hash) {
    PackedArgument set(fcinfo, 0);
    const Datum hash = hash_any(reinterpret_cast<unsigned char*>(VARDATA_ANY(set.packed)),
                                static_cast<int>(VARSIZE_ANY_EXHDR(set.packed)));
    set.release();
    return hash;
}

AVAILABILITY_FUNCTION(availability_dayset_hash_extended) {
    PackedArgument set(fcinfo, 0);
    const Datum hash =
        hash_any_extended(reinterpret_cast<unsigned char*>(VARDATA_ANY(set.packed)),
                          static_cast<int>(VARSIZE_ANY_EXHDR(set.packed)), static_cast<uint64>(PG_GETARG_INT64(1)));
    set.release();
    return hash;
}

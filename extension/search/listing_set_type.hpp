// Between Datums and the core: how a listing_set is read in place and made.
#pragma once

#include "extension/core/listing_set.hpp"
#include "extension/dayset/type.hpp"
#include "extension/server/boundary.hpp"

namespace availability {

static_assert(std::is_trivially_destructible_v<ListingSetView> && std::is_trivially_destructible_v<OrdinalBits>);

// Raises XX001 (data_corrupted).
[[noreturn]] void raise_malformed_listing_set();

// Opens a listing_set that is not compressed or out of line; it may have a short header. Raises XX001 if its bytes are
// no set of ordinals.
inline ListingSetView view_listing_set(const struct varlena* packed) {
    ListingSetView view;
    if (!ListingSetView::open(VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed), &view))
        raise_malformed_listing_set();
    return view;
}

// Of a set that was just made.
inline ListingSetView view_of(Datum set) {
    return view_listing_set(reinterpret_cast<const struct varlena*>(DatumGetPointer(set)));
}

inline ListingSetView listing_set_argument(FunctionCallInfo fcinfo, int n) {
    return view_listing_set(packed_argument(fcinfo, n));
}

// Makes a listing_set in the current memory context, of what each(visit) hands to visit(key, bits), twice the same, in
// ascending order of keys. Raises 54000 if it would be larger than a value can be.
template <typename Each>
Datum make_listing_set(Each each) {
    ListingSetMeasure measure;
    each([&measure](std::uint32_t key, const OrdinalBits& bits) {
        measure.add(key, bits);
        return true;
    });
    const Size size = VARHDRSZ + measure.size();
    if (size > MaxAllocSize)
        ereport(ERROR,
                (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("listing_set would be larger than a value can be")));
    auto* result = static_cast<struct varlena*>(palloc(size));
    SET_VARSIZE(result, size);
    ListingSetWriter writer(measure, VARDATA(result));
    each([&writer](std::uint32_t key, const OrdinalBits& bits) {
        writer.add(key, bits);
        return true;
    });
    return PointerGetDatum(result);
}

// The door for bytes from outside: validates them and makes a canonical listing_set. Raises 22P03.
Datum accept_listing_set(const void* bytes, std::size_t size);

// Raises 22003 unless the number can be an ordinal.
inline Ordinal require_ordinal(int32 number) {
    if (number < 0)
        ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("ordinal out of range: %d", number),
                        errdetail("Ordinals are 0 to 2147483647.")));
    return static_cast<Ordinal>(number);
}

} // namespace availability

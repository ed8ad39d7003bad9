// Between Datums and the core: how a listing_set is read in place and made.

#include "extension/search/listing_set_type.hpp"

#include "extension/core/listing_set_validate.hpp"

namespace availability {

void raise_malformed_listing_set() {
    ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("malformed listing_set"),
                    errdetail("The stored bytes are not a bitmap of ordinals.")));
    pg_unreachable();
}

Datum accept_listing_set(const void* bytes, std::size_t size) {
    ListingSetView view;
    bool canonical;
    if (const char* complaint = validate(bytes, size, &view, &canonical))
        ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("malformed listing_set in binary form"),
                        errdetail("The bytes are not a bitmap of ordinals: %s.", complaint)));
    if (!canonical)
        return make_listing_set([&view](auto visit) { each_container(view, visit); });
    auto* result = static_cast<struct varlena*>(palloc(VARHDRSZ + size));
    SET_VARSIZE(result, VARHDRSZ + size);
    std::memcpy(VARDATA(result), bytes, size);
    return PointerGetDatum(result);
}

} // namespace availability

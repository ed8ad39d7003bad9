// A picksplit that thinks of nothing: the first half of the entries to the left, the rest to the right. What the one of
// dayset_ops is measured against.

#include "extension/dayset/type.hpp"

extern "C" {
#include <access/gist.h>
#include <fmgr.h>

PG_MODULE_MAGIC;
}

AVAILABILITY_FUNCTION(bench_trivial_split) {
    const auto* entries = reinterpret_cast<const GistEntryVector*>(PG_GETARG_POINTER(0));
    auto* split = reinterpret_cast<GIST_SPLITVEC*>(PG_GETARG_POINTER(1));
    auto* unite = reinterpret_cast<PGFunction>(
        load_external_function("$libdir/availability", "availability_dayset_gist_union", true, nullptr));
    const int count = entries->n - FirstOffsetNumber;
    const auto place = [&](int from, int to, OffsetNumber** offsets, int* number, Datum* key) {
        auto* part = static_cast<GistEntryVector*>(palloc(GEVHDRSZ + sizeof(GISTENTRY) * static_cast<Size>(to - from)));
        part->n = to - from;
        *offsets = static_cast<OffsetNumber*>(palloc(sizeof(OffsetNumber) * static_cast<Size>(count + 1)));
        *number = to - from;
        for (int i = from; i < to; i++) {
            part->vector[i - from] = entries->vector[FirstOffsetNumber + i];
            (*offsets)[i - from] = static_cast<OffsetNumber>(FirstOffsetNumber + i);
        }
        int size;
        *key = DirectFunctionCall2(unite, PointerGetDatum(part), PointerGetDatum(&size));
    };
    place(0, count / 2, &split->spl_left, &split->spl_nleft, &split->spl_ldatum);
    place(count / 2, count, &split->spl_right, &split->spl_nright, &split->spl_rdatum);
    return PointerGetDatum(split);
}

// Reading rows of <table>_set by day and block.
#pragma once

#include "extension/search/set_companions.hpp"
#include "extension/server/primary_key.hpp"

extern "C" {
#include <access/genam.h>
#include <executor/tuptable.h>
#include <miscadmin.h>
#include <utils/rel.h>
}

namespace availability {

// The day of the rows that say which listings have a calendar.
inline constexpr DateADT kEveryListing = DATEVAL_NOBEGIN;

// Calls visit(day, block, slot) for the rows from first_day to last_day, both included, of the blocks from first_block
// to last_block, in order of day and block, until it returns false.
template <typename Visit>
void scan_sets(const Companion& sets, Snapshot snapshot, DateADT first_day, DateADT last_day, int32 first_block,
               int32 last_block, Visit visit) {
    ScanKeyData keys[4];
    init_day_key(&keys[0], BTGreaterEqualStrategyNumber, first_day);
    init_day_key(&keys[1], BTLessEqualStrategyNumber, last_day);
    init_block_key(&keys[2], BTGreaterEqualStrategyNumber, first_block);
    init_block_key(&keys[3], BTLessEqualStrategyNumber, last_block);
    Relation index = open_primary_key(sets, AccessShareLock);
    TupleTableSlot* slot = table_slot_create(sets.relation, nullptr);
    IndexScanDesc scan = begin_index_scan(sets.relation, index, snapshot, 4);
    index_rescan(scan, keys, 4, nullptr, 0);
    while (index_getnext_slot(scan, ForwardScanDirection, slot)) {
        CHECK_FOR_INTERRUPTS();
        bool nulls[2];
        const DateADT day = DatumGetDateADT(slot_getattr(slot, sets.columns[kSetDay], &nulls[0]));
        const int32 block = DatumGetInt32(slot_getattr(slot, sets.columns[kSetBlock], &nulls[1]));
        if (!nulls[0] && !nulls[1] && block >= 0 && block < static_cast<int32>(kMostContainers) &&
            !visit(day, static_cast<std::uint32_t>(block), slot))
            break;
    }
    index_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    index_close(index, NoLock);
}

// Adds what a row holds of its block to the bits.
inline void add_row_to(const Companion& sets, TupleTableSlot* slot, std::uint32_t block, OrdinalBits* bits) {
    bool is_null;
    const Datum stored = slot_getattr(slot, sets.columns[kSetListings], &is_null);
    if (is_null)
        return;
    const struct varlena* packed = PG_DETOAST_DATUM_PACKED(stored);
    const ListingSetView set = view_listing_set(packed);
    for (std::uint32_t index = 0; index < set.containers(); index++)
        if (set.key(index) == block)
            set.add_to(index, bits);
    if (reinterpret_cast<const void*>(packed) != DatumGetPointer(stored))
        pfree(const_cast<struct varlena*>(packed));
}

} // namespace availability

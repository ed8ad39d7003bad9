// Running something that may fail, or that shall leave nothing behind.
#pragma once

#include "extension/server/boundary.hpp"

extern "C" {
#include <access/xact.h>
#include <utils/memutils.h>
#include <utils/resowner.h>
}

namespace availability {

enum class Outcome { kKept, kUndone };

// Calls body() in a subtransaction, whose changes are undone after an error, or whatever comes of it. Returns the
// error, NULL if there was none: the caller rethrows what it does not handle.
template <typename Body>
ErrorData* in_subtransaction(Outcome outcome, Body body) {
    MemoryContext caller = CurrentMemoryContext;
    ResourceOwner owner = CurrentResourceOwner;
    ErrorData* volatile error = nullptr;
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(caller);
    PG_TRY();
    { body(); }
    PG_CATCH();
    {
        MemoryContextSwitchTo(caller);
        error = CopyErrorData();
        FlushErrorState();
    }
    PG_END_TRY();
    if (error == nullptr && outcome == Outcome::kKept)
        ReleaseCurrentSubTransaction();
    else
        RollbackAndReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(caller);
    CurrentResourceOwner = owner;
    return error;
}

} // namespace availability

// The module itself: what the server checks when it loads the library, and its settings.

#include "extension/booking/idempotency.hpp"

extern "C" {
#include <utils/guc.h>

PG_MODULE_MAGIC;
AVAILABILITY_EXPORT void _PG_init(void);
}

void _PG_init(void) {
    DefineCustomIntVariable("availability.idempotency_retention",
                            "Sets how long availability remembers an idempotency key and its answer.", nullptr,
                            &availability::idempotency_retention, availability::idempotency_retention, 1, INT_MAX,
                            PGC_USERSET, GUC_UNIT_S, nullptr, nullptr, nullptr);
    MarkGUCPrefixReserved("availability");
}

// Acting as the owner of a table, as foreign keys do, safe from whoever calls.
#pragma once

#include "extension/server/boundary.hpp"

extern "C" {
#include <executor/spi.h>
}

namespace availability {

struct OwnerScope {
    Oid user;
    int security_context;
    int guc_level;
};
static_assert(std::is_trivially_destructible_v<OwnerScope>);

// From here to leave_owner(), code runs with the rights of `owner`, as a security-restricted operation and with
// search_path = pg_catalog, pg_temp: neither a caller's search_path nor the owner's functions gain rights that they did
// not have. Row security forced on the owner hides no row: days that are not seen would be booked twice. An error ends
// the scope as it ends the transaction.
OwnerScope enter_owner(Oid owner);
void leave_owner(const OwnerScope& scope);

Oid relation_owner(Oid relation);

// Calls body() as a role, with SPI connected, and returns its result, which must not live in SPI's memory.
template <typename Body>
auto as_role(Oid role, Body body) {
    const OwnerScope scope = enter_owner(role);
    SPI_connect();
    if constexpr (std::is_void_v<decltype(body())>) {
        body();
        SPI_finish();
        leave_owner(scope);
    } else {
        const auto result = body();
        SPI_finish();
        leave_owner(scope);
        return result;
    }
}

// As above, as the owner of a relation.
template <typename Body>
auto as_owner(Oid relation, Body body) {
    return as_role(relation_owner(relation), body);
}

// Raises 42P01 if there is no such relation.
void require_relation(Oid relation);

// Raises 42P01 if there is no such relation, and 42501 unless the current user owns it (or has its owner's rights).
void require_owner(Oid relation);

} // namespace availability

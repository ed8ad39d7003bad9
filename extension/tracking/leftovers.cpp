// What an earlier tracking left beside a table that is not tracked.

#include "extension/tracking/leftovers.hpp"

#include <cstring>

#include "extension/server/owner_scope.hpp"
#include "extension/tracking/prove.hpp"
#include "extension/tracking/provenance.hpp"
#include "extension/tracking/triggers.hpp"

extern "C" {
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/relcache.h>
}

namespace availability {

namespace {

// Which field of a row a companion's kind stands for.
Oid* field_of(TrackedRow* row, const char* kind) {
    const auto is = [&](const char* name) { return std::strcmp(kind, name) == 0; };
    return is("calendar")  ? &row->calendar
           : is("day")     ? &row->day
           : is("month")   ? &row->month_view
           : is("open")    ? &row->open_view
           : is("claims")  ? &row->claims
           : is("hold")    ? &row->hold
           : is("request") ? &row->request
                           : nullptr;
}

TrackedRow named_companions(Relation relation) {
    const Oid schema = RelationGetNamespace(relation);
    const char* table = RelationGetRelationName(relation);
    TrackedRow row{};
    row.reservations = RelationGetRelid(relation);
    row.since = kNoHorizon;
    row.cancels_by_update = true;
    namestrcpy(&row.claim, psprintf("%s_claim", table));
    constexpr const char* kKinds[] = {"calendar", "day", "month", "open", "claims", "hold", "request"};
    for (const char* kind : kKinds)
        *field_of(&row, kind) = get_relname_relid(psprintf("%s_%s", table, kind), schema);
    return row;
}

void find_listing_trigger(Relation relation, TrackedRow* row) {
    ListCell* cell;
    foreach (cell, RelationGetFKeyList(relation)) {
        const Oid listings = static_cast<ForeignKeyCacheInfo*>(lfirst(cell))->confrelid;
        if (const char* name = leftover_listing_trigger(listings, RelationGetRelationName(relation))) {
            row->listings = listings;
            namestrcpy(&row->listings_trigger, name);
        }
    }
}

} // namespace

bool find_leftovers(Relation relation, TrackedRow* row) {
    TrackedRow left = named_companions(relation);
    const CompanionObjects found = find_companions(left);
    for (int i = 0; i < found.count; i++) {
        Oid* field = field_of(&left, found.objects[i].kind);
        if (field != nullptr && (!found.objects[i].proved || relation_owner(*field) != relation->rd_rel->relowner))
            *field = InvalidOid;
    }
    find_listing_trigger(relation, &left);
    const bool was_tracked =
        has_claim_trigger(left.reservations) || OidIsValid(left.claims) || OidIsValid(left.calendar);
    *row = was_tracked ? left : TrackedRow{};
    row->reservations = left.reservations;
    return was_tracked;
}

void require_adoptable(const TrackedRow& left, const ClaimExpressions& claim) {
    const CompanionTypes types = companion_types(claim);
    const auto prove = [&](CompanionKind kind, Oid companion) {
        if (OidIsValid(companion))
            close_companion(open_companion(kind, companion, types, AccessExclusiveLock));
    };
    prove(CompanionKind::kCalendar, left.calendar);
    prove(CompanionKind::kDay, left.day);
    prove(CompanionKind::kHold, left.hold);
    prove(CompanionKind::kRequest, left.request);
}

} // namespace availability

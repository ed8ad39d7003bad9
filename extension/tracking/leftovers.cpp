// What an earlier tracking left beside a table that is not tracked.

#include "extension/tracking/leftovers.hpp"

#include <cstring>

#include "extension/server/dependencies.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/tracking/prove.hpp"
#include "extension/tracking/provenance.hpp"
#include "extension/tracking/triggers.hpp"

extern "C" {
#include <catalog/pg_class.h>
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

constexpr char kClaimsEnding[] = "_claims";
constexpr std::size_t kClaimsEndingLength = sizeof(kClaimsEnding) - 1;

// What stands before the ending of a view of claims; NULL if it has another one.
const char* prefix_of(Oid view) {
    const char* name = get_rel_name(view);
    const std::size_t length = std::strlen(name);
    return length > kClaimsEndingLength && std::strcmp(name + length - kClaimsEndingLength, kClaimsEnding) == 0
               ? pnstrdup(name, length - kClaimsEndingLength)
               : nullptr;
}

// The view of claims that reads the table: that of its name or, where it was renamed or moved since, of another.
Oid find_claims_view(Relation relation) {
    Oid found = InvalidOid;
    ListCell* cell;
    foreach (cell, reading_views(RelationGetRelid(relation))) {
        const Oid view = lfirst_oid(cell);
        const char* prefix = prefix_of(view);
        if (prefix != nullptr &&
            OidIsValid(get_relname_relid(psprintf("%s_calendar", prefix), get_rel_namespace(view))) &&
            (!OidIsValid(found) || std::strcmp(prefix, RelationGetRelationName(relation)) == 0))
            found = view;
    }
    return found;
}

TrackedRow named_companions(Relation relation) {
    TrackedRow row{};
    row.reservations = RelationGetRelid(relation);
    row.since = kNoHorizon;
    row.cancels_by_update = true;
    const Oid claims = find_claims_view(relation);
    const char* prefix = OidIsValid(claims) ? prefix_of(claims) : RelationGetRelationName(relation);
    const Oid schema = OidIsValid(claims) ? get_rel_namespace(claims) : RelationGetNamespace(relation);
    namestrcpy(&row.claim, psprintf("%s_claim", prefix));
    constexpr const char* kKinds[] = {"calendar", "day", "month", "open", "claims", "hold", "request"};
    for (const char* kind : kKinds)
        *field_of(&row, kind) = get_relname_relid(psprintf("%s_%s", prefix, kind), schema);
    return row;
}

void find_listing_trigger(Relation relation, TrackedRow* row) {
    ListCell* cell;
    foreach (cell, RelationGetFKeyList(relation)) {
        const Oid listings = static_cast<ForeignKeyCacheInfo*>(lfirst(cell))->confrelid;
        const char* prefix = pnstrdup(NameStr(row->claim), std::strlen(NameStr(row->claim)) - std::strlen("_claim"));
        if (const char* name = leftover_listing_trigger(listings, prefix)) {
            row->listings = listings;
            namestrcpy(&row->listings_trigger, name);
        }
    }
}

} // namespace

bool find_leftovers(Relation relation, TrackedRow* row) {
    *row = TrackedRow{};
    row->reservations = RelationGetRelid(relation);
    if (relation->rd_rel->relkind != RELKIND_RELATION && relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
        return false;
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
    if (was_tracked)
        *row = left;
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

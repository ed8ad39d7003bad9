// Idempotency keys: a request that comes twice is answered once.

#include "extension/booking/idempotency.hpp"

#include <cstring>

#include "extension/booking/roles.hpp"
#include "extension/server/errors.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/server/spi.hpp"

extern "C" {
#include <access/xact.h>
#include <catalog/pg_type.h>
#include <lib/stringinfo.h>
#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <storage/lock.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/memutils.h>
#include <utils/timestamp.h>
}

namespace availability {

int idempotency_retention = 24 * 60 * 60;

namespace {

constexpr int kLongestKey = 255;

// pg_advisory_lock() uses 1 and 2.
constexpr uint16 kAdvisoryLockKind = 3;

// By a hash that nobody can make collide: a role must not be able to keep another one's requests waiting.
void lock_key(Oid reservations, const char* key) {
    const char* whose = psprintf("%u %u %s", reservations, GetUserId(), key);
    const Datum hash = DirectFunctionCall1(sha256_bytea, CStringGetTextDatum(whose));
    uint32 parts[2];
    std::memcpy(parts, VARDATA_ANY(DatumGetByteaPP(hash)), sizeof(parts));
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, parts[0], parts[1], kAdvisoryLockKind);
    LockAcquire(&tag, ExclusiveLock, false, false);
}

SqlNames request_names(Oid request) {
    SqlNames names;
    names.set("request", qualified_name(request));
    return names;
}

SqlParameter text_parameter(const char* text) {
    return {TEXTOID, text != nullptr ? CStringGetTextDatum(text) : 0, text == nullptr};
}

SqlParameter now_parameter() {
    return {TIMESTAMPTZOID, TimestampTzGetDatum(GetCurrentTimestamp())};
}

[[noreturn]] void report_key_reused(const char* key) {
    ereport(ERROR, (errcode(kIdempotencyKeyReused), errmsg("idempotency key \"%s\" was used for another request", key),
                    errhint("Use a new key for each request, and the same one for its retries alone.")));
    pg_unreachable();
}

bool same_digest(Datum stored, const bytea* digest) {
    return digest != nullptr && DatumGetBool(DirectFunctionCall2(byteaeq, stored, PointerGetDatum(digest)));
}

// What row `n` of the result says of a request.
enum class Remembered { kThis, kAnother, kNothing };

// A key that 0.2 stored is of nobody in particular: it answers the request that it was stored with, and refuses none.
Remembered remembered(const Request& request, uint64 n) {
    const bool is_own = DatumGetBool(result_value(n, 1, BOOLOID).value);
    const Datum stored = result_value(n, 2, BYTEAOID).value;
    if (same_digest(stored, request.digest.digest) || (!is_own && same_digest(stored, request.digest.of_0_2)))
        return Remembered::kThis;
    return is_own ? Remembered::kAnother : Remembered::kNothing;
}

BookingAnswer answer_of_row(uint64 n, MemoryContext memory) {
    const SqlValue reservation = result_value(n, 3, TEXTOID);
    const SqlValue version = result_value(n, 4, INT8OID);
    return {reservation.is_null ? nullptr : MemoryContextStrdup(memory, TextDatumGetCString(reservation.value)),
            version.is_null ? 0 : DatumGetInt64(version.value), true};
}

bool look_up(const Tracked& tracked, const Request& request, BookingAnswer* answer) {
    MemoryContext caller = CurrentMemoryContext;
    const SqlParameter role = role_parameter();
    const Companion requests = open_requests(tracked, RowExclusiveLock);
    const char* statement = expand_sql("SELECT booker <> '', request, reservation_id, version FROM {request}"
                                       " WHERE booker IN ($2, '') AND key = $1 AND expires_at > $3",
                                       request_names(requests.oid()));
    return with_companion(requests, [&] {
        const uint64 count =
            query_kept_latest(&tracked.plans, statement, {text_parameter(request.key), role, now_parameter()});
        bool found = false;
        for (uint64 n = 0; n < count; n++)
            switch (remembered(request, n)) {
            case Remembered::kThis:
                *answer = answer_of_row(n, caller);
                found = true;
                break;
            case Remembered::kAnother:
                report_key_reused(request.key);
            case Remembered::kNothing:
                break;
            }
        return found;
    });
}

} // namespace

Request make_request(char* key, std::initializer_list<const char*> parts, const Datum* attributes) {
    if (key == nullptr)
        return {};
    if (*key == '\0' || pg_mbstrlen(key) > kLongestKey)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("an idempotency key has 1 to %d characters", kLongestKey)));
    return {key, digest_request(parts, attributes)};
}

bool find_answer(const Target& target, const Request& request, BookingAnswer* answer) {
    if (request.key == nullptr)
        return false;
    lock_key(target.reservations(), request.key);
    if (!look_up(*target.tracked, request, answer))
        return false;
    // A role that acts for many, told apart by row security, may use one's key for another.
    if (answer->reservation != nullptr && is_hidden(target, answer->reservation))
        report_key_reused(request.key);
    return true;
}

void store_answer(const Target& target, const Request& request, const BookingAnswer& answer) {
    if (request.key == nullptr)
        return;
    const Tracked& tracked = *target.tracked;
    const Companion requests = open_requests(tracked, RowExclusiveLock);
    const SqlNames names = request_names(requests.oid());
    const SqlParameter role = role_parameter();
    const TimestampTz expires_at = GetCurrentTimestamp() + idempotency_retention * USECS_PER_SEC;
    with_companion(requests, [&] {
        // An older row with this key has expired.
        run_kept_sql(&tracked.plans,
                     expand_sql("INSERT INTO {request} AS r (booker, key, request, reservation_id, version, expires_at)"
                                " VALUES ($6, $1, $2, $3, $4, $5)"
                                " ON CONFLICT (booker, key) DO UPDATE SET request = excluded.request,"
                                " reservation_id = excluded.reservation_id, version = excluded.version,"
                                " expires_at = excluded.expires_at",
                                names),
                     {text_parameter(request.key),
                      {BYTEAOID, PointerGetDatum(request.digest.digest)},
                      text_parameter(answer.reservation),
                      {INT8OID, Int64GetDatum(answer.version), answer.version == 0},
                      {TIMESTAMPTZOID, TimestampTzGetDatum(expires_at)},
                      role});
        // Under a lasting snapshot, a row that somebody else deleted would be an error, even when skipped.
        if (!IsolationUsesXactSnapshot())
            run_kept_sql(&tracked.plans,
                         expand_sql("DELETE FROM {request} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {request}"
                                    " WHERE expires_at <= $1 ORDER BY expires_at LIMIT 3 FOR UPDATE SKIP LOCKED))",
                                    names),
                         {now_parameter()});
    });
}

uint64 expire_keys(const Companion& requests) {
    const SqlNames names = request_names(requests.oid());
    return with_companion(requests, [&] {
        return run_sql("DELETE FROM {request} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {request}"
                       " WHERE expires_at <= $1 FOR UPDATE SKIP LOCKED))",
                       names, {now_parameter()});
    });
}

} // namespace availability

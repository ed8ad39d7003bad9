// Idempotency keys: a request that comes twice is answered once.

#include "extension/booking/idempotency.hpp"

#include <cstring>

#include "extension/server/errors.hpp"
#include "extension/server/owner_scope.hpp"
#include "extension/server/spi.hpp"

extern "C" {
#include <access/xact.h>
#include <catalog/pg_type.h>
#include <common/hashfn.h>
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

void lock_key(Oid reservations, const char* key) {
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(
        tag, MyDatabaseId, reservations,
        DatumGetUInt32(hash_any(reinterpret_cast<const unsigned char*>(key), static_cast<int>(std::strlen(key)))),
        kAdvisoryLockKind);
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

} // namespace

Request make_request(char* key, std::initializer_list<const char*> parts) {
    if (key == nullptr)
        return {nullptr, nullptr};
    if (*key == '\0' || pg_mbstrlen(key) > kLongestKey)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("an idempotency key has 1 to %d characters", kLongestKey)));
    StringInfoData text;
    initStringInfo(&text);
    for (const char* part : parts)
        appendStringInfo(&text, "%zu:%s,", std::strlen(part), part);
    const Datum digest =
        DirectFunctionCall1(sha256_bytea, PointerGetDatum(cstring_to_text_with_len(text.data, text.len)));
    return {key, DatumGetByteaPP(digest)};
}

bool find_answer(const Tracked& tracked, const Request& request, BookingAnswer* answer) {
    if (request.key == nullptr)
        return false;
    lock_key(tracked.row.reservations, request.key);
    MemoryContext caller = CurrentMemoryContext;
    const Companion requests = open_requests(tracked, RowExclusiveLock);
    const char* statement = expand_sql("SELECT request = $2, reservation_id, version FROM {request}"
                                       " WHERE key = $1 AND expires_at > $3",
                                       request_names(requests.oid()));
    return with_companion(requests, [&] {
        if (query_kept_latest(
                &tracked.plans, statement,
                {text_parameter(request.key), {BYTEAOID, PointerGetDatum(request.digest)}, now_parameter()}) == 0)
            return false;
        if (!DatumGetBool(result_value(0, 1, BOOLOID).value))
            ereport(ERROR, (errcode(kIdempotencyKeyReused),
                            errmsg("idempotency key \"%s\" was used for another request", request.key),
                            errhint("Use a new key for each request, and the same one for its retries alone.")));
        const SqlValue reservation = result_value(0, 2, TEXTOID);
        const SqlValue version = result_value(0, 3, INT8OID);
        answer->reservation =
            reservation.is_null ? nullptr : MemoryContextStrdup(caller, TextDatumGetCString(reservation.value));
        answer->version = version.is_null ? 0 : DatumGetInt64(version.value);
        answer->replayed = true;
        return true;
    });
}

void store_answer(const Tracked& tracked, const Request& request, const BookingAnswer& answer) {
    if (request.key == nullptr)
        return;
    const Companion requests = open_requests(tracked, RowExclusiveLock);
    const SqlNames names = request_names(requests.oid());
    const TimestampTz expires_at = GetCurrentTimestamp() + idempotency_retention * USECS_PER_SEC;
    with_companion(requests, [&] {
        // An older row with this key has expired.
        run_kept_sql(&tracked.plans,
                     expand_sql("INSERT INTO {request} AS r (key, request, reservation_id, version, expires_at)"
                                " VALUES ($1, $2, $3, $4, $5)"
                                " ON CONFLICT (key) DO UPDATE SET request = excluded.request,"
                                " reservation_id = excluded.reservation_id, version = excluded.version,"
                                " expires_at = excluded.expires_at",
                                names),
                     {text_parameter(request.key),
                      {BYTEAOID, PointerGetDatum(request.digest)},
                      text_parameter(answer.reservation),
                      {INT8OID, Int64GetDatum(answer.version), answer.version == 0},
                      {TIMESTAMPTZOID, TimestampTzGetDatum(expires_at)}});
        // Under a lasting snapshot, a row that somebody else deleted would be an error, even when skipped.
        if (!IsolationUsesXactSnapshot())
            run_kept_sql(&tracked.plans,
                         expand_sql("DELETE FROM {request} WHERE key IN (SELECT key FROM {request}"
                                    " WHERE expires_at <= $1 ORDER BY expires_at LIMIT 3 FOR UPDATE SKIP LOCKED)",
                                    names),
                         {now_parameter()});
    });
}

uint64 expire_keys(const TrackedRow& row) {
    return as_owner(row.request, [&] {
        return run_sql("DELETE FROM {request} WHERE expires_at <= $1", request_names(row.request), {now_parameter()});
    });
}

} // namespace availability

// The scripts by which Redis is written. Every one of them only ever replaces an entry by one with a stamp that is at
// least as great.
//
// Redis runs a script alone, so that what it read still holds when it writes. Stamps are compared as four numbers of 32
// bits: Lua's numbers are doubles, in which versions would lose their last bits, and its strings are compared by the
// server's locale.
//
// PX is in milliseconds, "0" for no expiry.

#include "relay/layout.hpp"

namespace availability::layout {

namespace {

// SET with or without expiry, and whether stamp a of the bytes given is less than stamp b.
#define COMMON                                                                                                         \
    "local call, unpack = redis.call, struct.unpack\n"                                                                 \
    "local function less(a, b)\n"                                                                                      \
    "  local a1, a2, a3, a4 = unpack('>I4I4i4I4', a)\n"                                                                \
    "  local b1, b2, b3, b4 = unpack('>I4I4i4I4', b)\n"                                                                \
    "  if a1 ~= b1 then return a1 < b1 end\n"                                                                          \
    "  if a2 ~= b2 then return a2 < b2 end\n"                                                                          \
    "  if a3 ~= b3 then return a3 < b3 end\n"                                                                          \
    "  return a4 < b4\n"                                                                                               \
    "end\n"                                                                                                            \
    "local function set(key, value, px)\n"                                                                             \
    "  if px == '0' then call('SET', key, value) else call('SET', key, value, 'PX', px) end\n"                         \
    "end\n"

// KEYS: P{LISTING}. ARGV: entry, PX. Written out, without the functions of the others: it is run with every event, and
// to make a function costs as much as to compare.
constexpr std::string_view kWriteCalendarSource = R"lua(
local old = redis.call('GETRANGE', KEYS[1], 0, 15)
if #old == 16 then
  local a, b, c, d = struct.unpack('>I4I4i4I4', old)
  local e, f, g, h = struct.unpack('>I4I4i4I4', ARGV[1])
  if e < a or (e == a and (f < b or (f == b and (g < c or (g == c and h < d))))) then return 0 end
end
if ARGV[2] == '0' then
  redis.call('SET', KEYS[1], ARGV[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 1
)lua";

// KEYS: P{LISTING} of many. ARGV: entry, PX of each. The answer is how many were not older.
constexpr std::string_view kWriteCalendarsSource = R"lua(
local call, unpack = redis.call, struct.unpack
local written = 0
for i, key in ipairs(KEYS) do
  local value, px = ARGV[2 * i - 1], ARGV[2 * i]
  local old = call('GETRANGE', key, 0, 15)
  local older = false
  if #old == 16 then
    local a, b, c, d = unpack('>I4I4i4I4', old)
    local e, f, g, h = unpack('>I4I4i4I4', value)
    older = e < a or (e == a and (f < b or (f == b and (g < c or (g == c and h < d)))))
  end
  if not older then
    if px == '0' then call('SET', key, value) else call('SET', key, value, 'PX', px) end
    written = written + 1
  end
end
return written
)lua";

// KEYS: P{LISTING}:version, then months in ascending order. ARGV: <epoch:8> <version:8> <first month:2> <mask of the
// months given:4> <previous version:8>, PX of the version, PX of the months, then the four bytes of each month. Without
// a previous version all months of the mask that are not given stop counting; with one, only those that changed since
// are given, and the others go on counting.
constexpr std::string_view kWriteMonthsSource = R"lua(
local call, unpack = redis.call, struct.unpack
local head = ARGV[1]
local value = string.sub(head, 1, 22)
local old = call('GET', KEYS[1])
if old and #old >= 16 then
  local a, b, c, d = unpack('>I4I4i4I4', old)
  local e, f, g, h, first, mask = unpack('>I4I4i4I4I2I4', head)
  local same = a == e and b == f
  if same and (g < c or (g == c and h < d)) or e < a or (e == a and f < b) then return 0 end
  local follows = same and c == g and d == h
  local lease = #old == 25 and string.sub(old, 17, 17) == 'L'
  if #head == 30 and not lease then
    local p, q = unpack('>i4I4', head, 23)
    follows = same and (c > p or (c == p and d >= q))
    if not follows then return 2 end
  end
  if follows and #old == 22 then
    local old_first, old_mask = unpack('>I2I4', old, 17)
    local by = first - old_first
    if by >= 0 and by < 32 then
      mask = bit.bor(mask, bit.rshift(old_mask, by))
    elseif by < 0 and by > -32 then
      mask = bit.bor(mask, bit.lshift(old_mask, -by))
    end
    value = string.sub(head, 1, 18) .. struct.pack('>I4', mask % 4294967296)
  end
end
local px = ARGV[2]
if px == '0' then call('SET', KEYS[1], value) else call('SET', KEYS[1], value, 'PX', px) end
px = ARGV[3]
for i = 2, #KEYS do
  if px == '0' then call('SET', KEYS[i], ARGV[i + 2]) else call('SET', KEYS[i], ARGV[i + 2], 'PX', px) end
end
return 1
)lua";

// KEYS: P{LISTING}[:version], then month keys to delete. ARGV: stamp, PX of the tombstone.
constexpr std::string_view kDropSource = COMMON R"lua(
local old = call('GETRANGE', KEYS[1], 0, 15)
if #old == 16 and less(ARGV[1], old) then return 0 end
set(KEYS[1], ARGV[1], ARGV[2])
for i = 2, #KEYS do call('DEL', KEYS[i]) end
return 1
)lua";

// KEYS: P{LISTING}[:version]. ARGV: lease, PX. An entry of an older epoch makes way; its months don't count any more,
// either.
constexpr std::string_view kLeaseSource = COMMON R"lua(
local old = call('GET', KEYS[1])
if old and #old >= 16 then
  local a, b = unpack('>I4I4', old)
  local e, f = unpack('>I4I4', ARGV[1])
  if a > e or (a == e and b >= f) then
    if #old == 25 and string.sub(old, 17, 17) == 'L' then return 0 end
    return old
  end
end
set(KEYS[1], ARGV[1], ARGV[2])
return 1
)lua";

// Whether a fill of a stamp may go onto what is there: the lease of this reader, or an entry with no greater stamp.
#define MAY_FILL                                                                                                       \
    "local function may_fill(old, stamp, token)\n"                                                                     \
    "  if not old or #old < 16 then return false end\n"                                                                \
    "  if #old == 25 and string.sub(old, 17, 17) == 'L' then return string.sub(old, 18) == token and string.sub(old, " \
    "1, 8) == string.sub(stamp, 1, 8) end\n"                                                                           \
    "  return not less(stamp, old)\n"                                                                                  \
    "end\n"

// KEYS: P{LISTING}. ARGV: entry (a calendar or a tombstone), PX, token of the lease or "".
constexpr std::string_view kFillCalendarSource = COMMON MAY_FILL R"lua(
if not may_fill(call('GET', KEYS[1]), ARGV[1], ARGV[3]) then return 0 end
set(KEYS[1], ARGV[1], ARGV[2])
return 1
)lua";

// KEYS: P{LISTING}:version, then months in ascending order. ARGV: entry (months or a tombstone), PX of the version, PX
// of the months, token of the lease or "", then the four bytes of each month.
constexpr std::string_view kFillMonthsSource = COMMON MAY_FILL R"lua(
local old = call('GET', KEYS[1])
local value = ARGV[1]
if not may_fill(old, value, ARGV[4]) then return 0 end
if #old == 22 and #value == 22 and string.sub(old, 1, 16) == string.sub(value, 1, 16) then
  local old_first, old_mask = unpack('>I2I4', old, 17)
  local first, mask = unpack('>I2I4', value, 17)
  local by = first - old_first
  if by >= 0 and by < 32 then
    mask = bit.bor(mask, bit.rshift(old_mask, by))
  elseif by < 0 and by > -32 then
    mask = bit.bor(mask, bit.lshift(old_mask, -by))
  end
  value = string.sub(value, 1, 18) .. struct.pack('>I4', mask % 4294967296)
end
set(KEYS[1], value, ARGV[2])
for i = 2, #KEYS do set(KEYS[i], ARGV[i + 3], ARGV[3]) end
return 1
)lua";

// KEYS: R{TAG}. ARGV: record. The answer is what was there. A record of a greater epoch stays: another relay has taken
// over.
constexpr std::string_view kRecordSource = R"lua(
local old = redis.call('GET', KEYS[1])
if old and #old >= 32 then
  local a, b = struct.unpack('>I4I4', old)
  local e, f = struct.unpack('>I4I4', ARGV[1])
  if a > e or (a == e and b > f) then return old end
end
redis.call('SET', KEYS[1], ARGV[1])
return old
)lua";

#undef COMMON
#undef MAY_FILL

} // namespace

std::string_view source_of(Script script) {
    switch (script) {
    case Script::kWriteCalendar:
        return kWriteCalendarSource;
    case Script::kWriteCalendars:
        return kWriteCalendarsSource;
    case Script::kWriteMonths:
        return kWriteMonthsSource;
    case Script::kDrop:
        return kDropSource;
    case Script::kLease:
        return kLeaseSource;
    case Script::kFillCalendar:
        return kFillCalendarSource;
    case Script::kFillMonths:
        return kFillMonthsSource;
    case Script::kRecord:
        return kRecordSource;
    }
    return {};
}

} // namespace availability::layout

#!/usr/bin/env bash
# One million checks "is it free for this stay?", in a sequential scan: the in-place reader beside a scan that reads the
# same column and asks no more than IS NOT NULL, and beside the same calendars as datemultirange.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

rounds=15
stay="daterange '[2026-07-04,2026-07-11)'"

start_bench "autovacuum = off" "max_parallel_workers_per_gather = 0"
sql -f "$bench/calendars.sql"

# All queries of all rounds in one session; the output is `\echo`ed names and times in turn.
for ((round = 0; round < rounds; round++)); do
    while IFS='|' read -r name query; do
        printf '\\echo %s\n%s;\n' "$name" "$query"
    done <<END
dayset.is_not_null|SELECT count(*) FROM calendars WHERE booked IS NOT NULL
dayset.is_available|SELECT count(*) FROM calendars WHERE availability.is_available(booked, $stay)
datemultirange.is_not_null|SELECT count(*) FROM calendar_ranges WHERE ranges IS NOT NULL
datemultirange.overlaps|SELECT count(*) FROM calendar_ranges WHERE NOT (ranges && $stay)
END
done >"$scratch/queries.sql"
{ echo '\timing on'; cat "$scratch/queries.sql"; } |
    sql -A -t | awk '/^Time:/ { print name, $2; next } /^[a-z]/ { name = $1 }' >"$scratch/times"

echo "one million checks, $rounds rounds, median; ratio to the scan of the same column"
grep '^dayset' "$scratch/times" | print_medians dayset.is_not_null ms
grep '^datemultirange' "$scratch/times" | print_medians datemultirange.is_not_null ms

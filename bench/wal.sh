#!/usr/bin/env bash
# What a booking of 4 nights writes to the WAL, by record type: a tracked table, with day rows and without, beside hand-written functions. No full-page
# images, no vacuum: what it costs in the long run.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$bench/peers.sh"

bookings=5000

start_bench "full_page_writes = off" "autovacuum = off"
sql -c "CREATE EXTENSION pg_walinspect" -f "$bench/peers.sql"

book() {
    pgbench -n -c 1 -M prepared -t "$2" -D done="$3" -f "$scratch/$1.pgbench" >"$scratch/pgbench.log" 2>&1 ||
        fail "$(cat "$scratch/pgbench.log")"
}

for peer in tracked lean handwritten roaring; do
    # One client: it stands for eight in turn.
    booking_script "$peer" 4 8 0 | sed 's/:client_id/mod(:done, 8)/' >"$scratch/$peer.pgbench"
    book "$peer" "$bookings" 0
    first=$(value "SELECT pg_current_wal_insert_lsn()")
    book "$peer" "$bookings" "$bookings"
    last=$(value "SELECT pg_current_wal_flush_lsn()")
    echo "a booking of 4 nights, $peer, mean of $bookings after as many"
    sql -A -t -F ' ' -c "
        WITH stats AS (
            SELECT \"resource_manager/record_type\" AS record, count / $bookings.0 AS records,
                combined_size / $bookings.0 AS bytes
            FROM pg_get_wal_stats('$first', '$last', true) WHERE count > 0)
        SELECT record, records, bytes FROM (
            SELECT 1 AS part, * FROM stats WHERE records >= 0.001
            UNION ALL SELECT 2, 'total', sum(records), sum(bytes) FROM stats) AS lines
        ORDER BY part, records DESC" |
        awk '{ printf "  %-28s %6.2f records %8.1f bytes\n", $1, $2, $3 }'
done

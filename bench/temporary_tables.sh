#!/usr/bin/env bash
# Bookings of four clients, alone and beside a session that makes and drops a temporary table again and again: what others' new
# types and relations make the sessions forget of the tracked table. Beside it the same with the bare table, which tells what
# the other session takes of the machine.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$bench/peers.sh"

rounds=5
seconds=5

start_bench
sql -f "$bench/peers.sql"
echo 'CREATE TEMP TABLE t (id int PRIMARY KEY, name text); DROP TABLE t;' >"$scratch/temporary.pgbench"

# Prints `peer.alone tps` or `peer.beside tps`.
book() {
    local peer=$1 beside=$2 other=
    booking_script "$peer" 4 4 "$3" >"$scratch/$peer.pgbench"
    if [ "$beside" = beside ]; then
        pgbench -n -c 1 -T $((seconds + 1)) -f "$scratch/temporary.pgbench" >/dev/null 2>&1 &
        other=$!
    fi
    pgbench -n -c 4 -j 2 -M prepared -T "$seconds" -D done=0 -f "$scratch/$peer.pgbench" >"$scratch/pgbench.log" 2>&1 ||
        fail "$(cat "$scratch/pgbench.log")"
    sed -n "s/^tps = \([0-9.]*\) .*/$peer.$beside \1/p" "$scratch/pgbench.log"
    [ -z "$other" ] || wait "$other"
}

period=0
for ((round = 1; round <= rounds; round++)); do
    for peer in bare tracked; do
        for beside in alone beside; do
            book "$peer" "$beside" "$period"
            period=$((period + 60))
        done
    done
done >"$scratch/tps"
for peer in bare tracked; do
    echo "$peer: bookings per second of 4 clients, $rounds rounds, median"
    grep "^$peer" "$scratch/tps" | print_medians "$peer.alone" tps
done

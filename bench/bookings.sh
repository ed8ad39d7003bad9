#!/usr/bin/env bash
# Bookings per second of eight clients: an INSERT into a tracked table beside a hand-written function.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$bench/peers.sh"

rounds=7
declare -A bookings=([off]=2500 [on]=600) # of each client in a round

start_bench
sql -f "$bench/peers.sql"
for peer in tracked handwritten; do
    booking_script "$peer" 'random(1, 7)' >"$scratch/$peer.pgbench"
done

# Prints `peer tps`.
run_peer() {
    local peer=$1 commit=$2 round=$3 done=$4
    PGOPTIONS="-c synchronous_commit=$commit" \
        pgbench -n -c 8 -j 2 -M prepared -t "${bookings[$commit]}" -D done="$done" --random-seed="$round" \
        -f "$scratch/$peer.pgbench" >"$scratch/pgbench.log" 2>&1 || fail "$(cat "$scratch/pgbench.log")"
    sed -n "s/^tps = \([0-9.]*\) .*/$peer \1/p" "$scratch/pgbench.log"
}

done=0
for commit in off on; do
    for ((round = 1; round <= rounds; round++)); do
        # Who goes first goes second in the next round.
        order=(tracked handwritten)
        [ $((round % 2)) -eq 1 ] || order=(handwritten tracked)
        for peer in "${order[@]}"; do
            run_peer "$peer" "$commit" "$round" "$done"
        done
        done=$((done + bookings[$commit]))
    done >"$scratch/tps.$commit"
    echo "bookings per second, 8 clients, 20,000 listings, synchronous_commit = $commit, $rounds rounds, median"
    print_medians handwritten tps <"$scratch/tps.$commit"
done
[ "$(value "SELECT count(*) FROM availability.verify('tracked.reservations')")" -eq 0 ] || fail "verify finds discrepancies"
[ "$(value "SELECT (SELECT count(*) FROM tracked.reservations_day) = (SELECT count(*) FROM handwritten.reservations_day)")" = t ] ||
    fail "the peers did not book the same days"

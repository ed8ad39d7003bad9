#!/usr/bin/env bash
# Bookings per second of 1, 8 and 64 clients: an INSERT into a tracked table, with day rows and without, and the booking function, beside
# what people write themselves, and beside the bare INSERT.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$bench/peers.sh"

rounds=5
peers=(bare tracked lean book book_once handwritten excluding multirange roaring)
# Of each client in a round.
declare -A bookings=([1,off]=3600 [8,off]=1200 [64,off]=140 [1,on]=400 [8,on]=300 [64,on]=45)
# The periods that each number of clients books in; `book` and `book_once` have their own, in the table of `tracked`.
declare -A first_period=([1]=0 [8]=1 [64]=4 [book,1]=7 [book,8]=8 [book,64]=11 [book_once,1]=14 [book_once,8]=15 [book_once,64]=18)

start_bench "max_connections = 100"
sql -f "$bench/peers.sql"

# Prints `peer tps`.
run_peer() {
    local peer=$1 clients=$2 commit=$3 round=$4 done=$5
    booking_script "$peer" 'random(1, 7)' "$clients" "${first_period[$peer,$clients]:-${first_period[$clients]}}" >"$scratch/pgbench.sql"
    PGOPTIONS="-c synchronous_commit=$commit" \
        pgbench -n -c "$clients" -j 2 -M prepared -t "${bookings[$clients,$commit]}" -D done="$done" --random-seed="$round" \
        -f "$scratch/pgbench.sql" >"$scratch/pgbench.log" 2>&1 || fail "$(cat "$scratch/pgbench.log")"
    sed -n "s/^tps = \([0-9.]*\) .*/$peer \1/p" "$scratch/pgbench.log"
}

for clients in 1 8 64; do
    done=0
    for commit in off on; do
        for ((round = 1; round <= rounds; round++)); do
            # Each round begins with another peer.
            for ((n = 0; n < ${#peers[@]}; n++)); do
                run_peer "${peers[$(((n + round) % ${#peers[@]}))]}" "$clients" "$commit" "$round" "$done"
            done
            done=$((done + bookings[$clients,$commit]))
        done >"$scratch/tps"
        echo "bookings per second, $clients clients, 20,000 listings, synchronous_commit = $commit, $rounds rounds, median"
        print_medians bare tps <"$scratch/tps"
    done
done
for peer in tracked lean; do
    [ "$(value "SELECT count(*) FROM availability.verify('$peer.reservations')")" -eq 0 ] || fail "verify finds discrepancies in $peer"
done
[ "$(value "SELECT (SELECT sum(availability.booked_days(booked)) FROM lean.reservations_calendar) = (SELECT count(*) FROM handwritten.reservations_day)")" = t ] ||
    fail "the peers did not book the same days"

#!/usr/bin/env bash
# Ten listings that everybody wants, eight clients: attempts per second on a tracked table and under an exclusion constraint.
#
# A client tries a random stay of 1-7 nights and cancels it at once if it was its own, so that the calendars never fill. Over
# a fortnight stays overlap all the time: two bookers of an exclusion constraint both write their row, then each waits
# for the other until the server breaks the deadlock a second later. Over two years they seldom meet.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

rounds=3
seconds=8

start_bench
sql -f "$bench/hot_listings.sql"

attempt_script() {
    cat <<END
\\set listing random(1, 10)
\\set first random(0, $2 - 1)
\\set nights random(1, 7)
SELECT $1.attempt(:listing, daterange(date '2026-01-01' + :first::int, date '2026-01-01' + :first::int + :nights::int)) AS id \\gset
\\if :id > 0
DELETE FROM $1.reservations WHERE id = :id;
\\endif
END
}

# Prints `peer tps`, and keeps count of the deadlocks.
declare -A deadlocks=([tracked]=0 [excluding]=0)
run_peer() {
    local peer=$1 commit=$2 days=$3 round=$4 before
    attempt_script "$peer" "$days" >"$scratch/$peer.pgbench"
    before=$(count_deadlocks)
    PGOPTIONS="-c synchronous_commit=$commit" \
        pgbench -n -c 8 -j 2 -M prepared -T "$seconds" --random-seed="$round" -f "$scratch/$peer.pgbench" \
        >"$scratch/pgbench.log" 2>&1 || fail "$(cat "$scratch/pgbench.log")"
    sed -n "s/^tps = \([0-9.]*\) .*/$peer \1/p" "$scratch/pgbench.log"
    deadlocks[$peer]=$((deadlocks[$peer] + $(count_deadlocks) - before))
}

count_deadlocks() {
    value "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
}

for days in 14 730; do
    for commit in off on; do
        for ((round = 1; round <= rounds; round++)); do
            for peer in tracked excluding; do
                run_peer "$peer" "$commit" "$days" "$round"
            done
        done >"$scratch/tps"
        echo "attempts per second, 8 clients, 10 listings, $days days, synchronous_commit = $commit, $rounds rounds, median"
        print_medians excluding tps <"$scratch/tps"
    done
done
echo "deadlocks: tracked ${deadlocks[tracked]}, excluding ${deadlocks[excluding]}"

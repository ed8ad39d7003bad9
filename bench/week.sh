#!/usr/bin/env bash
# A week of traffic through the whole, in a minute or two: a hotel's log of bookings and cancellations, each on its day of
# the week, and people who search, by three services of three modes in turn. How many answers each tier gives, how long
# they take, and how old they are: in words, and in build/week/index.html with plots.
#
# In the environment of bench/run: SECONDS that the week takes, SEARCHES in it, LISTINGS, and HOTEL_LOG=FILE.csv.gz for
# another log than the one that is made here, with the columns hotel,room_type,booked_on,arrival,nights,status,status_date.
# Lives of keys are not sped up, but short: twenty seconds in Redis. The near cache has room for a part of the listings.

. "$(dirname "${BASH_SOURCE[0]}")/lib_service.sh"

listings=${LISTINGS:-20000}
seconds=${RUN_SECONDS:-70}
searches=${SEARCHES:-$((1000 * seconds))}
redis_ttl=20

needs gnuplot gnuplot-nox
needs python3 python3
if [ -n "${HOTEL_LOG:-}" ]; then
    [ -r "$HOTEL_LOG" ] || fail "$HOTEL_LOG can't be read by $(id -un)"
    log=$HOTEL_LOG
else
    log=$scratch/log.csv
    python3 "$bench/week.py" log "$log"
fi
python3 "$bench/week.py" script "$log" "$scratch/script" "$seconds" "$searches" "$listings"

build_service bench_service_replay
start_parts "$listings" "track_commit_timestamp = on"
options=(--redis.ttl_seconds "$redis_ttl" --verification.share 0.01 --reader.l1_bytes $((1 << 20)))
start_service replica replica 19191 "${options[@]}"
start_service near near 19192 "${options[@]}"
start_service redis redis 19193 "${options[@]}"

mkdir -p "$scratch/report"
{
    echo "$(postgres --version), $(nproc) cores, $(date +%F); $listings listings, a week in $seconds s, $(wc -l <"$scratch/script") requests:" \
        "$(cut -f 2 "$scratch/script" | sort | uniq -c | awk '{ n[$2] = $1 } END { printf "%d reads, %d searches, %d bookings, %d cancellations", n["R"], n["S"], n["B"], n["C"] }')"
    "$built/bench_service_replay" "$scratch/script" "$scratch/report/timeline.tsv" "replica=127.0.0.1:${port[replica]}" "near=127.0.0.1:${port[near]}" "redis=127.0.0.1:${port[redis]}"
    sleep 2 # for the last comparisons
    for name in replica near redis; do
        printf '%s, compared with the database afterwards:' "$name"
        for result in agrees newer mismatch undecided; do printf ' %d %s' "$(metric "$name" "verifications_total{result=\"$result\"}")" "$result"; done
        printf '\n'
    done
    echo "verify finds $(value "SELECT count(*) FROM availability.verify('reservations')")"
} | tee "$scratch/report/summary.txt"
python3 "$bench/week.py" report "$scratch/report" "$seconds"
! grep -q ' [1-9][0-9]* mismatch' "$scratch/report/summary.txt"

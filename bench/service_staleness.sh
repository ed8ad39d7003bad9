#!/usr/bin/env bash
# Books by one of three services and reads at once from the others, so many reads over so many seconds: first with nothing
# else, then with the relay killed every ten seconds. No answer may be older than it says; without faults none may lack
# what was acknowledged half a second before.
#
# READS and SECONDS in the environment of bench/run: each of the two runs has so many reads in so many seconds.

. "$(dirname "${BASH_SOURCE[0]}")/lib_service.sh"

listings=${LISTINGS:-20000}
reads=${READS:-60000}
seconds=${RUN_SECONDS:-30}
bound=500
changes=50 # a second
failed=0

build_service bench_service_probe
start_parts "$listings"
start_service replica.1 replica 19191
start_service replica.2 replica 19192
start_service near near 19193
start_service redis redis 19194
probe replica.1 replica.2 near redis

# Arguments: what it is called, more options.
run_probe() {
    echo "$1: $reads reads in $seconds s"
    shift
    # Three reads follow each change at once.
    local rate=$((reads / seconds > 3 * changes ? reads / seconds - 3 * changes : 1))
    next_night
    "$built/bench_service_probe" changes "${probed[@]}" --night "$night" --morning "$morning" --rate "$rate" --changes "$changes" --reads "$reads" --seconds "$((seconds + 30))" --listings 500 \
        --final "$scratch/final" "$@" >"$scratch/changes" 2>&1 &
    pid[probe]=$!
}

finish_probe() {
    wait "${pid[probe]}" || failed=1
    unset "pid[probe]"
    sed 's/^/  /' "$scratch/changes"
    printf '  '
    check_final "$scratch/final"
}

run_probe "nothing is killed" --bound-ms "$bound"
finish_probe

run_probe "the relay is killed every ten seconds"
killed=0
while kill -0 "${pid[probe]}" 2>/dev/null; do
    for ((i = 0; i < 100; i++)); do
        kill -0 "${pid[probe]}" 2>/dev/null || break 2
        sleep 0.1
    done
    stop_part relay KILL
    start_relay
    killed=$((killed + 1))
done
finish_probe
echo "  the relay was killed $killed times"
exit "$failed"

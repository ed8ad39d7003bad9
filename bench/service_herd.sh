#!/usr/bin/env bash
# A thousand clients of two services ask for ten listings in the same moment, when the keys of all ten have just expired
# and, in the mode near, nothing of them is in the services either: how many calendars the database is asked for, and how
# long the clients wait. Then Redis, the relay and the database are killed, each, amid a load of reads and bookings on
# services of three modes: what fails, how long it takes, and whether anything that was said was wrong.

. "$(dirname "${BASH_SOURCE[0]}")/lib_service.sh"

listings=${LISTINGS:-20000}
rounds=3
clients=500 # of each of the two services
hot=10
seconds=${RUN_SECONDS:-15}
failed=0

build_service bench_service_probe
start_parts "$listings" "log_line_prefix = '[%a] '"

# --- the herd ---------------------------------------------------------------------------------------------------------

# Calendars that the services' statements have asked for in the server's log, from an offset on, and the statements.
asked_since() {
    tail -c "+$(($1 + 1))" "$scratch/server.log" | awk '
        /^\[availability-service\] LOG:  execute/ { ours = /availability_calendars/; statements += ours }
        ours && /^\[availability-service\] DETAIL:  parameters: / { calendars += gsub(/,/, ",") + 1; ours = 0 }
        END { printf "%d calendars in %d statements", calendars, statements }'
}

# Argument: the mode.
herd() {
    local mode=$1 round at offset asked
    for ((round = 1; round <= rounds; round++)); do
        start_service "$mode.1" "$mode" 19191
        start_service "$mode.2" "$mode" 19192
        probe "$mode.1" "$mode.2"
        if [ "$mode" = redis ]; then
            # What asks first describes the table.
            curl -s "http://127.0.0.1:19191/v1/availability?listings=1,2,3,4,5,6,7,8,9,10,11&check_in=2027-07-03&check_out=2027-07-10" >"$scratch/ready"
        fi
        at=$(($(date +%s%N) / 1000 + 4000000))
        for ((i = 1; i <= hot; i++)); do echo "PEXPIREAT avail:v3:{$i} $((at / 1000 - 1))"; done | redis-cli -s "$redis_socket" >/dev/null
        "$built/bench_service_probe" herd "${probed[@]}" --listings "$hot" --connections "$clients" --at "$at" >"$scratch/herd" 2>&1 &
        pid[probe]=$!
        # Connected, and before the moment.
        sleep 3.5
        offset=$(stat -c %s "$scratch/server.log")
        wait "${pid[probe]}" || fail "$(cat "$scratch/herd")"
        unset "pid[probe]"
        sleep 0.5
        asked=$(asked_since "$offset")
        echo "  $mode, round $round: the database was asked for $asked"
        sed 's/^/    /' "$scratch/herd"
        [[ $mode == replica && $asked == 0\ * || $mode != replica && $asked == "$hot "* ]] || failed=1
        stop_part "$mode.1"
        stop_part "$mode.2"
    done
}

sql -c "ALTER SYSTEM SET log_statement = 'all'" -c "SELECT pg_reload_conf()" >/dev/null
echo "$((2 * clients)) clients of two services, $hot listings, at once"
for mode in replica near redis; do herd "$mode"; done
sql -c "ALTER SYSTEM RESET log_statement" -c "SELECT pg_reload_conf()" >/dev/null

# --- each killed amid load ----------------------------------------------------------------------------------------------

# Argument of both: Redis, relay or database.
kill_part() {
    case $1 in
        Redis) stop_part redis_server KILL ;;
        relay) stop_part relay KILL ;;
        database) pg_ctl -D "$scratch/data" -m immediate -w -s stop ;;
    esac
}

start_part() {
    case $1 in
        Redis) start_redis ;;
        relay) start_relay ;;
        database) pg_ctl -D "$scratch/data" -l "$scratch/server.log" -w -s start ;;
    esac
}

start_service replica replica 19191
start_service near near 19192
start_service redis redis 19193
probe replica near redis
for part in nothing Redis relay database; do
    echo "$part is killed after a quarter of $seconds s, and back after a half; 1,500 reads and 30 changes a second"
    next_night
    "$built/bench_service_probe" changes "${probed[@]}" --night "$night" --morning "$morning" --rate 1500 --changes 30 --seconds "$seconds" --listings 300 --final "$scratch/final" \
        --timeline "$scratch/timeline" >"$scratch/changes" 2>&1 &
    pid[probe]=$!
    sleep "$(awk -v s="$seconds" 'BEGIN { print s / 4 }')"
    kill_part "$part"
    sleep "$(awk -v s="$seconds" 'BEGIN { print s / 4 }')"
    start_part "$part"
    wait "${pid[probe]}" || failed=1
    unset "pid[probe]"
    sed 's/^/  /' "$scratch/changes"
    awk '{ printf "%s%d:%d", NR == 1 ? "  failures in each second: " : " ", $1, $3 } END { print "" }' "$scratch/timeline"
    printf '  '
    check_final "$scratch/final"
done
exit "$failed"

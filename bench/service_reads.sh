#!/usr/bin/env bash
# Reads a second of one service on one core, from clients that keep their connections, 90 % of the reads on a tenth of
# the listings: how many at most, and how long they take when half of that comes at a constant rate. Beside it the
# database itself, asked by prepared statements, directly and through PgBouncer. Then reads in a process, without HTTP.
#
# The service, or the server and PgBouncer, has the first core; all else the second. Four h2load, each with a list of its
# own and clients that begin one after another, so that they do not ask for the same at the same time.

. "$(dirname "${BASH_SOURCE[0]}")/lib_service.sh"

listings=${LISTINGS:-100000}
seconds=${RUN_SECONDS:-10}
loaders=4
clients=16 # of each

needs h2load nghttp2-client
needs taskset util-linux
[ -x /usr/sbin/pgbouncer ] || fail "pgbouncer is missing: install the package pgbouncer"
[ "$(nproc)" -ge 2 ] || fail "this needs two cores"

build_service tool_reader_bench
core=1
start_parts "$listings"

for ((i = 1; i <= loaders; i++)); do
    awk -v seed="$i" -v listings="$listings" 'BEGIN {
        srand(seed)
        for (n = 0; n < 200000; n++)
            print "http://127.0.0.1/v1/listings/" (rand() < 0.9 ? 10 * int(rand() * listings / 10) : int(rand() * listings)) \
                "/availability?check_in=2027-07-03&check_out=2027-07-10"
    }' >"$scratch/uris.$i"
done

# All h2load together. Arguments: the port, requests of each client, more options. Leaves the logs, "start status micros" a line.
load() {
    local base=http://127.0.0.1:$1 requests=$2 i loads=()
    shift 2
    rm -f "$scratch"/log.*
    for ((i = 1; i <= loaders; i++)); do
        h2load --h1 -t 1 -c "$clients" -n $((clients * requests)) -r 1 --rate-period=20ms -B "$base" -i "$scratch/uris.$i" --log-file="$scratch/log.$i" "$@" \
            >"$scratch/h2load.$i" 2>&1 &
        loads+=($!)
    done
    wait "${loads[@]}" || fail "$(cat "$scratch"/h2load.*)"
}

# The logs between the start of the last client and the end of the first, with the number of seconds in the first line.
middle() {
    sort -n -k1,1 "$scratch"/log.* | awk -v ramp="$((clients * 20000))" '
        { start[NR] = $1; status[NR] = $2; micros[NR] = $3 }
        END {
            from = start[1] + ramp; to = start[NR] - ramp
            if (to <= from) { from = start[1]; to = start[NR] }
            print (to - from) / 1e6, 0, 0
            for (i = 1; i <= NR; i++) if (start[i] >= from && start[i] < to) print start[i], status[i], micros[i]
        }'
}

rate_of() {
    middle | awk 'NR == 1 { seconds = $1; next } $2 == 200 { n++ } END { printf "%d\n", n / seconds }'
}

# What a client would have asked meanwhile counts too, as if it had waited: at a constant rate a slow answer is more than one.
# Argument: microseconds between the requests of a client.
micros_of() {
    middle | awk -v interval="$1" 'NR > 1 && $2 == 200 { for (m = $3; m > 0; m -= interval) print m }'
}

failures_of() {
    cat "$scratch"/log.* | awk '$2 != 200 { n++ } END { print n + 0 }'
}

# Of the processor's time that a process has had. Argument: its id.
ticks_of() {
    awk '{ print $14 + $15 }' "/proc/$1/stat"
}

# Every listing once: what the near cache has room for is in it then.
warm() {
    seq 0 $((listings - 1)) | paste -sd "$(printf ',%.0s' {1..199})\n" | while read -r some; do
        printf 'url = "http://127.0.0.1:19191/v1/availability?listings=%s&check_in=2027-07-03&check_out=2027-07-10"\noutput = "/dev/null"\n' "$some"
    done | curl -s -K -
}

# How many calendars each tier of a service has told. Argument: its name.
tiers_of() {
    local tier
    for tier in replica l1 l2 database; do metric "$1" "reads_total{source=\"$tier\"}"; done | paste -sd ' '
}

# Arguments: the mode, requests of a client for a first look at the rate.
measure() {
    local mode=$1 rate half ticks told
    taskset -cp 0 $$ >/dev/null
    start_service "$mode" "$mode" 19191
    taskset -cp 1 $$ >/dev/null
    warm
    load 19191 "$2"
    rate=$(rate_of)
    told=$(tiers_of "$mode")
    ticks=$(ticks_of "${pid[$mode]}")
    load 19191 $((1 + rate * seconds / (loaders * clients)))
    rate=$(rate_of)
    # Where others use the core too, this alone says how fast it is.
    printf '%-9s %8d reads/s at most, %d a second of its CPU' "$mode" "$rate" \
        $(($(cat "$scratch"/log.* | wc -l) * $(getconf CLK_TCK) / (1 + $(ticks_of "${pid[$mode]}") - ticks)))
    half=$((rate / 2))
    load 19191 $((1 + half * seconds / (loaders * clients))) --rps="$(awk -v half="$half" -v n=$((loaders * clients)) 'BEGIN { print half / n }')"
    printf '; at %d/s %s; not 200: %d; from' "$half" "$(micros_of $((loaders * clients * 1000000 / half)) | percentiles)" "$(failures_of)"
    awk -v before="$told" -v after="$(tiers_of "$mode")" 'BEGIN {
        split("replica l1 l2 database", name, " "); split(before, b, " "); n = split(after, a, " ")
        for (i = 1; i <= n; i++) all += a[i] - b[i]
        for (i = 1; i <= n; i++) if (a[i] > b[i]) printf " %s %.1f %%", name[i], (a[i] - b[i]) * 100 / all
        print ""
    }'
    stop_part "$mode"
}

measure replica 5000
measure near 5000
measure redis 1500
measure database 300

# --- the database itself -------------------------------------------------------------------------------------------

taskset -cp 0 "$(head -n 1 "$scratch/data/postmaster.pid")" >/dev/null
cat >"$scratch/read.pgbench" <<END
\\set hot random(1, 10)
\\if :hot < 10
\\set listing 10 * random(0, $listings / 10 - 1)
\\else
\\set listing random(0, $listings - 1)
\\endif
SELECT version, availability.is_available(booked, daterange('2027-07-03', '2027-07-10')) FROM reservations_calendar WHERE listing_id = :listing;
END
# Prepared statements of PgBouncer before 1.21 need pools by session.
cat >"$scratch/pgbouncer.ini" <<END
[databases]
postgres = host=$scratch port=5432 dbname=postgres user=postgres
[pgbouncer]
listen_addr =
unix_socket_dir = $scratch
listen_port = 19195
auth_type = any
pool_mode = session
default_pool_size = 64
END
taskset -c 0 /usr/sbin/pgbouncer -q "$scratch/pgbouncer.ini" 2>"$scratch/pgbouncer.log" &
pid[pgbouncer]=$!
until psql -X -A -t -p 19195 -c '' >/dev/null 2>&1; do
    kill -0 "${pid[pgbouncer]}" || fail "$(cat "$scratch/pgbouncer.log")"
    sleep 0.1
done

# Arguments: what it is called, the port.
measure_database() {
    local rate
    pgbench -n -p "$2" -c 32 -j 1 -M prepared -T "$seconds" -f "$scratch/read.pgbench" postgres >"$scratch/pgbench.log" 2>&1 || fail "$(cat "$scratch/pgbench.log")"
    rate=$(sed -n 's/^tps = \([0-9]*\).*/\1/p' "$scratch/pgbench.log")
    rm -f "$scratch"/transactions.*
    pgbench -n -p "$2" -c 32 -j 1 -M prepared -T "$seconds" -R $((rate / 2)) -l --log-prefix="$scratch/transactions" -f "$scratch/read.pgbench" postgres \
        >"$scratch/pgbench.log" 2>&1 || fail "$(cat "$scratch/pgbench.log")"
    printf '%-9s %8d reads/s at most; at %d/s %s\n' "$1" "$rate" $((rate / 2)) "$(awk '{ print $3 }' "$scratch"/transactions.* | percentiles)"
}

measure_database SQL 5432
measure_database PgBouncer 19195

echo "in a process, 100,000 listings and then a million"
taskset -c 0 "$built/tool_reader_bench" 100000 5000000 | sed 's/^/  /'
taskset -c 0 "$built/tool_reader_bench" 1000000 1000000 | sed 's/^/  /'

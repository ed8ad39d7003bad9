# Shared by the benchmarks of the service: calendars, Redis, a relay, and services of any mode, on ports of 127.0.0.1.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

relay_port=19190
conninfo="host=$scratch dbname=postgres user=postgres"
redis_socket=$scratch/redis.sock
built=$scratch/src/service/build
declare -A port pid

# Argument: a program, the package that has it.
needs() {
    command -v "$1" >/dev/null || fail "$1 is missing: install the package $2"
}

# What ends with the benchmark.
stop_parts() {
    { [ ${#pid[@]} -eq 0 ] || kill -KILL "${pid[@]}" || true; wait; } 2>/dev/null
}

# Builds the relay, the service, and those of its tools that are named.
build_service() {
    make -s -C "$scratch/src/relay" -j "$(nproc)"
    make -s -C "$scratch/src/service" -j "$(nproc)" all "${@/#/build/}"
}

# A server with so many listings, eleven bookings each, from 2027-01-03 on; Redis; a relay. More arguments: settings of the server.
# If $core is set, they and all that is started after them have that one.
start_parts() {
    local listings=$1
    shift
    needs redis-server redis-server
    needs curl curl
    trap stop_parts EXIT
    start_bench "max_connections = 300" "$@"
    sql <<END
CREATE TABLE reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint NOT NULL, stay daterange NOT NULL);
INSERT INTO reservations (listing_id, stay) SELECT listing, daterange(date '2027-01-03' + 30 * n, date '2027-01-10' + 30 * n)
    FROM generate_series(0, $listings - 1) AS listing, generate_series(0, 10) AS n;
SELECT availability.track('reservations', day_rows => false) \g /dev/null
VACUUM ANALYZE;
CHECKPOINT;
END
    if [ -n "${core:-}" ]; then
        taskset -cp "$core" $$ >/dev/null
        pg_ctl -D "$scratch/data" -l "$scratch/server.log" -w -s restart
    fi
    start_redis
    (relay bootstrap) 2>"$scratch/relay.log" || fail "$(cat "$scratch/relay.log")"
    start_relay
}

start_redis() {
    redis-server --port 0 --unixsocket "$redis_socket" --save '' >>"$scratch/redis.log" &
    pid[redis_server]=$!
    until redis-cli -s "$redis_socket" ping >/dev/null 2>&1; do sleep 0.05; done
}

# Keys have no end unless $redis_ttl says so: else a benchmark would measure how long it has run.
relay() {
    exec "$scratch/src/relay/build/availability-relay" "$1" --database.conninfo "$conninfo" --database.tables public.reservations_calendar \
        --database.slot bench --relay.probe_sample 0 --http.listen "127.0.0.1:$relay_port" --redis.nodes "unix:$redis_socket" --redis.ttl_seconds "${redis_ttl:-0}"
}

start_relay() {
    relay run 2>>"$scratch/relay.log" &
    pid[relay]=$!
}

# Arguments: its name, its mode, its port, more options. It is ready when this returns.
start_service() {
    local name=$1 mode=$2 tries
    port[$name]=$3
    shift 3
    "$built/availability-service" run --database.conninfo "$conninfo" --database.tables public.reservations_calendar --relay.urls "127.0.0.1:$relay_port" \
        --redis.nodes "unix:$redis_socket" --reader.mode "$mode" --http.listen "127.0.0.1:${port[$name]}" "$@" >>"$scratch/$name.log" 2>&1 &
    pid[$name]=$!
    for ((tries = 0; tries < 1200; tries++)); do
        ! curl -s -f -o "$scratch/ready" "http://127.0.0.1:${port[$name]}/readyz" || return 0
        kill -0 "${pid[$name]}" 2>/dev/null || fail "$(tail -n 20 "$scratch/$name.log")"
        sleep 0.1
    done
    fail "the service $name is not ready after two minutes: $(cat "$scratch/ready")" "$(tail -n 5 "$scratch/$name.log")"
}

# Ends a part. Arguments: its name, the signal.
stop_part() {
    { kill "-${2:-TERM}" "${pid[$1]}" && wait "${pid[$1]}"; } 2>/dev/null || true
    unset "pid[$1]"
}

# The value of a metric of a service. Arguments: its name, the metric with its labels.
metric() {
    curl -s "http://127.0.0.1:${port[$1]}/metrics" | awk -v name="availability_service_$2" '$1 == name { print $2 }'
}

night=

# "--service NAME=HOST:PORT" of each service that is named, in $probed.
probe() {
    local name
    probed=()
    for name in "$@"; do probed+=(--service "$name=127.0.0.1:${port[$name]}"); done
}

# Each run of service_probe has a night of its own, since the one before leaves it booked here and there.
next_night() {
    night=$(date -d "${night:-2029-12-30} + 2 days" +%F)
    morning=$(date -d "$night + 1 day" +%F)
}

# Whether what service_probe left behind is what the database has. Argument: its file.
check_final() {
    local differ
    differ=$(sql -A -t <<END
CREATE TEMP TABLE final (listing bigint, version bigint, booked boolean);
\\copy final FROM '$1'
SELECT count(*) FROM final AS f LEFT JOIN reservations_calendar AS c ON c.listing_id = f.listing
    WHERE c.version IS DISTINCT FROM f.version OR availability.is_available(c.booked, daterange('$night', '$morning')) IS NOT DISTINCT FROM f.booked;
END
    )
    echo "the database afterwards: $(wc -l <"$1") listings were changed, $differ differ from what was acknowledged; verify finds $(value "SELECT count(*) FROM availability.verify('reservations')")"
    [ "$differ" -eq 0 ] || failed=1
}

# Percentiles in ms. Reads microseconds, a line each.
percentiles() {
    sort -n | awk '{ v[NR] = $1 } function at(share) { i = int(share * NR) + 1; return v[i > NR ? NR : i] / 1000 }
        END { if (NR) printf "p50 %.2f, p95 %.2f, p99 %.2f, p99.9 %.2f ms", at(0.5), at(0.95), at(0.99), at(0.999) }'
}

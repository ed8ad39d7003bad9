#!/usr/bin/env bash
# From the commit of a booking to a subscriber of the relay and to Redis: as a program outside sees it and as the relay tells it, at 500
# bookings a second and at 10,000 (20 rows a transaction), beside a reader of the slot that does nothing (bench/latency.cpp). Then how old
# what is told as `as of` is, and the WAL that heartbeats cost where nobody books.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

rounds=${ROUNDS:-3}
seconds=10
listings=20000

command -v redis-server >/dev/null || fail "redis-server is missing"
start_bench "output_plugin_libraries = 'pgoutput, availability_decoder'"
make -s -C "$scratch/src/relay" -j "$(nproc)" all
g++ -std=c++17 -O2 -I"$("$original_pg_config" --includedir)" "$bench/latency.cpp" -lpq -o "$scratch/latency"
g++ -std=c++17 -O2 -DBOOST_ASIO_NO_DEPRECATED -I"$scratch/src" "$bench/relay_latency.cpp" "$scratch/src/relay/build/librelay.a" \
    -o "$scratch/probe" -lroaring -lhiredis -lssl -lcrypto -lpq -lprometheus-cpp-core -lspdlog -lfmt -pthread
connection="host=$PGHOST port=$PGPORT user=$PGUSER dbname=postgres"

sql <<END
CREATE TABLE reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint NOT NULL, stay daterange NOT NULL);
SELECT availability.track('reservations') \g /dev/null
INSERT INTO reservations (listing_id, stay) SELECT n, daterange(current_date, current_date + 4) FROM generate_series(0, $listings - 1) AS n;
CREATE SEQUENCE bookings START $listings MINVALUE 0;
END
for rows in 1 20; do
    echo "INSERT INTO reservations (listing_id, stay) SELECT n % $listings, daterange(current_date + 4 * (n / $listings)::int, current_date + 4 * (n / $listings)::int + 4) FROM (SELECT nextval('bookings') AS n FROM generate_series(1, $rows)) AS b;" \
        >"$scratch/book$rows.pgbench"
done

redis-server --port 0 --unixsocket "$scratch/redis.sock" --save '' >"$scratch/redis.log" &
redis=$!
relay=
# shellcheck disable=SC2086
trap 'kill $redis $relay 2>/dev/null' EXIT
until [ -S "$scratch/redis.sock" ]; do sleep 0.1; done
options=(--database.conninfo "$connection" --database.tables public.reservations_calendar --redis.nodes "unix:$scratch/redis.sock"
    --http.listen 127.0.0.1:19187 --relay.probe_sample 0)

start_relay() {
    "$scratch/src/relay/build/availability-relay" run "${options[@]}" 2>>"$scratch/relay.log" &
    relay=$!
    until curl -sf -o /dev/null http://127.0.0.1:19187/readyz; do sleep 0.1; done
}

stop_relay() {
    kill "$relay"
    wait "$relay" || true
    relay=
}

# Arguments: rows a transaction.
book() {
    pgbench -n -c 4 -j 1 -M prepared -R 500 -T "$seconds" -f "$scratch/book$1.pgbench" >"$scratch/pgbench.log" 2>&1 || fail "$(cat "$scratch/pgbench.log")"
}

# The relay's histogram for Redis: bound, count.
histogram() {
    curl -s http://127.0.0.1:19187/metrics | sed -n 's/^availability_relay_commit_to_applied_seconds_bucket{.*le="\([^"]*\)".*} /\1 /p'
}

# CPU of relay, its walsender and Redis so far, in microseconds.
cpu() {
    local name
    for name in relay walsender redis_server; do
        case $name in
        relay) pid=$relay ;;
        walsender) pid=$(value "SELECT active_pid FROM pg_replication_slots WHERE slot_name = 'availability_relay'") ;;
        *) pid=$redis ;;
        esac
        echo "cpu_of_$name $(awk -v tick="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1e6 / tick }' "/proc/$pid/stat")"
    done
}

# Two histograms, before and after: percentiles in microseconds, between bounds in proportion.
percentiles() {
    paste -d ' ' "$1" "$2" | awk '
        { bound[NR] = $1; count[NR] = $4 - $2 }
        function percentile(share,    i, wanted, below) {
            wanted = share * count[NR]
            for (i = 1; count[i] < wanted; i++) below = count[i]
            return 1e6 * (bound[i - 1] + (bound[i] - bound[i - 1]) * (wanted - below) / (count[i] - below))
        }
        END { print "redis_by_the_relay.p50", percentile(0.5); print "redis_by_the_relay.p99", percentile(0.99) }'
}

sql -c "SELECT pg_create_logical_replication_slot('alone', 'availability_decoder')" >/dev/null
"$scratch/src/relay/build/availability-relay" bootstrap "${options[@]}" 2>"$scratch/relay.log" || fail "$(cat "$scratch/relay.log")"
for rows in 1 20; do
    for ((round = 1; round <= rounds; round++)); do
        sql -c "SELECT pg_replication_slot_advance('alone', pg_current_wal_lsn())" >/dev/null
        "$scratch/latency" "$connection" alone json "tables 'public.reservations_calendar'" "$seconds" >"$scratch/alone.delays" &
        book "$rows"
        wait %% || fail "the reader alone has failed"
        read -r _ p50 p99 _ <"$scratch/alone.delays"
        printf 'reader_alone.p50 %s\nreader_alone.p99 %s\n' "$p50" "$p99"
        start_relay
        histogram >"$scratch/before"
        cpu >"$scratch/cpu.before"
        "$scratch/probe" 19187 "$scratch/redis.sock" $((seconds - 1)) "$listings" $((4 * rows)) >"$scratch/probe.delays" &
        book "$rows"
        wait %% || fail "the probe has failed"
        cat "$scratch/probe.delays"
        histogram >"$scratch/after"
        percentiles "$scratch/before" "$scratch/after"
        cpu | paste -d ' ' "$scratch/cpu.before" - | awk -v events=$((500 * rows * seconds)) '{ print $1, ($4 - $2) / events }'
        stop_relay
    done >"$scratch/delays"
    echo "from commit on, $((500 * rows)) bookings a second in transactions of $rows for $seconds s, $rounds rounds, median"
    grep -v '^age' "$scratch/delays" | print_medians reader_alone.p50 us
    echo "age of what is told as of, meanwhile"
    grep '^age' "$scratch/delays" | print_medians age_of_subscriber.p50 us
done

start_relay
sleep 1
lsn=$(value "SELECT pg_current_wal_insert_lsn()")
"$scratch/probe" 19187 "$scratch/redis.sock" "$seconds" "$listings" 0 >"$scratch/delays"
bytes=$(value "SELECT pg_current_wal_insert_lsn() - '$lsn'::pg_lsn")
echo "age of what is told as of, where nobody books"
print_medians age_of_subscriber.p50 us <"$scratch/delays"
echo "WAL meanwhile: $((bytes / seconds)) bytes a second, $((bytes * 86400 / seconds / 1000000)) MB a day"
stop_relay

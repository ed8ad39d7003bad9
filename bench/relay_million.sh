#!/usr/bin/env bash
# The relay with a million listings (LISTINGS in the environment) of three bookings each: how long bootstrap takes until Redis and the relay's own store have
# every calendar; a new subscriber's snapshot; and the memory and the time that a million events cost whose sink stands still.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

listings=${LISTINGS:-1000000}

command -v redis-server >/dev/null || fail "redis-server is missing"
start_bench "output_plugin_libraries = 'pgoutput, availability_decoder'" "synchronous_commit = off"
make -s -C "$scratch/src/relay" -j "$(nproc)" all
relay_program=$scratch/src/relay/build/availability-relay

sql <<END
CREATE TABLE reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint NOT NULL, stay daterange NOT NULL);
INSERT INTO reservations (listing_id, stay) SELECT n % $listings, daterange(current_date + 30 * (n / $listings)::int, current_date + 30 * (n / $listings)::int + 4)
    FROM generate_series(0, 3 * $listings - 1) AS n;
SELECT availability.track('reservations', day_rows => false) \g /dev/null
CHECKPOINT;
END

redis-server --port 0 --unixsocket "$scratch/redis.sock" --save '' >"$scratch/redis.log" &
redis=$!
relay=
# shellcheck disable=SC2086
trap 'kill -CONT $redis; kill $redis $relay 2>/dev/null' EXIT
until [ -S "$scratch/redis.sock" ]; do sleep 0.1; done
options=(--database.conninfo "host=$PGHOST port=$PGPORT user=$PGUSER dbname=postgres" --database.tables public.reservations_calendar
    --redis.nodes "unix:$scratch/redis.sock" --http.listen 127.0.0.1:19187 --relay.probe_sample 0)

now() { date +%s%N; }
# Seconds since a time of now().
since() { awk -v ns=$(($(now) - $1)) 'BEGIN { printf "%.1f", ns / 1e9 }'; }
# Seconds of CPU of a process.
cpu() { awk -v tick="$(getconf CLK_TCK)" '{ printf "%.1f", ($14 + $15) / tick }' "/proc/$1/stat"; }
megabytes() { echo $(($(awk -v name="$1:" '$1 == name { print $2 }' "/proc/$relay/status") / 1024)); }
metric() { curl -s http://127.0.0.1:19187/metrics | sed -n "s/^availability_relay_$1\({[^}]*}\)\? //p" | head -n 1; }

start=$(now)
bash -c 'times=$1; shift; "$@"; status=$?; times >"$times"; exit $status' bash "$scratch/times" "$relay_program" bootstrap "${options[@]}" 2>"$scratch/relay.log" ||
    fail "$(cat "$scratch/relay.log")"
echo "$listings listings"
echo "  bootstrap: $(since "$start") s; CPU of the relay $(tail -n 1 "$scratch/times"), of Redis $(cpu "$redis") s; $(redis-cli -s "$scratch/redis.sock" dbsize) keys in Redis"

"$relay_program" run "${options[@]}" 2>>"$scratch/relay.log" &
relay=$!
start=$(now)
until curl -sf -o /dev/null http://127.0.0.1:19187/readyz; do sleep 0.05; done
echo "  a start anew until ready: $(since "$start") s; CPU of the relay $(cpu "$relay") s; resident $(megabytes VmRSS) MB, of them calendars $(($(metric store_bytes | awk '{ printf "%d", $1 }') / 1000000)) MB"
before=$(cpu "$relay")
for _ in 1 2 3; do
    curl -s -o "$scratch/snapshot" -w '  snapshot: %{size_download} bytes in %{time_total} s\n' http://127.0.0.1:19187/snapshot
done
echo "  CPU of the relay for the three: $(awk -v a="$before" -v b="$(cpu "$relay")" 'BEGIN { print b - a }') s; resident at most $(megabytes VmHWM) MB"

kill -STOP "$redis"
start=$(now)
sql -c "INSERT INTO reservations (listing_id, stay) SELECT n, daterange(current_date + 100, current_date + 104) FROM generate_series(0, $listings - 1) AS n"
end=$(value "SELECT pg_current_wal_insert_lsn() - '0/0'")
booked=$(since "$start")
until awk -v received="$(metric received_lsn)" -v end="$end" 'BEGIN { exit !(received >= end) }'; do sleep 0.2; done
echo "  $listings events, Redis stopped: booked in $booked s, taken by the relay after $(since "$start") s; resident $(megabytes VmRSS) MB, at most $(megabytes VmHWM) MB"
kill -CONT "$redis"
start=$(now)
before=$(cpu "$relay")
until [ "$(curl -s http://127.0.0.1:19187/metrics | awk '/^availability_relay_sink_lags_alone/ { print $2 }')" = 0 ] && curl -sf -o /dev/null http://127.0.0.1:19187/readyz; do sleep 0.1; done
echo "  Redis goes on: it has caught up after $(since "$start") s; CPU of the relay $(awk -v a="$before" -v b="$(cpu "$relay")" 'BEGIN { print b - a }') s; resident at most $(megabytes VmHWM) MB"
kill "$relay"
wait "$relay" || true
relay=

#!/usr/bin/env bash
# The relay on a backlog: how long it takes from its start until all is confirmed, on one core, the server and Redis on the others. Every sink
# reads the same WAL by a slot of its own. Then its memory, and the snapshot of a subscriber.
#
# bench/run relay

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

events=200000
listings=20000

command -v redis-server >/dev/null || fail "redis-server is missing"
start_bench "output_plugin_libraries = 'pgoutput, availability_decoder'" "max_replication_slots = 10" "synchronous_commit = off"
make -s -C "$scratch/src/relay" -j "$(nproc)" all tools
relay=$scratch/src/relay/build/availability-relay

sql <<END
CREATE TABLE reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint NOT NULL, stay daterange NOT NULL);
SELECT availability.track('reservations') \g /dev/null
INSERT INTO reservations (listing_id, stay) SELECT n % $listings, daterange(current_date + 10 * (n / $listings), current_date + 10 * (n / $listings) + 4)
    FROM generate_series(0, 3 * $listings - 1) AS n;
END

redis-server --port 0 --unixsocket "$scratch/redis.sock" --save '' >"$scratch/redis.log" &
redis=$!
mkfifo "$scratch/kafka.input" # it ends when its input does
exec 9<>"$scratch/kafka.input"
"$scratch/src/relay/build/tool_kafka" mock 1 <&9 >"$scratch/kafka.servers" 2>/dev/null &
kafka=$!
trap 'kill $redis $kafka 2>/dev/null' EXIT
until [ -s "$scratch/kafka.servers" ] && [ -S "$scratch/redis.sock" ]; do sleep 0.1; done

declare -A sink=(
    [fanout]=""
    [calendar]="--redis.nodes unix:$scratch/redis.sock --redis.record_prefix avail:v3:calendar:"
    [months]="--redis.nodes unix:$scratch/redis.sock --redis.layout months --redis.key_prefixes months: --redis.record_prefix months:relay:"
    [kafka]="--kafka.properties bootstrap.servers=$(head -n 1 "$scratch/kafka.servers")")
sinks=(fanout calendar months kafka)

# Arguments: the sink, the command.
relay() {
    # shellcheck disable=SC2086
    exec taskset -c 0 "$relay" "$2" --database.conninfo "host=$scratch dbname=postgres user=postgres" --database.tables public.reservations_calendar \
        --database.slot "$1" --relay.confirm_seconds 0.05 --http.listen 127.0.0.1:19187 --relay.probe_sample 0 ${sink[$1]}
}

# Milliseconds that the server takes to decode and send all of it to a reader that does nothing.
decode_alone() {
    local start
    start=$(date +%s%N)
    pg_recvlogical -d "host=$scratch dbname=postgres user=postgres" -S alone --start --no-loop --endpos "$end" -f /dev/null \
        -o format=protobuf -o transactions=on -o tables=public.reservations_calendar >"$scratch/alone.log" 2>&1
    echo $((($(date +%s%N) - start) / 1000000))
}

sql -c "SELECT pg_create_logical_replication_slot('alone', 'availability_decoder')" >/dev/null
for name in "${sinks[@]}"; do
    (relay "$name" bootstrap) 2>"$scratch/$name.log" || fail "$(cat "$scratch/$name.log")"
done
sql -c "INSERT INTO reservations (listing_id, stay) SELECT n % $listings, daterange(current_date + 100 + 10 * (n / $listings), current_date + 104 + 10 * (n / $listings))
    FROM generate_series(0, $events - 1) AS n"
end=$(value "SELECT pg_current_wal_insert_lsn()")

echo "a backlog of $events events, $listings listings: events a second, from the start of the relay to the last position confirmed"
echo "  decoding alone, by pg_recvlogical: $((events * 1000 / $(decode_alone)))"
for name in "${sinks[@]}"; do
    start=$(date +%s%N)
    (relay "$name" run) 2>"$scratch/$name.log" &
    pid=$!
    until [ "$(value "SELECT confirmed_flush_lsn >= '$end' FROM pg_replication_slots WHERE slot_name = '$name'")" = t ]; do sleep 0.02; done
    took=$((($(date +%s%N) - start) / 1000000))
    ticks=$(awk '{print $14 + $15}' "/proc/$pid/stat")
    printf '  %-10s %8d   a second of the relay'"'"'s CPU: %8d   resident %4d MB\n' "$name" $((events * 1000 / took)) \
        $((events * $(getconf CLK_TCK) / ticks)) $(($(awk '/VmRSS/ {print $2}' "/proc/$pid/status") / 1024))
    [ "$name" != fanout ] || curl -s -o "$scratch/snapshot" -w '  snapshot of all calendars: %{size_download} bytes in %{time_total} s\n' http://127.0.0.1:19187/snapshot
    kill "$pid"
    wait "$pid" || true
done

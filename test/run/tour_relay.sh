# The part of make demo that shows the relay. Sourced by tour.sh.
#
#   begin_relay_build    builds the relay behind the parts before
#   tour_relay           waits for it, and shows it: Redis fed, a kill, the recovery
#   stop_relay           ends what it has started, whenever

relay=$scratch/src/relay/build/availability-relay
redis_socket=$scratch/redis.socket
relay_build_pid=
relay_pid=
redis_pid=

# In the time that the parts before leave; in a process group of its own, so that all of it can be ended.
begin_relay_build() {
    local make=(nice -n 5 make -s -C "$scratch/src/relay" -j "$(nproc)" CXXFLAGS="-O1 -g0")
    set -m
    { "${make[@]}" PRECOMPILE=1 || "${make[@]}"; } >"$scratch/relay_build.log" 2>&1 &
    relay_build_pid=$!
    set +m
}

finish_relay_build() {
    local sources
    sources=$(cd "$scratch/src" && printf '%s\n' relay/*.cpp relay/{source,fanout,redis,kafka}/*.cpp extension/core/*.cpp | wc -l)
    show_progress "$relay_build_pid" "the relay" "$sources" "$scratch/src/relay/build"
    wait "$relay_build_pid" || { cat "$scratch/relay_build.log"; exit 1; }
    relay_build_pid=
}

# Kills a process that this shell has started, without the shell's word on it.
kill_and_wait() {
    [ -z "$2" ] || { kill "-$1" -- "$2" && wait "${2#-}"; } 2>/dev/null || true
}

stop_relay() {
    kill_and_wait KILL "${relay_build_pid:+-$relay_build_pid}"
    kill_and_wait KILL "$relay_pid"
    kill_and_wait KILL "$redis_pid"
}

relay_fails() {
    tail -n 20 "$scratch/relay.log"
    fail "the demo failed: $1"
}

# Calls until it succeeds. Arguments: what is waited for, the command.
wait_for() {
    local what=$1 tries
    shift
    for ((tries = 0; tries < 1200; tries++)); do
        ! "$@" >/dev/null 2>&1 || return 0
        sleep 0.05
    done
    relay_fails "$what did not come"
}

# What an HTTP path of the relay answers.
ask_relay() {
    local port
    port=$(sed -n 's/.*listening at 127.0.0.1:\([0-9]*\).*/\1/p' "$scratch/relay.log" | tail -n 1)
    exec {http}<>"/dev/tcp/127.0.0.1/$port" || return 1
    printf 'GET %s HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n' "$1" >&"$http"
    cat <&"$http"
    exec {http}>&-
}

relay_is_ready() {
    ask_relay /readyz 2>/dev/null | head -n 1 | grep -q ' 200 '
}

start_relay() {
    "$relay" run --config "$scratch/relay.toml" >>"$scratch/relay.log" 2>&1 &
    relay_pid=$!
    wait_for "the relay" relay_is_ready
}

# The bytes of a listing's key in Redis, in hexadecimal.
key_in_hex() {
    redis-cli -s "$redis_socket" GET "avail:v3:{$1}" | head -c -1 | od -An -v -tx1 | tr -d ' \n'
}

# Whether Redis has the listing's calendar as the database has it.
redis_has() {
    [ "$(client -A -t -c "SELECT encode(int8send(version) || booked::bytea, 'hex') FROM reservations_calendar WHERE listing_id = $1")" = \
        "$(key_in_hex "$1" | cut -c 17-)" ]
}

# Prints what Redis and the database have of a listing's last days.
show_both() {
    client -v listing="$1" -v value="$(key_in_hex "$1")" <<'SQL'
SELECT source, version, availability.last_day(booked) AS last_booked_day, availability.booked_days(booked) AS booked_days, bytes
FROM (SELECT 1 AS n, 'Redis, avail:v3:{' || :'listing' || '}' AS source, ('x' || substring(:'value', 17, 16))::bit(64)::bigint AS version,
             decode(substring(:'value', 33), 'hex')::availability.dayset AS booked, length(:'value') / 2 AS bytes
      UNION ALL
      SELECT 2, 'the database', version, booked, pg_column_size(booked) FROM reservations_calendar WHERE listing_id = :'listing') AS sources
ORDER BY n;
SQL
}

# Books some nights behind the last booked ones of a listing.
book_behind() {
    client -e <<SQL
INSERT INTO reservations (listing_id, check_in, check_out, guest)
SELECT listing_id, availability.last_day(booked) + 1, availability.last_day(booked) + 5, '$2'
FROM reservations_calendar WHERE listing_id = $1;
SQL
}

# A commit each. Argument: how many.
book_many() {
    client <<SQL
CREATE OR REPLACE PROCEDURE book_many(bookings int) LANGUAGE plpgsql AS \$\$
BEGIN
    FOR i IN 1 .. bookings LOOP
        INSERT INTO reservations (listing_id, check_in, check_out)
        SELECT listing_id, greatest(availability.last_day(booked), current_date) + 2, greatest(availability.last_day(booked), current_date) + 4
        FROM reservations_calendar ORDER BY ordinal OFFSET i % 1000 LIMIT 1;
        COMMIT;
    END LOOP;
END \$\$;
CALL book_many($1);
SQL
}

tour_relay() {
    local listing began
    finish_relay_build
    redis-server --port 0 --unixsocket "$redis_socket" --save '' --appendonly no --dir "$scratch" >"$scratch/redis.log" 2>&1 &
    redis_pid=$!
    cat >"$scratch/relay.toml" <<TOML
[database]
conninfo = "dbname=demo"
tables = ["public.reservations_calendar"]

[relay]
state_file = "$scratch/relay.state"

[redis]
nodes = ["unix:$redis_socket"]

[http]
listen = "127.0.0.1:0"
TOML
    client -c "CREATE SCHEMA availability_relay"
    listing=$(client -A -t -c "SELECT listing_id FROM reservations_calendar WHERE NOT availability.is_empty(booked) ORDER BY listing_id LIMIT 1")
    wait_for "Redis" redis-cli -s "$redis_socket" ping

    echo
    echo "--- 15. The relay: its bootstrap makes a slot and gives a Redis every calendar; then it runs, and follows the slot."
    echo
    cat "$scratch/relay.toml"
    echo
    echo "$ availability-relay bootstrap --config relay.toml"
    "$relay" bootstrap --config "$scratch/relay.toml" >"$scratch/relay.log" 2>&1 || relay_fails "no bootstrap"
    echo "$ availability-relay run --config relay.toml &"
    start_relay
    echo "$ redis-cli dbsize"
    echo "$(redis-cli -s "$redis_socket" dbsize)    a key for each listing, and the relay's record"

    echo
    echo "--- 16. A booking is a row as before; the key in Redis follows by itself."
    echo
    book_behind "$listing" Mary
    wait_for "the booking in Redis" redis_has "$listing"
    show_both "$listing"
    book_many 500
    wait_for "the end of the queue" lag_is_none
    echo "The same for 500 bookings more. What /metrics says of the time from commit to Redis, and of the freshness lag:"
    echo
    ask_relay /metrics | tr -d '\r' | awk '
        /^availability_relay_commit_to_applied_seconds_(sum|count)/ { value[$1 ~ /_sum/] = $2 }
        /^availability_relay_(freshness_lag_seconds|seq_gaps_total)/ { print }
        END { printf "%d commits, from commit to applied %.1f ms on average\n", value[0], 1000 * value[1] / value[0] }'

    echo
    echo "--- 17. kill -9 for the relay. Bookings go on; Redis stays behind, until a relay is there again."
    echo
    echo "$ kill -9 $relay_pid"
    kill_and_wait KILL "$relay_pid"
    relay_pid=
    book_behind "$listing" Hedy
    book_many 500
    show_both "$listing"
    ! redis_has "$listing" || relay_fails "Redis has what nobody wrote"
    echo "$ availability-relay run --config relay.toml &"
    began=$(date +%s%N)
    start_relay
    wait_for "what was missed" redis_has "$listing"
    wait_for "the end of the queue" lag_is_none
    echo "Started, ready and level after $((($(date +%s%N) - began) / 1000000)) ms:"
    echo
    show_both "$listing"

    echo
    echo "--- 18. Every key of Redis against the database."
    echo
    echo "$ availability-relay verify --config relay.toml"
    "$relay" verify --config "$scratch/relay.toml" 2>>"$scratch/relay.log" | tee "$scratch/verify.log"
    grep -q ' listings, 0 not in Redis, 0 wrong' "$scratch/verify.log" || relay_fails "Redis differs from the database"

    kill -TERM "$relay_pid"
    wait "$relay_pid" || relay_fails "the relay did not end in order"
    relay_pid=
    kill_and_wait TERM "$redis_pid"
    redis_pid=
}

lag_is_none() {
    ask_relay /metrics | tr -d '\r' | grep -q '^availability_relay_freshness_lag_seconds{sink="redis"} 0$'
}

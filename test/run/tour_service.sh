# The part of make demo that shows the service. Sourced by tour.sh, behind tour_relay.sh, whose functions it uses.
#
#   begin_service_build   builds the service behind the parts before
#   tour_service          waits for it, and shows it: reads, a booking, its retry, the relay away, the page
#   stop_service          ends what it has started, whenever
#
# page_seconds: for how long the page can be looked at before the demo goes on.

service=$scratch/src/service/build/availability-service
service_build_pid=
service_pid=
page_seconds=${page_seconds:-0}

# Behind the relay, of which it is made; in a process group of its own.
begin_service_build() {
    set -m
    {
        while [ -n "$relay_build_pid" ] && kill -0 "$relay_build_pid" 2>/dev/null; do sleep 0.2; done
        nice -n 10 make -s -C "$scratch/src/service" -j "$(nproc)" CXXFLAGS="-O1 -g0"
    } >"$scratch/service_build.log" 2>&1 &
    service_build_pid=$!
    set +m
}

finish_service_build() {
    local sources
    sources=$(cd "$scratch/src" && printf '%s\n' service/*.cpp service/{reader,database,redis,http,control}/*.cpp | wc -l)
    show_progress "$service_build_pid" "the service" "$sources" "$scratch/src/service/build"
    wait "$service_build_pid" || { cat "$scratch/service_build.log"; exit 1; }
    service_build_pid=
}

stop_service() {
    kill_and_wait KILL "${service_build_pid:+-$service_build_pid}"
    kill_and_wait KILL "$service_pid"
}

service_fails() {
    tail -n 20 "$scratch/service.log"
    fail "the demo failed: $1"
}

# As wait_for, of the service.
wait_for_service() {
    local what=$1 tries
    shift
    for ((tries = 0; tries < 1200; tries++)); do
        ! "$@" >/dev/null 2>&1 || return 0
        sleep 0.05
    done
    service_fails "$what did not come"
}

service_is_ready() {
    curl -s -f -o "$scratch/ready" "$api/readyz"
}

start_service() {
    local port
    "$service" run --config "$scratch/service.toml" >>"$scratch/service.log" 2>&1 &
    service_pid=$!
    wait_for_service "the service" grep -q 'http.listen: listening at' "$scratch/service.log"
    port=$(sed -n 's/.*http\.listen: listening at 127.0.0.1:\([0-9]*\).*/\1/p' "$scratch/service.log" | tail -n 1)
    api=http://127.0.0.1:$port
    wait_for_service "the service" service_is_ready
}

# Shows a request and its answer. Arguments: what the answer must have in it, the path, more for curl.
show() {
    local must=$1 path=$2 answer
    shift 2
    echo "$ curl${*:+ ${*@Q}} '$api$path'"
    answer=$(curl -s -S "$@" "$api$path") || service_fails "no answer"
    printf '%s\n\n' "$answer"
    grep -q -e "$must" <<<"$answer" || service_fails "that is not the answer"
}

# Whether the service tells a listing's calendar from where it should: from memory, from the database.
is_told_from() {
    curl -s "$api/v1/listings/$1/calendar?from=$2&to=$3" | grep -q "\"source\":\"$4\""
}

tour_service() {
    local listing gap check_in check_out year
    finish_service_build
    # The slot goes on; the Redis of the part before has gone.
    sed -i '/^\[redis\]/,/^$/d' "$scratch/relay.toml"
    start_relay
    local relay_port
    relay_port=$(sed -n 's/.*listening at 127.0.0.1:\([0-9]*\).*/\1/p' "$scratch/relay.log" | tail -n 1)
    cat >"$scratch/service.toml" <<TOML
[database]
conninfo = "dbname=demo"
tables = ["public.reservations_calendar"]

[relay]
urls = ["127.0.0.1:$relay_port"]

[http]
listen = "127.0.0.1:0"
TOML
    # A gap of four nights, of a listing that has bookings.
    read -r listing check_in check_out year < <(client -A -t -F ' ' -c "
        SELECT listing_id, lower(gap), upper(gap), lower(gap) + 365
        FROM (SELECT listing_id, availability.next_gap(booked, availability.first_day(booked), 4) AS gap
              FROM reservations_calendar WHERE NOT availability.is_empty(booked)) AS gaps
        WHERE gap IS NOT NULL ORDER BY listing_id LIMIT 1")
    # The gap may be longer than what is booked of it.
    check_out=$(client -A -t -c "SELECT date '$check_in' + 4")

    echo
    echo "--- 19. The service: every calendar in memory, by the relay's snapshot and stream; answers say where from, and how old."
    echo
    cat "$scratch/service.toml"
    echo
    echo "$ availability-service run --config service.toml &"
    start_service
    show '"available":true' "/v1/listings/$listing/availability?check_in=$check_in&check_out=$check_out"
    show '"listings":\[' "/v1/search?check_in=$check_in&check_out=$check_out&limit=5"

    echo "--- 20. A booking, and the same request once more: one reservation. Somebody else comes too late."
    echo
    local body="{\"listing\": $listing, \"check_in\": \"$check_in\", \"check_out\": \"$check_out\", \"attributes\": {\"guest\": \"Grace\"}}"
    local json='Content-Type: application/json'
    show '"replayed":false' /v1/bookings -H "$json" -H 'Idempotency-Key: demo-1' -d "$body"
    show '"replayed":true' /v1/bookings -H "$json" -H 'Idempotency-Key: demo-1' -d "$body"
    show '"taken":\[\["' /v1/bookings -H "$json" -d "$body"
    wait_for_service "the booking in memory" is_booked "$listing" "$check_in" "$check_out"
    show '"available":false.*"source":"replica"' "/v1/listings/$listing/availability?check_in=$check_in&check_out=$check_out"

    echo "--- 21. kill -9 for the relay: the answers come from the database, until it is back."
    echo
    echo "$ kill -9 $relay_pid"
    kill_and_wait KILL "$relay_pid"
    relay_pid=
    wait_for_service "an answer from the database" is_told_from "$listing" "$check_in" "$year" database
    show '"source":"database"' "/v1/listings/$listing/availability?check_in=$check_in&check_out=$check_out"
    echo "$ availability-relay run --config relay.toml &"
    sed -i "s/^listen = .*/listen = \"127.0.0.1:$relay_port\"/" "$scratch/relay.toml"
    start_relay
    wait_for_service "answers from memory" is_told_from "$listing" "$check_in" "$year" replica
    show '"source":"replica"' "/v1/listings/$listing/availability?check_in=$check_in&check_out=$check_out"

    echo "A page shows a listing's year, live: $api/?listing=$listing&from=${check_in%-*}"
    curl -s -f "$api/" | grep -q '</html>' || service_fails "there is no page"
    if [ "$page_seconds" -gt 0 ]; then
        echo "It is there for $page_seconds seconds more. In the meantime, book here: PGHOST=$PGHOST PGPORT=$PGPORT PGUSER=$PGUSER psql demo"
        sleep "$page_seconds"
    else
        echo "(make demo PAGE_SECONDS=600 leaves it open for ten minutes.)"
    fi

    kill -TERM "$service_pid"
    wait "$service_pid" || service_fails "the service did not end in order"
    service_pid=
    kill -TERM "$relay_pid"
    wait "$relay_pid" || relay_fails "the relay did not end in order"
    relay_pid=
}

is_booked() {
    curl -s "$api/v1/listings/$1/availability?check_in=$2&check_out=$3" | grep '"source":"replica"' | grep -q '"available":false'
}

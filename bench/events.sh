#!/usr/bin/env bash
# Bytes a change, and the time of decoding one: our events, which carry the listing's whole calendar, beside pgoutput and wal2json on the
# table of reservations alone. The same WAL, in turns. Half of the WAL's changes are those of another table.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

rounds=5
listings=5000
changes=20000

[ -f "$("$original_pg_config" --pkglibdir)/wal2json.so" ] || fail "wal2json is missing: Debian has it as postgresql-VERSION-wal2json"
start_bench "output_plugin_libraries = 'pgoutput, wal2json, availability_decoder'" "max_replication_slots = 10"

# Calendars of real shape: three to seven stays a listing, of 1 to 13 nights with gaps between. The hand-written schema is
# that of bookings.sh: (listing_id, day) rows under a primary key.
sql <<END
CREATE TABLE reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint NOT NULL, check_in date NOT NULL,
    check_out date NOT NULL, status text NOT NULL DEFAULT 'confirmed', guest text NOT NULL);
CREATE TABLE handwritten (LIKE reservations INCLUDING ALL);
CREATE TABLE handwritten_day (listing_id bigint, day date, reservation_id bigint, PRIMARY KEY (listing_id, day));
CREATE TABLE noise (id bigint PRIMARY KEY, words text);
INSERT INTO noise SELECT n, repeat('words ', 10) FROM generate_series(1, 1000) AS n;
SELECT availability.track('reservations', active => \$\$status = 'confirmed'\$\$) \g /dev/null
CREATE PUBLICATION reservations FOR TABLE reservations;
CREATE PUBLICATION handwritten FOR TABLE handwritten, handwritten_day;
CREATE PUBLICATION nothing;
CREATE FUNCTION fill(periods int, first_period int) RETURNS void LANGUAGE sql AS \$\$
    INSERT INTO reservations (listing_id, check_in, check_out, guest)
    SELECT listing, date '2027-01-01' + 16 * period + listing % 3, date '2027-01-01' + 16 * period + listing % 3 + 1 + (listing * 7 + period * 3) % 13, 'guest ' || listing
    FROM generate_series(1, $listings) AS listing, generate_series(first_period, first_period + periods - 1) AS period
\$\$;
SELECT setseed(0.42), fill(3, 0) \g /dev/null
VACUUM (ANALYZE);
CHECKPOINT;
END

# Arguments: the slot, its plugin, its options. One round reads all that waits, and takes nothing away.
peek() {
    milliseconds "SELECT count(*), coalesce(sum(length(data)), 0) FROM pg_logical_slot_peek_binary_changes('$1', NULL, NULL, $2)"
}

bytes() {
    value "SELECT round(coalesce(sum(length(data)), 0) / $changes.0, 1) FROM pg_logical_slot_peek_binary_changes('$1', NULL, NULL, $2)"
}

declare -A plugin=([json]=availability_decoder [protobuf]=availability_decoder [wal2json]=wal2json [pgoutput]=pgoutput [floor]=pgoutput [handwritten]=pgoutput)
declare -A options=(
    [json]="'tables', 'public.reservations_calendar'"
    [protobuf]="'tables', 'public.reservations_calendar', 'format', 'protobuf'"
    [wal2json]="'format-version', '2', 'add-tables', 'public.reservations'"
    [pgoutput]="'proto_version', '1', 'publication_names', 'reservations'"
    [floor]="'proto_version', '1', 'publication_names', 'nothing'"
    [handwritten]="'proto_version', '1', 'publication_names', 'handwritten'")
peers=(floor json protobuf pgoutput wal2json)

make_slots() {
    local peer
    for peer in "$@"; do
        sql -c "SELECT pg_create_logical_replication_slot('$peer', '${plugin[$peer]}')" >/dev/null
    done
}

drop_slots() {
    local peer
    for peer in "$@"; do
        sql -c "SELECT pg_drop_replication_slot('$peer')" >/dev/null
    done
}

# Each change is a transaction of its own, with a change of another table in half of them.
cat >"$scratch/book.pgbench" <<END
\\set done :done + 1
\\set listing 1 + mod(:done * 7919, $listings)
\\set period 3 + :done / $listings
INSERT INTO reservations (listing_id, check_in, check_out, guest) VALUES (:listing, date '2027-01-01' + (16 * :period)::int, date '2027-01-01' + (16 * :period)::int + (1 + mod(:done, 7))::int, 'guest');
\\if mod(:done, 2) = 0
UPDATE noise SET words = words WHERE id = 1 + mod(:done, 1000);
UPDATE noise SET words = words WHERE id = 1 + mod(:done + 1, 1000);
\\endif
END
sed 's/INSERT INTO reservations \(.*\);$/WITH r AS (INSERT INTO handwritten \1 RETURNING *) INSERT INTO handwritten_day SELECT listing_id, check_in + n, id FROM r, generate_series(0, check_out - check_in - 1) AS n;/' \
    "$scratch/book.pgbench" >"$scratch/handwritten.pgbench"

run() {
    pgbench -n -c 1 -M prepared -t "$changes" -D done=0 -f "$scratch/$1.pgbench" >"$scratch/pgbench.log" 2>&1 || fail "$(cat "$scratch/pgbench.log")"
}

make_slots "${peers[@]}"
run book
echo "bytes of all messages a reservation change"
for peer in json protobuf pgoutput wal2json; do
    echo "$peer $(bytes "$peer" "${options[$peer]}")"
done | print_medians pgoutput B
for ((round = 1; round <= rounds; round++)); do
    for peer in "${peers[@]}"; do
        echo "$peer $(peek "$peer" "${options[$peer]}")"
    done
done >"$scratch/times"
drop_slots "${peers[@]}"
make_slots handwritten
run handwritten
for ((round = 1; round <= rounds; round++)); do
    echo "pgoutput.handwritten $(peek handwritten "${options[handwritten]}")"
done >>"$scratch/times"
echo "decoding of $changes bookings, $rounds rounds, median; floor: an empty publication on the same WAL; pgoutput.handwritten: on that of (listing_id, day) rows"
print_medians floor ms <"$scratch/times"

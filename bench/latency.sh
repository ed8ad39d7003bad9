#!/usr/bin/env bash
# From the commit of a booking to its event in a reader on the same machine, at 1,000 bookings a second, beside pgoutput of the table of
# reservations.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

rounds=3
seconds=10

start_bench "output_plugin_libraries = 'pgoutput, availability_decoder'"
g++ -std=c++17 -O2 -I"$("$original_pg_config" --includedir)" "$bench/latency.cpp" -lpq -o "$scratch/latency"
sql <<END
CREATE TABLE reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint NOT NULL, check_in date NOT NULL, check_out date NOT NULL);
SELECT availability.track('reservations') \g /dev/null
CREATE PUBLICATION reservations FOR TABLE reservations;
CREATE SEQUENCE bookings;
SELECT pg_create_logical_replication_slot('json', 'availability_decoder'), pg_create_logical_replication_slot('pgoutput', 'pgoutput') \g /dev/null
END
echo "INSERT INTO reservations (listing_id, check_in, check_out) SELECT n % 5000, date '2027-01-01' + 4 * (n / 5000)::int, date '2027-01-03' + 4 * (n / 5000)::int FROM (SELECT nextval('bookings') AS n) AS b;" >"$scratch/book.pgbench"

declare -A options=([json]="tables 'public.reservations_calendar'" [pgoutput]="proto_version '1', publication_names 'reservations'")
for ((round = 1; round <= rounds; round++)); do
    for plugin in json pgoutput; do
        # What has gathered is not to be counted.
        sql -c "SELECT pg_replication_slot_advance('$plugin', pg_current_wal_lsn())" >/dev/null
        "$scratch/latency" "host=$PGHOST port=$PGPORT dbname=$(value 'SELECT current_database()')" "$plugin" "$plugin" "${options[$plugin]}" "$seconds" >"$scratch/$plugin.delays" &
        pgbench -n -c 4 -j 2 -M prepared -R 1000 -T "$seconds" -f "$scratch/book.pgbench" >"$scratch/pgbench.log" 2>&1 || fail "$(cat "$scratch/pgbench.log")"
        wait %1 || fail "the reader of $plugin has failed"
        read -r count p50 p99 p999 <"$scratch/$plugin.delays"
        echo "$plugin.p50 $p50"
        echo "$plugin.p99 $p99"
        echo "$plugin.p99.9 $p999"
    done
done >"$scratch/delays"
echo "from commit to event, 1,000 bookings a second for $seconds s, $rounds rounds, median"
print_medians pgoutput.p50 us <"$scratch/delays"

#!/usr/bin/env bash
# What each shortcut of the write path earns: the library as it is beside one in which a file of bench/shortcuts/ takes the
# place of the file of that name, in turns. WAL of a booking, COPY of 200,000 reservations, many changes of one listing in one
# transaction.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

rounds=5
bookings=4000
nights=10000
library=$scratch/lib
shortcuts=(heap_fetch newest_version)

# Links the library with one file exchanged.
link_without() {
    local shortcut=$1 objects
    g++ -std=c++17 -O2 -fPIC -fvisibility=hidden -Wno-register -I"$scratch/src" -isystem "$("$pg_config" --includedir-server)" \
        -c "$bench/shortcuts/$shortcut.cpp" -o "$scratch/$shortcut.o"
    mapfile -t objects < <(find "$scratch/src/extension" -name '*.o' ! -name "$shortcut.o")
    g++ -shared -o "$library.$shortcut" "${objects[@]}" "$scratch/$shortcut.o" -lroaring -Wl,-Bsymbolic
}

# Sessions that start from now on load it.
use() {
    cp "$library.$1" "$scratch/next" && mv "$scratch/next" "$("$pg_config" --pkglibdir)/availability.so"
}

columns='id bigint PRIMARY KEY, listing_id bigint NOT NULL, check_in date NOT NULL, check_out date NOT NULL'

track_anew() {
    sql -c "DROP TABLE IF EXISTS reservations" -c "CREATE TABLE reservations ($columns)" \
        -c "SELECT availability.track('reservations')" >/dev/null
}

untrack() {
    sql -c "SELECT availability.untrack('reservations')" >/dev/null
}

# Prints `measure.variant value`.
round() {
    local variant=$1 first last
    use "$variant"
    track_anew
    echo "copy.$variant $(milliseconds "COPY reservations FROM '$scratch/reservations.copy'")"
    untrack

    track_anew
    echo "one_listing.$variant $(milliseconds "INSERT INTO reservations
        SELECT n, 1, date '2026-01-01' + 2 * n, date '2026-01-01' + 2 * n + 1 FROM generate_series(1, $nights) AS n")"
    untrack

    # One booking a transaction, of 4 nights, on 8 listings.
    track_anew
    sql -c "INSERT INTO reservations SELECT n, n % 8, date '2026-01-01' + 5 * n, date '2026-01-01' + 5 * n + 4
        FROM generate_series(1, 800) AS n"
    first=$(value "SELECT pg_current_wal_insert_lsn()")
    sql -c "DO \$\$ BEGIN FOR n IN 1001..$((1000 + bookings)) LOOP
        INSERT INTO reservations VALUES (n, n % 8, date '2026-01-01' + 5 * n, date '2026-01-01' + 5 * n + 4);
        COMMIT; END LOOP; END \$\$"
    last=$(value "SELECT pg_current_wal_flush_lsn()")
    sql -A -t -F ' ' -c "SELECT format('records.$variant %s', sum(count) / $bookings.0), format('bytes.$variant %s',
        sum(combined_size) / $bookings.0) FROM pg_get_wal_stats('$first', '$last', false)" | tr '|' '\n' | sed 's/ records/\n&/; s/ bytes/\nbytes/'
    untrack
}

start_bench "full_page_writes = off" "autovacuum = off"
sql -c "CREATE EXTENSION pg_walinspect"
sql -c "COPY (
    SELECT row_number() OVER (), listing_id, date '2026-01-01' + 10 * n, date '2026-01-01' + 10 * n + 1 + (listing_id + n) % 7
    FROM generate_series(0, 9) AS n CROSS JOIN generate_series(1, 20000) AS listing_id ORDER BY hashint8(listing_id * 10 + n)
) TO '$scratch/reservations.copy'"
cp "$("$pg_config" --pkglibdir)/availability.so" "$library.all"
for shortcut in "${shortcuts[@]}"; do link_without "$shortcut"; done

for ((n = 1; n <= rounds; n++)); do
    for variant in all "${shortcuts[@]}"; do round "$variant"; done
done | sed '/^$/d' >"$scratch/measured"

print_measure() {
    echo "$2, $rounds rounds, median; 'all' is the library as it is, each other lacks one shortcut"
    grep "^$1\." "$scratch/measured" | sed "s/^$1\.//" | print_medians all "$3"
}
print_measure copy "COPY of 200,000 reservations of 20,000 listings" ms
print_measure one_listing "$nights bookings of one listing in one transaction" ms
print_measure records "WAL of a booking of 4 nights" records
print_measure bytes "WAL of a booking of 4 nights" bytes

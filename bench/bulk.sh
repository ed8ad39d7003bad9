#!/usr/bin/env bash
# Many reservations at once: COPY into a tracked table, track of a filled one (lean: without day rows), and many changes of one listing
# in one transaction; each beside what it costs without availability.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

rounds=5
columns='id bigint PRIMARY KEY, listing_id bigint NOT NULL, check_in date NOT NULL, check_out date NOT NULL'

start_bench
sql -c "COPY (
    SELECT row_number() OVER (), listing_id, date '2026-01-01' + 10 * n, date '2026-01-01' + 10 * n + 1 + (listing_id + n) % 7
    FROM generate_series(0, 9) AS n CROSS JOIN generate_series(1, 20000) AS listing_id ORDER BY hashint8(listing_id * 10 + n)
) TO '$scratch/reservations.copy'"

untrack_and_drop() {
    sql -c "SELECT availability.untrack('reservations')" -c "DROP TABLE reservations" >/dev/null
}

# Prints `name milliseconds`, on a new table.
bulk_round() {
    local copy="COPY reservations FROM '$scratch/reservations.copy'"
    sql -c "CREATE TABLE reservations ($columns)"
    echo "copy.plain $(milliseconds "$copy")"
    echo "copy.then_track $(milliseconds "SELECT availability.track('reservations')")"
    untrack_and_drop

    sql -c "CREATE TABLE reservations ($columns)" -c "$copy"
    echo "copy.then_track_lean $(milliseconds "SELECT availability.track('reservations', day_rows => false)")"
    untrack_and_drop

    sql -c "CREATE TABLE reservations ($columns)" -c "SELECT availability.track('reservations')" >/dev/null
    echo "copy.tracked $(milliseconds "$copy")"
    untrack_and_drop

    sql -c "CREATE TABLE reservations ($columns)" -c "SELECT availability.track('reservations', day_rows => false)" >/dev/null
    echo "copy.tracked_lean $(milliseconds "$copy")"
    untrack_and_drop

    sql -c "CREATE TABLE reservations ($columns)"
    echo "copy.plain_and_day_rows $(milliseconds "DO \$\$ BEGIN
        CREATE TABLE days (listing_id bigint, day date, reservation_id bigint, PRIMARY KEY (listing_id, day));
        $copy;
        INSERT INTO days SELECT listing_id, check_in + n, id
        FROM reservations CROSS JOIN LATERAL generate_series(0, check_out - check_in - 1) AS n;
    END \$\$")"
    sql -c "DROP TABLE reservations, days"
}

# Books one night after the other on one listing, in one transaction.
one_listing_round() {
    local nights
    for nights in 5000 10000 20000; do
        sql -c "CREATE TABLE reservations ($columns)" -c "SELECT availability.track('reservations')" >/dev/null
        echo "one_listing.$nights $(milliseconds "INSERT INTO reservations
            SELECT n, 1, date '2026-01-01' + 2 * n, date '2026-01-01' + 2 * n + 1 FROM generate_series(1, $nights) AS n")"
        untrack_and_drop
    done
}

for ((round = 1; round <= rounds; round++)); do
    bulk_round
    one_listing_round
done >"$scratch/times"
echo "200,000 reservations of 20,000 listings, $rounds rounds, median"
grep '^copy' "$scratch/times" | print_medians copy.plain ms
echo "bookings of one listing in one transaction, $rounds rounds, median"
grep '^one_listing' "$scratch/times" | print_medians one_listing.5000 ms

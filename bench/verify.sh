#!/usr/bin/env bash
# verify of six million reservations on a million listings, without day rows and with, beside a count of the reservations.
# SIZE: listings.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

listings=${SIZE:-1000000}
rounds=3

start_bench
sql -c "CREATE TABLE reservations (id int PRIMARY KEY, listing_id int NOT NULL, check_in date, check_out date)" \
    -c "INSERT INTO reservations SELECT listing * 6 + n, listing, day, day + 4 FROM generate_series(0, 5) AS n
        CROSS JOIN generate_series(1, $listings) AS listing CROSS JOIN LATERAL (SELECT date '2027-01-01' + n * 40 + listing % 20 AS day) AS d" \
    -c "SELECT availability.track('reservations', day_rows => false)" -c "VACUUM ANALYZE" >/dev/null

measure() {
    local round
    for ((round = 1; round <= rounds; round++)); do
        echo "count $(milliseconds "SELECT count(*), sum(check_out - check_in) FROM reservations GROUP BY listing_id % 2")"
        echo "verify $(milliseconds "SELECT * FROM availability.verify('reservations')")"
    done | print_medians count ms
}
echo "$listings listings, $((6 * listings)) reservations of 4 nights, without day rows"
measure
sql -c "SELECT availability.set_day_rows('reservations', true)" -c "VACUUM ANALYZE" >/dev/null
echo "the same with day rows"
measure
